"""A text on which a voice's process crashes is lost, and the answer goes on; too many in a row end it."""

from __future__ import annotations

from voxint.errors import UpstreamError
from voxint.logs import get_logger
from voxint.workers.process import Worker

__all__ = ["MOST_LOST", "LostTexts", "answer_or_crash", "crashing"]

MOST_LOST = 3
"""Texts in a row of one answer that are lost to crashes, at which the answer fails. Ours: one may crash the engine by
what it says, and so may its repetition; where nothing can be spoken, silence is no answer."""

log = get_logger()


class LostTexts:
    """Those of one answer.

    Args:
        provider: Whose process it is.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._in_a_row = 0

    def spoken(self) -> None:
        """Note that one was not lost."""
        self._in_a_row = 0

    def lose(self, chars: int) -> None:
        """Note, and write to the log, that so many characters are not spoken.

        Raises:
            UpstreamError: Too many in a row were not.
        """
        self._in_a_row += 1
        log.warning("a piece was not spoken", provider=self._provider, chars=chars)
        if self._in_a_row == MOST_LOST:
            raise crashing(self._provider)


async def answer_or_crash(worker: Worker, kind: int, payload: bytes) -> bytes | None:
    """Have a job done; None where the process crashed on it, or was killed since it hung.

    Raises:
        UpstreamError: The engine has refused the job, and lives.
    """
    try:
        return await worker.ask(kind, payload)
    except UpstreamError:
        if worker.usable:
            raise
        return None


def crashing(provider: str) -> UpstreamError:
    """Return the error of a process that crashes again and again."""
    return UpstreamError(
        "the voice failed; try again", operator_detail=f"{provider} crashes on whatever it is to speak"
    )
