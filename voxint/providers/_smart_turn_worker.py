"""Smart Turn's own process: a sound in, the probability out that its speaker has come to the end; aborted within it."""

from __future__ import annotations

import json
import struct
import sys

from voxint.providers._model_files import ModelFile, read
from voxint.workers.child import Job, serve_jobs

__all__ = ["JUDGE", "main", "unpacked"]

JUDGE = 1
"""The kind of job: 16-bit samples at 16 kHz in, `_ANSWER` out."""

_ANSWER = struct.Struct(">d")


def unpacked(answer: bytes) -> float:
    """Return the probability."""
    (complete,) = _ANSWER.unpack(answer)
    return float(complete)


class _Engine:
    """The model.

    Args:
        file: Its file.
        threads: How many it computes with.
    """

    ready = b""

    def __init__(self, file: ModelFile, threads: int) -> None:
        import onnxruntime

        from voxint.providers._smart_turn_features import features

        self._features = features
        self._run_options = onnxruntime.RunOptions
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(read(file), options, providers=["CPUExecutionProvider"])
        except ValueError:  # of `read`, which says what to do
            raise
        except Exception as error:  # its errors have no common kind beside this one
            raise ValueError(f"its model can't be loaded ({error})") from error
        self.run(Job(JUDGE, 0, b""))  # the first takes twice as long as those that follow

    def run(self, job: Job) -> bytes:
        options = self._run_options()

        def terminate() -> None:
            options.terminate = True

        job.when_aborted(terminate)
        given = {"input_features": self._features(job.payload)}
        job.check()
        (complete,) = self._session.run(None, given, options)
        return _ANSWER.pack(float(complete[0, 0]))


def main() -> None:
    """Do jobs until the parent ends."""
    serve_jobs(lambda: _Engine(json.loads(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    main()
