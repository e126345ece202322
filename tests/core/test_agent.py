from __future__ import annotations

import math

import attrs
import pytest

from voxint.core.agent import Agent, Limits
from voxint.core.conversation import open_conversation
from voxint.testing.stages import ScriptedEars, ScriptedModel, ScriptedVoice


@pytest.mark.parametrize("wrong", [{"interrupt_s": 0}, {"frame_ms": 5}, {"frame_ms": 500}, {"overruns": 0}])
def test_a_limit_has_to_make_sense(wrong: dict[str, float]) -> None:
    """Refused where it is set, not where it is used."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)  # type: ignore[arg-type]  # numbers of any kind are the point


AUDIO = ("upload_ahead_s", "upload_s", "speech_ahead_ms", "keep_ms")


@pytest.mark.parametrize("wrong", [math.inf, math.nan, 1e308, 10**400])
@pytest.mark.parametrize("name", AUDIO)
def test_audio_that_is_kept_has_an_end(name: str, wrong: float) -> None:
    """It is reckoned in bytes, and no request could begin."""
    with pytest.raises(ValueError, match=rf"^Limits\.{name} must be "):
        Limits(**{name: wrong})  # type: ignore[arg-type]  # numbers of any kind are the point


@pytest.mark.parametrize("large", [math.inf, 1e308, 1e9, 86_400.0, 86_400_000.0])
@pytest.mark.virtual_time
async def test_whatever_limit_is_taken_can_be_lived_with(large: float) -> None:
    """Each alone: where a limit is not refused, a text and an utterance are answered under it."""
    tried = 0
    for name in (field.name for field in attrs.fields(Limits) if field.type in ("float", float)):
        try:
            limits = Limits(**{name: large})  # type: ignore[arg-type]  # as above
        except ValueError:
            continue
        tried += 1
        agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars("Well?"), tts=ScriptedVoice(), limits=limits)
        async with open_conversation(agent) as talk:
            assert await talk.ask("Well?").text() == "Yes.", name
            utterance = talk.listen()
            utterance.send(bytes(6400))
            utterance.end()
            assert await utterance.text() == "Yes.", name
    assert tried >= 10
