"""Barge-in by voice, measured from outside: ``python -m bench bargein``."""

# line.py       what a system under test must give: a server in a process, and a line that a caller speaks over
# systems/      those systems, as the caller's process has them: what line.py asks for
# bots/         their servers, each in a process; the peers' in environments of their own
#
# noises.py     coughs, claps, knocks, keys, doors, traffic, a room: made by code from a seed
# phrases.py    what callers say, and the one answer that they hear, in two languages
# synthesis.py  voices of the machine, synthesised once and kept in a folder
# samples.py    a sample: the caller's microphone with its truth; the set of them from a seed
# canned.py     the answer's voice: which samples a piece of its text is, and where a stretch of sound stands in it
# upstream.py   the model, the canned voice and a recogniser as one HTTP server in a process, with a ledger
#
# player.py     what a loudspeaker sounds of the frames that come: pauses, goes on, drops; pure
# microphone.py what a microphone takes up: room, speech, echo of the loudspeaker; pure
# caller.py     one call: speaks, listens, keeps a record; a process of its own
# record.py     what is kept of a call
# rating.py     from a call's record to figures; pure
# figures.py    figures of many calls, by kind, language and level; pure
# timeline.py   what of a call's record a picture to scale shows; pure
#
# run.py        the set over the systems; command.py the command
# overlaps.py   the set in the layout of Full-Duplex-Bench v1.5
# report/       tables, the DET curve, one timeline to scale

from __future__ import annotations
