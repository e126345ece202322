"""What tests of voxint and of its providers stand on.

stages.py           scripted stages on trio's clock
detector.py         a voice detector that goes by how loud a sound is
conformance.py      the test that any provider's own suite can run: does a stage keep its contract?
trial.py            a stage on trial: run whole, several at once, and cancelled at many moments
stage_tasks.py      the tasks of a stage on trial: how long their steps are, and which of them stay
invariants.py       what the protocol promises of an interruption, checked frame by frame
chaos.py            a TCP proxy that breaks any byte of a connection, by script
sim/                a simulated upstream on a real socket, with a pace, faults and a ledger
upstream_stages.py  speech and transcription over HTTP, against the simulated upstream
"""
