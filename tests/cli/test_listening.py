"""Whether a server hears a microphone that is always open: by default where it can, and never without a word."""

from __future__ import annotations

import pytest

from voxint.cli import listening
from voxint.cli.listening import DETECTOR, listens, with_detector
from voxint.server.config_file import NONE, Config, StageConfig

LLM = StageConfig("llm", "openai_chat", "here")
STT = StageConfig("stt", "moonshine", "here")


def vad(provider: str) -> StageConfig:
    """Return a detector as somebody has set it."""
    return StageConfig("vad", provider, "here")


@pytest.mark.parametrize(
    ("config", "modules", "provider", "told"),
    [
        (Config(llm=LLM), ("sys",), None, "never: there is no [stt]"),
        (Config(llm=LLM, stt=STT), ("sys",), DETECTOR, "always, where a client leaves its microphone open"),
        (Config(llm=LLM, stt=STT), ("sys", "no_such_package"), None, "while a client says so: for a microphone that"),
        (Config(llm=LLM, stt=STT, vad=vad(NONE)), ("sys",), NONE, 'while a client says so: [vad] provider is "none"'),
        (Config(llm=LLM, stt=STT, vad=vad("my:Ears")), ("no_such_package",), "my:Ears", "always, where a client"),
    ],
)
def test_the_detector_is_there_where_it_can_be(
    config: Config, modules: tuple[str, ...], provider: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a recogniser and the packages it is Silero; what somebody has set stands; the log has the reason."""
    monkeypatch.setattr(listening, "MODULES", modules)
    found = with_detector(config)
    assert (found.vad and found.vad.provider) == provider
    assert listens(found).startswith(told)
    assert [part.kind for part in found.parts if part.kind == "vad"] == (["vad"] if "always" in told[:6] else [])
