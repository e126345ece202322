"""The servers that are measured by voice, each in a process; the peers' in environments of their own."""

# voxint.py    voxint, with its ears
#
# wire.py      how a caller speaks with the peers, and what they have in common
# pipecat.py   pipecat-ai: its transport, its voice detector, its turn strategies
# livekit.py   livekit-agents: its session, over the socket in place of a room
# __main__.py  one of the peers as a process

from __future__ import annotations
