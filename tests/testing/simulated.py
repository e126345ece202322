"""A simulated upstream in the test's own process, and a client for it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import msgspec
import trio
from attrs import frozen

from voxint.net.http import HttpClient, open_http
from voxint.net.sse import EventParser
from voxint.testing.sim import LedgerEntry, Sim, SimSettings, serve_sim

__all__ = ["Simulated", "asking", "events", "simulated"]


@frozen
class Simulated:
    """A running simulator and the client that asks it."""

    sim: Sim
    http: HttpClient

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Return a whole response."""
        async with self.http.stream("POST", f"{self.sim.base_url}{path}", json=body, headers=headers) as response:
            await response.aread()
            return response

    async def until(self, condition: Callable[[LedgerEntry], bool]) -> None:
        """Wait until the latest request's entry is so; its server has no event for that, so it is polled."""
        while not await self._latest_is(condition):  # noqa: ASYNC110 - it has no event to give
            await trio.sleep(0.001)

    async def _latest_is(self, condition: Callable[[LedgerEntry], bool]) -> bool:
        requests = (await self.sim.ledger()).requests
        return bool(requests) and condition(requests[-1])

    async def last(self) -> LedgerEntry:
        """Return the latest request, once none is under way."""
        return (await self.sim.ledger(settled=True)).requests[-1]


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulated]:
    """Serve with these settings, as fast as possible unless they say otherwise; 10 s at most."""
    quick = {"first_token_s": 0.0, "token_interval_s": 0.0, "first_chunk_s": 0.0, "chunk_interval_s": 0.0}
    quick |= {"transcript_delay_s": 0.0, "delta_interval_s": 0.0}
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery, open_http() as http:
            address = await nursery.start(partial(serve_sim, SimSettings(**{**quick, **settings})))
            yield Simulated(Sim(address, os.getpid()), http)
            nursery.cancel_scope.cancel()


def asking(words: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a streamed chat request."""
    return {"model": "sim", "messages": [{"role": "user", "content": words}], "stream": True, **fields}


def events(body: bytes) -> list[dict[str, Any]]:
    """Return the JSON events of an SSE body, without ``[DONE]``."""
    found = [event.data for event in EventParser().feed(body)]
    return [msgspec.json.decode(data) for data in found if data != b"[DONE]"]
