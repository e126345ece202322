"""What a stage may leave out without failing, and what will be wrong then: told once of each stage of an agent."""

from __future__ import annotations

from typing import Literal

from voxint.core.failure import Stage
from voxint.logs import get_logger

__all__ = ["Omission", "Omissions"]

Omission = Literal["no words", "unsettled words", "text not read", "no audio", "audio without text"]

_TOLD: dict[Omission, tuple[Stage, str]] = {
    "no words": ("llm", "it returned without a word: the answer is empty, and the history says that nothing was said"),
    "unsettled words": ("stt", "it returned with words that are not final (`is_final`): they are not answered"),
    "text not read": ("tts", "it returned before it had read all of its text: the rest of the answer is not spoken"),
    "no audio": ("tts", "it wrote no audio for its text: nothing of the answer is heard"),
    "audio without text": (
        "tts",
        "it never says which text its audio speaks (`Speech.text`): what was heard of an interrupted answer, and so "
        "what the history keeps of it, is only estimated",
    ),
}

log = get_logger()


class Omissions:
    """What the log has of an agent's stages."""

    def __init__(self) -> None:
        self._told: set[Omission] = set()

    def tell(self, omission: Omission, given: object, request_id: str, session_id: str) -> None:
        """Write a warning, the first time.

        Args:
            omission: What was left out.
            given: The stage that did; the line names its class.
            request_id: In which request.
            session_id: Of which session.
        """
        if omission not in self._told:
            self._told.add(omission)
            stage, what = _TOLD[omission]
            provider = f"{type(given).__module__}.{type(given).__qualname__}"
            log.warning(
                "a stage leaves something out",
                req_id=request_id,
                session_id=session_id,
                stage=stage,
                provider=provider,
                what=what,
            )
