"""A script for espeak's process: its library crashes on one word, hangs on another and refuses a third."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from voxint.providers import _espeak_worker
from voxint.providers._espeak_job import Manner, Utterance
from voxint.providers._espeak_library import EspeakLibrary
from voxint.workers.child import JobFailed

__all__ = ["CRASHES", "HANGS", "REFUSED"]

CRASHES, HANGS, REFUSED = "persimmon", "kumquat", "durian"


def main() -> None:
    """Answer jobs as the real one does."""
    plain = EspeakLibrary.speak

    def speak(library: EspeakLibrary, text: str, manner: Manner, stop: Callable[[], bool]) -> Utterance:
        if CRASHES in text:
            os.abort()
        if HANGS in text:
            time.sleep(60)
        if REFUSED in text:
            raise JobFailed("its library's status was 7")
        return plain(library, text, manner, stop)

    EspeakLibrary.speak = speak  # type: ignore[assignment, method-assign]  # a method of another signature
    _espeak_worker.main()


if __name__ == "__main__":
    main()
