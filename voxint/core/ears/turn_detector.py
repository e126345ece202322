"""What a model must do that hears whether a turn is complete."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from voxint.core.audio import AudioFormat

__all__ = ["TurnDetector"]


@runtime_checkable
class TurnDetector(Protocol):
    """Hear, from the sound of an utterance, whether the person has come to the end of their turn.

    As with a stage, one that owns something is an async context manager too, entered before it is asked.
    """

    @property
    def audio_format(self) -> AudioFormat:
        """The format that `complete` wants."""

    async def complete(self, pcm: bytes) -> float:
        """Return the probability, 0 to 1, that the turn is complete.

        Args:
            pcm: The utterance up to now, its latest 8 seconds at most: whole samples in the detector's format.

        Raises:
            UpstreamError: It failed; the utterance goes on without its word.
        """
