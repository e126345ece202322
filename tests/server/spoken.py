"""Somebody who speaks into an open microphone, and an agent that listens to it always."""

from __future__ import annotations

import trio

from tests.core.ears.coded import CodedEars, quiet, speech
from tests.talk import Talk
from voxint.core.agent import Agent, Limits
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import ScriptedModel, ScriptedVoice

__all__ = ["ALWAYS", "QUESTION", "STORY", "an_agent", "stream"]

ALWAYS = ("server_vad", "transcripts")
PIECE = 640
PIECE_S = 0.02
QUESTION = (quiet(320), speech(960, "what", "time", "is", "it?"), quiet(3000))
STORY = "Once upon a time there was a keeper of a lighthouse, who lived alone with his dog for many years."


def an_agent(*script: str | float, detector: ScriptedDetector | None = None, hold_s: float = 2.0) -> Agent:
    """Return an agent that can listen always, and answers by a script."""
    return Agent(
        llm=ScriptedModel(*script or ("Noon.",)),
        stt=CodedEars(),
        tts=ScriptedVoice(),
        vad=detector or ScriptedDetector(),
        limits=Limits(hold_s=hold_s),
    )


async def stream(talk: Talk, *sounds: bytes) -> None:
    """Send sound as a microphone does, at its pace."""
    pcm = b"".join(sounds)
    for at in range(0, len(pcm), PIECE):
        talk.connection.receive(pcm[at : at + PIECE])
        await trio.sleep(PIECE_S)
