"""What can't be rendered costs the connection that it was for, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
import trio

from tests.memory import come_back
from tests.talk import WRITTEN, Talk, open_place
from voxint.core.agent import Agent
from voxint.core.events import Called, Said, Text
from voxint.core.settings import OnDisconnect
from voxint.core.stages import ToolCall
from voxint.protocol.messages import SeenFrames
from voxint.server.words import FAILED
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

AGENT = Agent(llm=ScriptedModel("Well, ", 0.5, "no. ", 0.5, ToolCall("c1", "wave"), 0.5, "Yes."))


def break_for(talk: Talk, monkeypatch: pytest.MonkeyPatch, event: type[Text | Called], error: Exception) -> None:
    """Let one client's renderer raise when it gets to its second event of a kind, or its first call."""
    render, left = talk.connection.renderer.render, [2 if event is Text else 1]

    def failing(item: object, now_ms: int) -> Iterator[str | bytes]:
        if isinstance(item, Said) and isinstance(item.event, event):
            left[0] -= 1
            if not left[0]:
                raise error
        return render(item, now_ms)

    monkeypatch.setattr(talk.connection.renderer, "render", failing)


@pytest.mark.parametrize("on_disconnect", ["interrupt", "keep"])
@pytest.mark.parametrize("event", [Text, Called])
async def test_one_of_two_listeners_breaks(
    monkeypatch: pytest.MonkeyPatch, event: type[Text | Called], on_disconnect: OnDisconnect
) -> None:
    """1011 for the player, one line with the place; the other becomes the player and hears all of it."""
    async with open_place(AGENT) as place:
        first = place.join()
        first.register(WRITTEN, on_disconnect=on_disconnect)
        await first.until(lambda: bool(first.frames))
        other = await come_back(place, first.registered)
        break_for(first, monkeypatch, event, ValueError("secret words"))
        with structlog.testing.capture_logs() as lines:
            first.ask("r1")
            await other.until(lambda: other.ended_at("r1") is not None)
        assert other.text_of("r1") == "Well, no. Yes."
        assert first.connection.closing == (1011, FAILED)
        assert other.connection.closing is None
        assert [request.ending for request in place.book.finished_requests] == ["complete"]
        [line] = [line for line in lines if line["log_level"] == "error"]
        assert line["session_id"] == other.registered.session_id
        assert "test_writer.py" in str(line["trace"])
        assert "secret words" not in str(line)


async def test_the_only_listener_breaks_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer goes on, and the new connection gets what the old one could not write."""
    async with open_place(AGENT) as place:
        first = place.join()
        first.register(WRITTEN, on_disconnect="keep")
        await first.until(lambda: bool(first.frames))
        break_for(first, monkeypatch, Text, TypeError("no"))
        first.ask("r1")
        await trio.sleep(1)
        assert first.connection.closing == (1011, FAILED)
        seen = {"r1": SeenFrames(text_stream_seq=0)}
        second = await come_back(place, first.registered, seen)
        await second.until(lambda: second.ended_at("r1") is not None)
        assert first.text_of("r1") + second.text_of("r1") == "Well, no. Yes."


async def test_a_payload_that_cannot_be_encoded() -> None:
    """As the codec raises it: an argument that is no JSON, which the gate would not have let through."""
    async with open_place(AGENT) as place:
        first = place.join()
        first.register(WRITTEN)
        await first.until(lambda: bool(first.frames))
        other = await come_back(place, first.registered)
        said = Said("r9", Called("wave", {"at": object()}, "c9"), False)
        with structlog.testing.capture_logs() as lines:
            other.connection.listener.post(said)
            await trio.sleep(1)
        assert other.connection.closing == (1011, FAILED)
        assert len([line for line in lines if line["log_level"] == "error"]) == 1
        first.ask("r1")
        await first.until(lambda: first.ended_at("r1") is not None)
