"""Kokoro on onnxruntime, in two steps: what an utterance will be like, and the sound of a window of it.

Both end at an abort, between two nodes of the graph. This is the child's side: it needs numpy and onnxruntime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from attrs import frozen

from voxint.providers._kokoro_patch import DURATIONS, SEAM, opened
from voxint.providers._kokoro_plan import FRAME, Window
from voxint.workers.child import Job, JobFailed

__all__ = ["MOST_TOKENS", "Floats", "KokoroModel", "Outline"]

MOST_TOKENS = 500
"""What the model reads at once; its position table ends at 512."""

Floats = np.ndarray[Any, np.dtype[np.float32]]


@frozen(eq=False)
class Outline:
    """What is known of an utterance before it has a sound.

    Args:
        durations: Frames of each token, silence at both ends included.
        energy: Of each half frame, a logarithm.
        style: What the voice is for an utterance of this length.
        seam: What the model's second half reads.
    """

    durations: tuple[int, ...]
    energy: tuple[float, ...]
    style: Floats
    seam: tuple[Floats, ...]


class KokoroModel:
    """The model, loaded. A step that onnxruntime refuses is a `JobFailed`.

    Args:
        model: The file's bytes.
        vocabulary: The number of each phoneme.
        threads: How many work on one inference.

    Raises:
        RuntimeError: onnxruntime refuses it.
        ValueError: It is another model.
    """

    def __init__(self, model: bytes, vocabulary: Mapping[str, int], threads: int) -> None:
        self._vocabulary = vocabulary
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # an abort is no error; what fails is raised
        # Waiting threads would take the cores from whoever else has something to do.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(opened(model), options, providers=["CPUExecutionProvider"])
        # What the half that does not run is to be given all the same.
        self._nothing = {"tokens": np.zeros((1, 2), np.int64), "speed": np.ones(1, np.float32)}
        for seam in SEAM:
            sizes = {"one": 1, "channels": 512, "frames": 1, "half_frames": 2}
            self._nothing[seam.name] = np.zeros([sizes[size] for size in seam.shape], np.float32)

    def tokens(self, phonemes: str) -> list[int]:
        """Return the numbers of phonemes; what the model does not know has none."""
        return [self._vocabulary[char] for char in phonemes if char in self._vocabulary]

    def outline(self, tokens: Sequence[int], voice: Floats, speed: float, job: Job) -> Outline:
        """Read an utterance. It takes a twentieth of the time that its sound takes.

        Args:
            tokens: At most `MOST_TOKENS`.
            voice: A style for each length.
            speed: 1 is the voice's own.
            job: Whose abort ends it.
        """
        style = voice[min(len(tokens), len(voice) - 1)]
        given = {
            **self._nothing,
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style,
            "speed": np.array([speed], np.float32),
        }
        *seam, durations = self._run([*(each.made for each in SEAM), DURATIONS], given, job)
        energy = tuple(map(float, seam[2][0]))
        return Outline(tuple(map(int, durations[0])), energy, style, tuple(seam))

    def sound(self, outline: Outline, window: Window, job: Job) -> Floats:
        """Make the sound of a window, what is around it included: so many frames more at both ends."""
        begin, end = window.begin - window.around[0], window.end + window.around[1]
        given = {**self._nothing, "style": outline.style}
        speech, pitch, energy = outline.seam
        given[SEAM[0].name] = speech[:, :, begin:end]
        for seam, curve in zip(SEAM[1:], (pitch, energy), strict=True):
            given[seam.name] = curve[:, 2 * begin : 2 * end]
        (audio,) = self._run(["audio"], given, job)
        return np.asarray(audio, np.float32).ravel()[: (end - begin) * FRAME]

    def _run(self, wanted: Sequence[str], given: Mapping[str, object], job: Job) -> list[Any]:
        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True  # the other half has nothing to do

        def end() -> None:
            options.terminate = True

        job.when_aborted(end)
        try:
            found: list[Any] = self._session.run(list(wanted), given, options)
        except Exception as error:  # its errors have no common kind; they name nodes and shapes
            raise JobFailed(str(error)) from error
        job.check()
        return found
