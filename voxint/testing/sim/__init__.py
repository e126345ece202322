"""A simulated upstream: an OpenAI-compatible server on a real socket, with a pace, faults, and a ledger of both."""

# __main__.py       the upstream as a process of its own
# process.py        such a child process, for a block, and its ledger
# app.py            the server: its endpoints, and the port where nobody ever answers
# settings.py       how it behaves: its pace, what it says, the ways it goes wrong
# chat.py           chat completions, streamed or whole
# speech.py         speech, faster than it plays
# transcription.py  transcriptions, read while they are spoken
# play.py           an answer piece by piece, at its pace and with its faults
# ledger.py         what was generated, written and seen, request by request
# content.py        what the simulated model says
# script.py         the texts that it speaks

from __future__ import annotations

from voxint.testing.sim.app import SimAddress, serve_sim
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport
from voxint.testing.sim.process import Sim, sim_process
from voxint.testing.sim.settings import SimSettings

__all__ = ["LedgerEntry", "LedgerReport", "Sim", "SimAddress", "SimSettings", "serve_sim", "sim_process"]
