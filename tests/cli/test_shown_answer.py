"""What is shown of an answer while it is spoken, on a terminal and past one; in virtual time."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import cast

import click
import pytest
import trio
import trio.testing

from voxint.cli.shown_answer import ShownAnswer, Sound, time_left
from voxint.cli.speakers import Mute, PlayerGone
from voxint.client import RemoteReply
from voxint.core.audio import AudioFormat
from voxint.core.events import Ended, Event, Text, Understood, Voice
from voxint.core.receipt import Receipt

SECOND = bytes(2 * 16_000)
WORDS = "Once there was a lighthouse keeper who had never seen a ship. "
"""62 letters: four seconds."""


SOUND = Sound()

Streams = Callable[[type[io.StringIO], type[io.StringIO]], tuple[io.StringIO, io.StringIO]]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


class PacedReply:
    """A reply whose events come when they are due, as `say` sees one.

    Args:
        steps: Events, and seconds between them.
        llm: What a receipt says of the model.
    """

    t_input_end = t_first_text = t_first_voice = t_ack = t_interrupt = None

    def __init__(self, *steps: Event | float, llm: str = "finished") -> None:
        self._steps = iter(steps)
        self._llm = llm
        self.interrupted_at: float | None = None

    def __aiter__(self) -> PacedReply:
        return self

    async def __anext__(self) -> Event:
        for step in self._steps:
            if not isinstance(step, int | float):
                return step
            await trio.sleep(step)
        raise StopAsyncIteration

    async def interrupt(self, reason: str) -> Receipt | None:
        """Note when, and return a receipt."""
        self.interrupted_at = trio.current_time()

        class Told:
            stages: dict[str, str] = {"llm": self._llm}  # noqa: RUF012 - the one field that is looked at

        return cast("Receipt", Told)


class Broken(Mute):
    """A player that ends at the first sound."""

    async def play(self, audio: bytes) -> None:
        """End."""
        raise PlayerGone("paplay has stopped")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    """Replace standard output and error."""

    def replaced(out: type[io.StringIO], err: type[io.StringIO]) -> tuple[io.StringIO, io.StringIO]:
        made = out(), err()
        monkeypatch.setattr(sys, "stdout", made[0])
        monkeypatch.setattr(sys, "stderr", made[1])
        return made

    return replaced


async def shown(reply: PacedReply, *, speaker: Mute | None = None, sound: Sound = SOUND) -> int:
    """Show an answer as `say` does, and return the exit code."""
    answer = ShownAnswer(cast("RemoteReply", reply), speaker or Mute(), sound)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer.tell_time)
        code = await answer.attend()
        nursery.cancel_scope.cancel()
    return code


def spoken(seconds: int) -> list[Event | float]:
    """Return speech as a server paces it."""
    return [step for _ in range(seconds) for step in (Voice(SECOND), 1.0)]


async def test_a_terminal_shows_how_long_the_speech_still_lasts(
    streams: Streams, autojump_clock: trio.testing.MockClock
) -> None:
    """Once a second when the text has come, in one line that is gone at the end."""
    out, err = streams(Terminal, Terminal)
    sound = Sound("writing a.wav", AudioFormat(16_000))
    assert await shown(PacedReply(Text(WORDS), Text(WORDS), 0.5, *spoken(10), Ended(False)), sound=sound) == 0
    assert out.getvalue() == WORDS * 2  # the terminal's line was ended for the other one
    lines = click.unstyle(err.getvalue()).split("\r")
    assert lines[0] == "\n"
    assert lines[1].rstrip() == "writing a.wav: 1 s, about 7 s left (Ctrl-C ends it)"
    assert lines[2].rstrip() == "writing a.wav: 2 s, about 6 s left (Ctrl-C ends it)"
    assert lines[-3].rstrip() == "writing a.wav: 10 s (Ctrl-C ends it)"
    assert lines[-2].strip() == lines[-1].strip() == ""
    assert len(lines) == 13


async def test_past_a_terminal_there_is_no_running_line(
    streams: Streams, autojump_clock: trio.testing.MockClock
) -> None:
    """A file and a pipe get the text, and its line's end."""
    out, err = streams(io.StringIO, io.StringIO)
    assert await shown(PacedReply(Text(WORDS), 0.5, *spoken(10), Ended(False))) == 0
    assert (out.getvalue(), err.getvalue()) == (f"{WORDS}\n", "")
    out, err = streams(io.StringIO, Terminal)
    assert await shown(PacedReply(Text(WORDS), 0.5, *spoken(10), Ended(False))) == 0
    assert out.getvalue() == f"{WORDS}\n"
    assert "\n" not in err.getvalue()


async def test_a_stream_that_was_closed_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """As by `2>&-`: the answer is printed all the same."""
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    monkeypatch.setattr(sys, "stderr", None)
    assert await shown(PacedReply(Text(WORDS), *spoken(3), Ended(False))) == 0
    assert out.getvalue() == f"{WORDS}\n"


async def test_text_and_notes_take_the_running_line_away(
    streams: Streams, autojump_clock: trio.testing.MockClock
) -> None:
    """A model that goes on has the terminal to itself again."""
    out, err = streams(Terminal, Terminal)
    pause = spoken(3)
    steps = (Text("One."), *pause, Understood("x", is_final=True), Text("Two."), *pause, Text("Three."), Ended(False))
    assert await shown(PacedReply(*steps)) == 0
    assert out.getvalue() == "One.Two.Three.\n"
    assert "understood: x" in err.getvalue()
    assert err.getvalue().count("\n") == 3  # one below each text, and the note's own


async def test_an_answer_that_nobody_hears_ends_with_its_text(
    streams: Streams, autojump_clock: trio.testing.MockClock
) -> None:
    """Where the player has ended on the way: five seconds behind the last word, whatever would still be spoken."""
    out, err = streams(io.StringIO, io.StringIO)
    reply = PacedReply(Text("One. "), *spoken(2), Text("Two."), *spoken(40), Ended(False))
    assert await shown(reply, speaker=Broken()) == 0
    assert reply.interrupted_at == trio.current_time() == 2 + 5
    assert out.getvalue() == "One. Two.\n"
    assert "paplay has stopped: the rest is text, and it ends when that is here (--out FILE" in err.getvalue()


async def test_a_model_that_was_cut_off_with_that_is_a_failure(
    streams: Streams, autojump_clock: trio.testing.MockClock
) -> None:
    """It had only paused: its text is not complete, and that is said."""
    _, err = streams(io.StringIO, io.StringIO)
    reply = PacedReply(Text("One. "), *spoken(40), Ended(False), llm="closed")
    assert await shown(reply, speaker=Broken()) == 1
    assert "voxint: nothing came for 5 s, so it was ended before its end: ask again with --no-voice" in err.getvalue()


async def test_an_answer_that_ends_before_that_has_ended_by_itself(
    streams: Streams, autojump_clock: trio.testing.MockClock
) -> None:
    """Nothing is interrupted."""
    streams(io.StringIO, io.StringIO)
    reply = PacedReply(Text("One. "), *spoken(2), Ended(False))
    assert await shown(reply, speaker=Broken()) == 0
    assert reply.interrupted_at is None


@pytest.mark.parametrize(("text", "spoken_s", "told"), [
    ("x" * 150, 1, "1 s, about 9 s left"),
    ("从前有一个看守灯塔的人" * 5, 1, "1 s, about 10 s left"),
    ("x" * 150, 9.5, "10 s"),
    ("", 12, "12 s"),
])  # fmt: skip
def test_the_time_left_is_reckoned_from_the_text(text: str, spoken_s: float, told: str) -> None:
    """As the server reckons: 15 letters a second, a Chinese character being three; nothing where it falls short."""
    assert time_left(text, spoken_s * 1000) == told
