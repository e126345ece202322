"""Measure an interruption from outside, for voxint and for everybody else: ``python -m bench --help``."""

# targets/         the systems under test: one file each, one process each
# environments.py  where their packages live
# scenarios.py     what is done to each of them alike
# fleet.py         the targets that run side by side, over one simulated upstream
# processes.py     targets and generators as processes, on cores of their own
# generator.py     the process that speaks to a target, and dialects.py how
# slot.py          one target, one case, one round; upstream.py what the upstreams saw of it, closings.py the kernel
# run.py           all of them, in interleaved rounds; ramp.py how much a core can take
# store.py         a run on disk while it goes on; schema.py what is left of it
# live.py, report/ what a person sees of it, then and later; compare.py what got slower
# conversation.py  callers and a server that hears and speaks by models of its own
# speech.py        how well engines of speech understand and how soon they speak: engines.py measures one, by what
#                  people said (recordings.py), and counts the wrong words (wer.py)
# bargein/         what coughs, echoes and interruptions do to an answer while the microphone is open
# ears.py          what microphones cost that are open while nobody speaks
# attacks/         how bystanders fare while somebody attacks the server
# machine.py       on what it was measured

from __future__ import annotations
