from __future__ import annotations

import time
from typing import Any

import pytest
import trio
import trio.testing

from tests.testing.simulated import Simulated, asking, simulated
from voxint.errors import UpstreamError
from voxint.net.http import chunks
from voxint.testing.sim.app import Simulator
from voxint.testing.sim.settings import SimSettings

CHAT = "/chat/completions"


async def test_timetable_is_absolute(autojump_clock: trio.testing.MockClock) -> None:
    """A client that reads one token late gets the rest at the instants they were due: the pace does not drift."""
    settings = SimSettings(first_token_s=1.0, token_interval_s=0.5, tokens=6)
    ours, theirs = trio.testing.lockstep_stream_pair()
    seen: list[float] = []
    async with trio.open_nursery() as nursery:
        simulator = Simulator(settings)
        nursery.start_soon(simulator.ticker.run)
        nursery.start_soon(simulator.serve, theirs)
        body = b'{"messages": [], "stream": true}'
        await ours.send_all(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        while len(seen) < 6:
            if b'"delta":{"' in await ours.receive_some(100_000):
                seen.append(trio.current_time())
                if len(seen) == 2:
                    await trio.sleep(1.25)
        nursery.cancel_scope.cancel()
    # The third waited for the client, and the fourth with it; the fifth is on time again.
    assert seen == [1.0, 1.5, 2.75, 2.75, 3.0, 3.5]


async def test_ledger_holds_the_instants_of_the_tokens() -> None:
    """Stamps of generation lie on the timetable, after the request and before the answer's end."""
    async with simulated(first_token_s=0.02, token_interval_s=0.01, tokens=5) as upstream:
        begun = time.monotonic()
        await upstream.post(CHAT, asking("hello"), {"x-request-id": "a tag"})
        ended = time.monotonic()
        entry = await upstream.last()
    assert (entry.tag, entry.endpoint, entry.outcome) == ("a tag", "/v1/chat/completions", "complete")
    assert (entry.tokens_generated, entry.tokens_written, entry.t_disconnect_seen) == (5, 5, None)
    assert entry.t_first_written is not None
    assert begun <= entry.t_received <= entry.generated_at[0] <= entry.t_first_written <= ended
    earliest = [entry.t_received + 0.02 + 0.01 * n for n in range(5)]
    assert all(stamp >= due for stamp, due in zip(entry.generated_at, earliest, strict=True))


async def leave(upstream: Simulated, path: str, body: object, after_bytes: int) -> float:
    """Begin an answer, leave when so much of it has come (0: before its head), return the instant of leaving."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            if after_bytes == 0:

                async def cancel_when_open() -> None:
                    await upstream.until(lambda entry: True)
                    scope.cancel()

                nursery.start_soon(cancel_when_open)
            async with upstream.http.stream("POST", f"{upstream.sim.base_url}{path}", json=body) as response:
                got = 0
                async for chunk in chunks(response):
                    got += len(chunk)
                    if got >= after_bytes:
                        scope.cancel()
    return time.monotonic()


@pytest.mark.parametrize(
    ("settings", "after_bytes"),
    [
        ({"token_interval_s": 0.01, "tokens": 2000}, 1),
        ({"stall_after": 3}, 500),
        ({"stall_headers": True}, 0),
        ({"first_token_s": 100.0}, 0),
        ({"flood": True}, 1_000_000),
    ],
    ids=["streaming", "stalled", "no headers", "first token", "flood"],
)
async def test_ledger_stamps_the_client_s_leaving(settings: dict[str, Any], after_bytes: int) -> None:
    """Wherever the answer is, the ledger says when the client was seen to leave, and nothing is generated after."""
    async with simulated(**settings) as upstream:
        begun = time.monotonic()
        left_at = await leave(upstream, CHAT, asking("hello"), after_bytes)
        entry = await upstream.last()
        assert (entry.outcome, entry.tokens_after_disconnect) == ("disconnected", 0)
        assert entry.t_disconnect_seen is not None
        assert begun < entry.t_disconnect_seen < left_at + 1.0
        assert entry.tokens_generated - entry.tokens_written in (0, 1)


async def test_stall_ends_when_it_was_given_a_length() -> None:
    """After a bounded silence the answer goes on to its end."""
    async with simulated(tokens=4, stall_after=2, stall_s=0.05) as upstream:
        assert (await upstream.post(CHAT, asking("hello"))).content.endswith(b"[DONE]\n\n")
        entry = await upstream.last()
        assert (entry.tokens_written, entry.outcome) == (4, "complete")
        assert entry.generated_at[2] - entry.generated_at[1] >= 0.05


@pytest.mark.parametrize("after", [0, 3])
async def test_reset_breaks_the_client_s_read(after: int) -> None:
    """After so many tokens the connection is reset."""
    async with simulated(reset_after=after) as upstream:
        with pytest.raises(UpstreamError):
            await upstream.post(CHAT, asking("hello"))
        entry = await upstream.last()
        assert (entry.tokens_written, entry.outcome) == (after, "reset")


@pytest.mark.parametrize(("fault", "outcome"), [("garbage_after", "garbage"), ("truncate_after", "truncated")])
async def test_answer_ends_without_its_own_end(fault: str, outcome: str) -> None:
    """Garbage and truncation end the HTTP response properly, but not the protocol within."""
    async with simulated(**{fault: 2}) as upstream:
        content = (await upstream.post(CHAT, asking("hello"))).content
        assert b"[DONE]" not in content
        assert (b"nonsense" in content) == (outcome == "garbage")
        entry = await upstream.last()
        assert (entry.tokens_written, entry.outcome) == (2, outcome)


async def test_refusal_has_the_status_and_body_asked_for() -> None:
    """A status and a body of the test's own choice come back as they are."""
    async with simulated(status=429, error_body="slow down") as upstream:
        response = await upstream.post(CHAT, asking("hello"))
        assert (response.status_code, response.content) == (429, b"slow down")
        assert (await upstream.last()).outcome == "refused"


async def test_faults_may_be_meant_for_one_endpoint() -> None:
    """With `faults_on` the other endpoints go on well."""
    async with simulated(status=500, faults_on="speech", tokens=1) as upstream:
        assert (await upstream.post(CHAT, asking("hello"))).status_code == 200
        assert (await upstream.post("/audio/speech", {"input": "hello"})).status_code == 500


async def test_connect_to_the_stalled_port_hangs() -> None:
    """On the second port no connect completes, and none is refused."""
    async with simulated(stall_connect=True) as upstream:
        url = upstream.sim.address.stalled_url
        assert url is not None
        with trio.move_on_after(0.1) as scope:
            await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2]))
        assert scope.cancelled_caught


async def test_fault_behind_the_end_does_not_happen() -> None:
    """An answer shorter than the fault's position is complete."""
    async with simulated(tokens=2, truncate_after=3) as upstream:
        assert (await upstream.post(CHAT, asking("hello"))).content.endswith(b"[DONE]\n\n")
        assert (await upstream.last()).outcome == "complete"
