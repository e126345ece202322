from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from voxint.cli.demo_model import stand_in
from voxint.cli.demo_stages import ESPEAK, KOKORO, MOONSHINE, POCKETSPHINX, SILERO, Opened
from voxint.cli.demo_welcome import DemoCast, command, welcome
from voxint.server.config import ServerConfig
from voxint.server.serve import Server
from voxint.testing.sim import SimAddress

MODEL = Opened(stand_in(SimAddress("http://127.0.0.1:9", "http://127.0.0.1:9/v1", 9)), "model")
SERVER = cast("Server", SimpleNamespace(url="ws://127.0.0.1:8765/ws/agent/stream", port=8765))


def told(capsys: pytest.CaptureFixture[str], **opened: Any) -> str:
    """Return what the demo says of itself with these parts."""
    cast_of = DemoCast(**{"llm": MODEL, "stt": Opened(), "tts": Opened(), "vad": Opened()} | opened)
    welcome(cast_of, ServerConfig(), SERVER)
    return capsys.readouterr().out


def kokoro(*voices: str, languages: tuple[str, ...] = ("en",)) -> Opened:
    """Return Kokoro with these voices."""
    return Opened(KOKORO, SimpleNamespace(voices=voices, languages=languages))


def test_it_begins_with_where_to_open_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """In front of all else that there is to try; on this machine nothing has to be said of the microphone."""
    text = told(capsys)
    assert "/ws/agent/stream\nOpen http://127.0.0.1:8765/ in a browser.\n\n" in text
    assert "microphone" not in text


def test_each_part_is_told_with_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    """And the voices, where the provider tells which it took."""
    text = told(capsys, stt=Opened(MOONSHINE, "ears"), tts=kokoro("af_heart", "zf_xiaobei"))
    assert "\n  ears   Moonshine tiny (English, MIT)\n" in text
    assert "\n  voice  Kokoro-82M, af_heart, zf_xiaobei (Apache-2.0)\n" in text
    assert "\n  model  the stand-in (no language model; " in text
    assert "FILE.wav" in text
    assert "--out story.wav" in text
    assert "tell me a story ·" not in text


@pytest.mark.parametrize("voices", [("af_heart",), ("jf_alpha",), (), None, (3,)])
def test_without_a_voice_for_mandarin_it_says_how_to_get_one(capsys: pytest.CaptureFixture[str], voices: Any) -> None:
    """And what it shows in Chinese works all the same."""
    text = told(capsys, tts=Opened(KOKORO, SimpleNamespace(voices=voices, languages=("en",))))
    assert ' --no-voice "给我讲个故事"' in text
    assert "[mandarin]" in text
    assert ", or start with --light; " in text


@pytest.mark.parametrize("tts", [kokoro("jf_alpha", languages=("en", "zh")), Opened(ESPEAK, "voice"), Opened()])
def test_with_one_it_says_nothing_of_that(capsys: pytest.CaptureFixture[str], tts: Opened) -> None:
    """Nor where another speaks, or nobody does."""
    text = told(capsys, tts=tts)
    assert ' say "给我讲个故事"' in text
    assert "[mandarin]" not in text


def test_notes_of_all_parts_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Each in a line of its own, whatever is in it."""
    opened = Opened(ESPEAK, "voice", notes=("Kokoro-82M can't be used: \x1b[2J",))
    text = told(capsys, tts=opened, stt=Opened(notes=("no ears",)), notes=("of the choice",))
    assert "\nof the choice\nno ears\nKokoro-82M can't be used: \\x1b[2J\n" in text


def test_a_model_that_took_long_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """It may take as long again."""
    assert "its first word took 12 s" in told(capsys, llm=Opened(MODEL.part, "model", took_s=12.2))
    assert "its first word" not in told(capsys, llm=Opened(MODEL.part, "model", took_s=4.9))


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_sentence_of_the_list_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """In lines that fit the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    text = told(capsys, stt=Opened(POCKETSPHINX, "ears"))
    lines = [line for line in text.splitlines() if " ·" in line]
    assert len(lines) > 3
    assert max(map(len, lines)) <= min(columns, 100)
    assert all(line.endswith(" ·") for line in lines[:-1])


def test_what_to_type_is_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the command is not on the search path."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert command(".venv/bin/voxint") == ".venv/bin/voxint"
    assert command("/x/voxint/__main__.py") == f"{sys.executable} -m voxint"
    assert command("pytest") == "voxint"


def test_the_configuration_is_of_those_that_were_opened() -> None:
    """Whatever was to be opened first."""
    opened = DemoCast(MODEL, Opened(), Opened(ESPEAK, "voice"), Opened())
    config = opened.config("prompt", ServerConfig(port=0))
    assert (config.llm.provider, config.stt, config.tts, config.vad) == ("openai_chat", None, ESPEAK.stage, None)
    hearing = DemoCast(MODEL, Opened(POCKETSPHINX, "ears"), Opened(), Opened(SILERO, "detector"))
    assert [part.kind for part in hearing.config("prompt", ServerConfig()).parts] == ["llm", "stt", "vad"]
