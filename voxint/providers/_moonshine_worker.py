"""Moonshine's own process: a sound in, its words out, aborted between two steps of the model and within one."""

from __future__ import annotations

import array
import json
import sys
import time

from voxint.providers._model_files import ModelFile, read
from voxint.providers._recognition_job import packed, unpacked
from voxint.workers.child import Aborted, Job, serve_jobs

__all__ = ["main"]

TRIAL_S = 4
"""Seconds of sound by which the engine tells how fast it is. Ours: about what a person says in one go."""

TRIALS = 4
"""How often that is tried. Ours: a third of a second altogether."""


class _Engine:
    """The model, and how fast it is on this machine.

    Args:
        files: Its encoder, its decoder and its tokens.
        threads: How many it computes with.
    """

    def __init__(self, files: list[ModelFile], threads: int) -> None:
        import onnxruntime

        from voxint.providers._moonshine_model import MoonshineModel, Stopped

        encoder, decoder, tokens = map(read, files)
        self._model = MoonshineModel(encoder, decoder, tokens, threads)
        self._options = onnxruntime.RunOptions
        self._stopped = Stopped
        self.ready = json.dumps({"speed": self._speed()}).encode()

    def run(self, job: Job) -> bytes:
        hint, pcm = unpacked(job.payload)
        options = self._options()

        def terminate() -> None:
            options.terminate = True

        job.when_aborted(terminate)
        try:
            text, tokens = self._model.hear(pcm, array.array("H", hint), options, lambda: job.aborted)
        except self._stopped:
            raise Aborted from None
        return packed(array.array("H", tokens).tobytes(), text.encode())

    def _speed(self) -> float:
        """Return how many times faster than speech it is, by the best of some trials: others may be at work too."""
        return TRIAL_S / min(map(self._trial_s, range(TRIALS)))

    def _trial_s(self, _: int) -> float:
        begin = time.perf_counter()
        self._model.work(TRIAL_S)
        return time.perf_counter() - begin


def main() -> None:
    """Do jobs until the parent ends."""
    serve_jobs(lambda: _Engine(json.loads(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    main()
