from __future__ import annotations

import msgspec
import pytest

from tests.testing.simulated import Simulated, simulated


async def get(upstream: Simulated, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Return the answer to a request without a body."""
    async with upstream.http.stream(method, f"{upstream.sim.url}{path}") as response:
        return response.status_code, await response.aread()


async def test_models_are_listed_in_openai_s_form() -> None:
    """A client that lists the models first finds one."""
    async with simulated() as upstream:
        status, body = await get(upstream, "/v1/models")
        assert (status, [model["id"] for model in msgspec.json.decode(body)["data"]]) == (200, ["sim"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("GET", "/nothing", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("DELETE", "/ledger", 200),
    ],
)
async def test_other_requests_get_their_status(method: str, path: str, status: int) -> None:
    """Health is told, unknown paths and wrong methods are refused, and none of it stands in the ledger."""
    async with simulated() as upstream:
        assert (await get(upstream, path, method))[0] == status
        report = await upstream.sim.ledger(settled=True)
        assert (report.requests, report.open_requests) == ([], 0)
