"""What callers may have, over real sockets: told to `serve`, met on the wire, counted in /metrics."""

from __future__ import annotations

import urllib.request
from functools import partial
from urllib.error import HTTPError

import trio

from tests.end_to_end.wire import open_wire
from voxint.core.agent import Agent
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.quotas import Quotas
from voxint.server.serve import Server, serve
from voxint.testing.stages import ScriptedModel


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status), answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


async def test_quotas_are_met_on_the_wire() -> None:
    """A rate of REQUESTs, a second session of the address, /readyz and the metric."""
    quotas = Quotas(session_requests_per_minute=3, address_sessions=1, sessions=1)
    async with trio.open_nursery() as nursery:
        agent = Agent(llm=ScriptedModel("Yes?"))
        server: Server = await nursery.start(partial(serve, quotas=quotas), agent, ServerConfig(port=0, drain_s=0))
        async with open_wire(server.url) as wire, open_wire(server.url) as second:
            wire.register()
            await wire.until(lambda: bool(wire.of(m.RegisterAck)))
            wire.ask("r1")
            wire.ask("r2")
            await wire.until(lambda: bool(wire.of(m.Error)))
            [error] = wire.of(m.Error)
            assert isinstance(error, m.Error)
            assert (error.error_code, error.retryable, error.request_id) == ("SERVER_BUSY", True, "r2")
            assert error.error_detail == "quota session_requests_per_minute; retry after 20 s"
            second.register()
            closed = await second.until_closed()
            assert closed.code == 1013
            base = f"http://127.0.0.1:{server.port}"
            status, words = await trio.to_thread.run_sync(_get, f"{base}/readyz")
            assert (status, words) == (
                503,
                "busy: the server has as many sessions as it may have: try again later (quota sessions)\n",
            )
            _, metrics = await trio.to_thread.run_sync(_get, f"{base}/metrics")
        server.shut_down()
    assert 'voxint_refusals_total{quota="session_requests_per_minute"} 1.0' in metrics
    assert 'voxint_refusals_total{quota="address_sessions"} 1.0' in metrics
    assert "voxint_sessions 1.0" in metrics
