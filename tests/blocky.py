"""What holds the event loop: a function, and a model as a newcomer writes it, which sleeps where it should wait."""

from __future__ import annotations

import time

import trio

from voxint.core.stages import Delta, ModelOutput, Turn

__all__ = ["BLOCKS", "SLEEPS", "Blocky", "block"]


def block(seconds: float) -> None:
    """Hold the loop up."""
    time.sleep(seconds)


BLOCKS = f"tests/blocky.py:{block.__code__.co_firstlineno + 2}"
"""The line in it that does, as it is told."""


class Blocky:
    """Writes words, with sleeps of the whole process before each.

    Args:
        seconds: Of each sleep.
        sleeps: Before each word.
        words: How many.
    """

    def __init__(self, seconds: float = 0.2, *, sleeps: int = 1, words: int = 5) -> None:
        self.seconds = seconds
        self.sleeps = sleeps
        self.words = words

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Write the words."""
        for _ in range(self.words):
            for _ in range(self.sleeps):
                time.sleep(self.seconds)  # noqa: ASYNC251 - the mistake that has to be seen
            await out.send(Delta("word "))


SLEEPS = f"tests/blocky.py:{Blocky.generate.__code__.co_firstlineno + 4}"
"""The line that does, as it is told."""
