"""The first moment of speech that goes on after a gap, brought up from silence: no click where it begins."""

from __future__ import annotations

import struct

from attrs import define

from voxint.core.audio import BYTES_PER_SAMPLE

__all__ = ["FADE_MS", "FadeIn"]

FADE_MS = 10.0
"""Of speech, in milliseconds. Ours: too short to be heard as a fade, and long enough for no step to be heard."""


@define
class FadeIn:
    """Raises the first samples of what it is given in a straight line from nothing.

    Args:
        samples: How many; all after them stay as they are.
    """

    samples: int
    _done: int = 0

    @property
    def over(self) -> bool:
        """Whether it changes nothing any more."""
        return self._done >= self.samples

    def feed(self, audio: bytes) -> bytes:
        """Return `audio`, s16le and whole samples, with those raised that belong to the beginning."""
        count = min(self.samples - self._done, len(audio) // BYTES_PER_SAMPLE)
        if count <= 0:
            return audio
        form = f"<{count}h"
        begin = struct.unpack_from(form, audio)
        raised = [value * (self._done + index) // self.samples for index, value in enumerate(begin)]
        self._done += count
        return struct.pack(form, *raised) + audio[count * BYTES_PER_SAMPLE :]
