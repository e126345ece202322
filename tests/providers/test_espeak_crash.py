"""A crash of espeak's process costs the piece that it was to speak; what can't be spoken at all fails."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from attrs import evolve

from tests.processes import every_child, exists
from tests.providers import espeak_double
from tests.providers.confined import assert_confined
from tests.providers.espeak_double import CRASHES, HANGS, REFUSED
from tests.providers.spoken import speak
from voxint.errors import UpstreamError
from voxint.providers import _written_text, espeak
from voxint.providers._lost_texts import MOST_LOST
from voxint.providers.espeak import Espeak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def _double(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have espeak's process run with the library that crashes."""
    monkeypatch.setattr(espeak, "WORKER", evolve(espeak.WORKER, script=str(Path(espeak_double.__file__)), answer_s=1))


Lines = list[MutableMapping[str, Any]]


def told(lines: Lines) -> list[tuple[object, ...]]:
    """Return what the log says of pieces that were not spoken; no word of them is in any line."""
    assert not any(word in str(lines) for word in (CRASHES, HANGS, REFUSED, "antidis"))
    return [(line["log_level"], line["provider"], line["chars"]) for line in lines if "was not spoken" in line["event"]]


async def test_the_library_itself_crashes_on_a_long_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it given one whole, as it never is, the process would abort; the answer goes on behind it."""
    monkeypatch.setattr(_written_text, "LONG_WORD", re.compile("never^"))
    monkeypatch.setattr(espeak, "SEGMENT_CHARS", 300)
    before = every_child()
    with structlog.testing.capture_logs() as lines:
        async with Espeak() as stage:
            [process] = every_child() - before
            crashing, after = "antidis" * 35 + ".", "Good morning."
            spoken = await speak(stage, crashing, after)
            assert not exists(process)
    [silent] = [speech for speech in spoken if not speech.audio]
    assert silent.text == crashing
    assert "".join(speech.text or "" for speech in spoken) == crashing + after
    assert spoken[-1].audio
    assert told(lines) == [("warning", "espeak", len(crashing))]


@pytest.mark.usefixtures("_double")
@pytest.mark.parametrize("word", [CRASHES, HANGS])
async def test_a_crash_costs_one_piece(word: str) -> None:
    """A process that dies, or hangs and is killed; it is so each time, and what comes between is spoken."""
    pieces = ("One. ", f"A {word}! ", "Two. ", f"The {word}. ", "Three.")
    with structlog.testing.capture_logs() as lines:
        async with Espeak() as stage:
            spoken = await speak(stage, *pieces)
    assert "".join(speech.text or "" for speech in spoken) == "".join(pieces)
    assert [speech.text for speech in spoken if not speech.audio] == [pieces[1], pieces[3]]
    assert told(lines) == [("warning", "espeak", len(pieces[1])), ("warning", "espeak", len(pieces[3]))]


@pytest.mark.usefixtures("_double")
async def test_an_answer_of_crashes_alone_fails() -> None:
    """Three in a row: silence is no answer. The next answer is spoken."""
    with structlog.testing.capture_logs() as lines:
        async with Espeak() as stage:
            with pytest.raises(UpstreamError, match="the voice failed; try again") as failed:
                await speak(stage, *[f"A {CRASHES}. "] * (MOST_LOST + 2))
            assert failed.value.operator_detail == "espeak crashes on whatever it is to speak"
            assert all(speech.audio for speech in await speak(stage, "Good morning."))
    assert len(told(lines)) == MOST_LOST


@pytest.mark.usefixtures("_double")
async def test_a_text_that_is_refused_fails_the_answer_and_no_process() -> None:
    """That is no crash: the library lives, and says what is wrong."""
    before = every_child()
    async with Espeak() as stage:
        process = every_child() - before
        with pytest.raises(UpstreamError, match="the voice failed; try again") as failed:
            await speak(stage, f"A {REFUSED}.")
        assert failed.value.operator_detail == "espeak: its library's status was 7"
        assert every_child() - before == process


async def test_its_process_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable (the upstream's key stands in the server's), no file but its pipes, its limits; and it speaks."""
    monkeypatch.setenv("OPENAI_API_KEY", "persimmon")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    before = every_child()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)
        async with Espeak() as stage:
            [process] = every_child() - before
            assert_confined(process, espeak.WORKER.memory_mib)
            assert any(speech.audio for speech in await speak(stage, "Good morning."))


@pytest.mark.usefixtures("_double")
async def test_a_process_that_cant_be_started_any_more_fails_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the wait for one, with the reason for the operator."""
    monkeypatch.setattr(espeak, "WAIT_S", 1.5)
    async with Espeak() as stage:
        assert stage._pool is not None
        monkeypatch.setattr(stage._pool, "_kind", evolve(espeak.WORKER, script="/nowhere.py"))
        with pytest.raises(UpstreamError, match="every voice is busy; try again later") as failed:
            await speak(stage, f"A {CRASHES}. ", "Good morning.")
    assert "all 1 espeak processes for 1.5 s: run another server beside" in failed.value.operator_detail
    assert "one failed to start: espeak: its process died while it started" in failed.value.operator_detail
