"""Calls in Full-Duplex-Bench's layout."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import trio

from bench.bargein.caller import call
from bench.bargein.line import RATE
from bench.bargein.overlaps import write_overlap
from tests.bench.bargein.scripted import ScriptedLine, canned, sample, script, speaks

ANSWER = canned()


async def test_sample_is_a_folder_of_its_own(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """Both sides are as long as each other and on one clock; the clean input has the question alone."""
    asked = sample("side")
    async with ScriptedLine(ANSWER, script(speaks(ANSWER, 2.0, 0, 9 * RATE))).open() as line:
        record = await call(line, asked)
    place = write_overlap(tmp_path, asked, record)
    assert place == tmp_path / "talking_to_other" / asked.name
    sounds = {name: _read(place / f"{name}.wav") for name in ("input", "output", "clean_input")}
    assert sounds["input"] == record.input
    assert sounds["output"] == record.output
    assert len({len(sound) for sound in sounds.values()}) == 1
    question = 2 * record.question[0]
    assert sounds["clean_input"][:question] == bytes(question)
    assert sounds["clean_input"][question : question + len(asked.question.pcm)] == asked.question.pcm
    about = json.loads((place / "metadata.json").read_text())
    assert record.overlap is not None
    assert about["timestamps"] == [round(at / RATE, 3) for at in record.overlap]


async def test_other_kinds_are_not_theirs(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """A cough is no overlap of theirs, nor is a call without an answer."""
    async with ScriptedLine(ANSWER, []).open() as line:
        record = await call(line, sample())
    assert write_overlap(tmp_path, sample("cough"), record) is None
    assert write_overlap(tmp_path, sample(), record) is None
    assert _names(tmp_path) == []


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _read(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (1, RATE)
        return file.readframes(file.getnframes())
