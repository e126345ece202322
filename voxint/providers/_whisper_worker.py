"""Whisper's own process: a sound in, its words out, aborted between two steps. The first step can't be broken off."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import NamedTuple

from voxint.providers._model_files import ModelFile, read
from voxint.providers._recognition_job import packed, unpacked
from voxint.workers.child import Job, serve_jobs

__all__ = ["main"]

TRIAL_S = 4
"""Seconds of sound by which the engine tells how fast it is. Ours: about what a person says in one go."""

TRIALS = 2
"""How often that is tried, for the first makes it ready. Ours: a second altogether."""


class _Given(NamedTuple):
    """What the parent wrote as the one argument: the model's files, and how to use it."""

    files: dict[str, ModelFile]
    threads: int
    language: str
    prompt: str | None


class _Engine:
    """The model, and how fast it is on this machine.

    Args:
        given: What the parent wrote.
    """

    def __init__(self, given: _Given) -> None:
        # Threads that wait would spin, and take the core that another needs. Read when the library is loaded.
        os.environ.update(OMP_WAIT_POLICY="PASSIVE", KMP_BLOCKTIME="0")
        from voxint.providers._whisper_model import WhisperFiles, WhisperWords

        files = WhisperFiles(**{name: read(file) for name, file in given.files.items()})
        self._model = WhisperWords(files, given.threads, given.language, given.prompt)
        speed = TRIAL_S / min(map(self._trial_s, range(TRIALS)))
        self.ready = json.dumps({"speed": speed, "languages": self._model.languages}).encode()

    def run(self, job: Job) -> bytes:
        hint, pcm = unpacked(job.payload)
        text, language = self._model.hear(pcm, hint.decode(), job.check)
        return packed(language.encode(), text.encode())

    def _trial_s(self, _: int) -> float:
        begin = time.perf_counter()
        self._model.hear(bytes(2 * 16_000 * TRIAL_S), "en", lambda: None)
        return time.perf_counter() - begin


def main() -> None:
    """Do jobs until the parent ends."""
    serve_jobs(lambda: _Engine(_Given(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
