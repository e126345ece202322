"""A sentence that is said without a model: where an answer was interrupted by what became no words."""

from __future__ import annotations

import trio
from attrs import evolve

from voxint.core.listener import Listener
from voxint.core.request import Request
from voxint.core.session import Session
from voxint.core.stages import Delta, ModelOutput, Turn

__all__ = ["say"]


def say(session: Session, request_id: str, player: Listener | None, sentence: str) -> Request:
    """Say a sentence that is there already, as the answer to nothing, behind what is on its way out.

    Raises:
        RequestRefused: `busy`: the voice has no seat left.
    """
    request, pipeline = session.intake.make(request_id, player)
    pipeline = evolve(pipeline, agent=evolve(session.agent, llm=_Sentence(sentence)))
    claim = session.intake.claim(pipeline.stages)
    session.understood(request, "")
    return session.intake.begin(request, pipeline.answer_text, claim, behind=session.registry.answering)


class _Sentence:
    """A language model that knows one sentence."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Write the sentence."""
        await out.send(Delta(self._sentence))
