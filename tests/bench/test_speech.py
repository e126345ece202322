"""Engines of speech, measured: scripted ones in virtual time, whose figures are known."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.engines import Ears, Memory, Times, Voice, hear, speak, watched_memory
from bench.machine import machine
from bench.speech import Figures, tables
from bench.wer import Score
from tests.bench.sounds import SILENT_S, recorded, save_wav
from voxint.core.stages import Transcript
from voxint.errors import UpstreamError
from voxint.testing.stages import HEAR, SPEAK, ScriptedEars, ScriptedVoice


@pytest.mark.virtual_time
async def test_a_recogniser_is_heard_out_and_timed() -> None:
    """Words behind the voice and behind the end, in real time; how many are wrong, and how fast it is at its best."""
    ears = ScriptedEars(0.75, Transcript("he was", is_final=False), HEAR, 0.5, "He was not", "an old man.")
    recordings = [recorded("he was not an ill man"), recorded("he was not an old man", group="telephone", rate=8_000)]
    async with watched_memory() as memory:
        heard = await hear(ears, recordings, 2 * recordings[:1], (1, 4), memory)
    assert heard.scores == {"read aloud": Score(1, 6), "telephone": Score(0, 6)}
    assert heard.real_time == 2 * (0.75 + 0.5) / (2 * 2.0)
    assert heard.final == {1: Times(500, 500, 2), 4: Times(500, 500, 8)}
    first_ms = (0.75 - SILENT_S) * 1000
    assert (heard.first_partial[1], heard.failed) == (Times(first_ms, first_ms, 2), 0)
    assert len(ears.calls) == 2 + 2 + 8


@pytest.mark.virtual_time
async def test_an_engine_that_fails_is_counted_and_goes_on() -> None:
    """Its recording counts as not understood at all, and as no time."""
    ears, spoken = ScriptedEars(HEAR, UpstreamError("busy")), [recorded("yes it is")]
    heard = await hear(ears, spoken, spoken, (1,), Memory())
    assert (heard.scores, heard.failed) == ({"read aloud": Score(3, 3)}, 2)
    assert (heard.first_partial, heard.final) == ({1: None}, {1: None})
    voice = await speak(ScriptedVoice(UpstreamError("hoarse")), ["Yes."], (1,), Memory())
    assert (voice.failed, voice.first_audio) == (1, {1: None})
    silent = await speak(ScriptedVoice(0.5), ["Yes."], (1,), Memory())
    assert silent.failed == 1


@pytest.mark.virtual_time
async def test_a_synthesizer_is_timed() -> None:
    """To its first sound, and for all of its speech."""
    voice = ScriptedVoice(0.25, SPEAK, seconds_per_char=0.25, chunk_s=0.5, every=0.125)
    spoken = await speak(voice, ["Good day.", "Yes, please."], (1, 2), Memory())
    assert spoken.first_audio == {1: Times(375, 375, 2), 2: Times(375, 375, 4)}
    seconds = 0.25 * len("Good day.Yes, please.")
    took = 2 * 0.25 + 0.125 * (5 + 6)
    assert spoken.real_time == {1: round(took / seconds, 3), 2: round(took / (2 * seconds), 3)}
    assert [call.given for call in voice.calls[:2]] == [["Good day."], ["Yes, please."]]


def test_the_tables_have_a_row_for_each_figure() -> None:
    """And a column for each engine, so that a page is wide enough."""
    ears = Ears({"telephone": Score(1, 8)}, 0.125, {1: None}, {1: Times(250, 1500, 3)}, 0, 24.6)
    voice = Voice({1: 0.25, 4: 0.5}, {1: Times(125, 250, 2), 4: None}, 1, 300.0)
    understanding, speaking = tables(Figures("", "", machine(), {"a": ears, "b": ears}, {"c": voice}, {}))
    assert understanding == [
        ("understanding", "a", "b"),
        ("wrong of 8 words, telephone", "12.5%", "12.5%"),
        ("seconds for a second of speech", "0.125", "0.125"),
        ("first words behind the voice, 1 caller", "none", "none"),
        ("last words behind the end, 1 caller", "0.25 / 1.50 s", "0.25 / 1.50 s"),
        ("memory", "25 MiB", "25 MiB"),
        ("failed", "0", "0"),
    ]
    assert speaking == [
        ("speaking", "c"),
        ("seconds for a second of speech, 1 caller", "0.250"),
        ("seconds for a second of speech, 4 callers", "0.500"),
        ("first sound behind the text, 1 caller", "0.12 / 0.25 s"),
        ("first sound behind the text, 4 callers", "none"),
        ("memory", "300 MiB"),
        ("failed", "1"),
    ]


EARS = "voxint.testing.stages:ScriptedEars"
VOICE = "voxint.testing.stages:ScriptedVoice"


def test_the_command_measures_what_it_is_told_to(tmp_path: Path) -> None:
    """Any provider by its name and options; for a page, for a person and for a machine."""
    save_wav(tmp_path / "one.wav", recorded("Yes.", seconds=0.5).audio)
    (tmp_path / "one.txt").write_text("Yes.")
    asked = ["speech", "--stt", f"{EARS} rate=8000", "--tts", VOICE, "--recordings", str(tmp_path)]
    page = CliRunner().invoke(main, [*asked, "--markdown"])
    assert page.exit_code == 0, page.output
    assert (
        f"| understanding | {EARS} rate=8000 |\n| --- | ---: |\n| wrong of 1 words, {tmp_path.name} | 100.0% |"
        in page.output
    )
    figures = msgspec.json.decode(CliRunner().invoke(main, [*asked, "--json"]).stdout)
    assert figures["ears"][f"{EARS} rate=8000"]["scores"][tmp_path.name] == {"wrong": 1, "said": 1}
    assert figures["voices"][VOICE]["failed"] == 0
    assert "first sound behind the text" in CliRunner().invoke(main, ["speech", "--tts", VOICE]).output


def test_an_engine_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Who has asked for it gets an exit code too; so does who has no recordings."""
    told = CliRunner().invoke(main, ["speech", "--tts", "nightingale"])
    assert (told.exit_code, "not measured: nightingale: --tts: there is no provider" in told.output) == (1, True)
    none = CliRunner().invoke(main, ["speech", "--stt", EARS, "--recordings", str(tmp_path)])
    assert (none.exit_code, "has no recordings: put name.wav" in none.output) == (1, True)
