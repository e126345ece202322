"""The servers of the peers that are measured by voice, each in a process and an environment of its own."""

# wire.py      how a caller speaks with them, and what they have in common
# pipecat.py   pipecat-ai: its transport, its voice detector, its turn strategies
# livekit.py   livekit-agents: its session, over the socket in place of a room
# __main__.py  one of them as a process

from __future__ import annotations
