"""A simulated upstream: an OpenAI-compatible server on a real socket, with a pace, faults, and a ledger of both."""

from __future__ import annotations

from voxint.testing.sim.app import SimAddress, serve_sim
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport
from voxint.testing.sim.process import Sim, sim_process
from voxint.testing.sim.settings import SimSettings

__all__ = ["LedgerEntry", "LedgerReport", "Sim", "SimAddress", "SimSettings", "serve_sim", "sim_process"]
