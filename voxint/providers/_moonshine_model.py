"""Moonshine on plain onnxruntime: sound in, words out, in the process that calls it.

An encoder listens to the whole sound at once; a decoder writes a token after the other, each the likeliest. What was
heard in the beginning of a sound is a good guess of what is heard in all of it: the decoder judges such a draft in one
step, keeps what it would have written itself, and goes on from there, in a tenth of the time. The weights are of 8 bits
and scaled anew for each step, so a comma may fall otherwise than without a draft, and one word in some hundred; of
1,097 words as many were right either way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from voxint.providers._recognition_guard import end_of_loop
from voxint.workers.child import JobFailed

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, RunOptions

__all__ = ["MoonshineModel", "Stopped", "read_tokens"]

RATE = 16_000
"""Samples a second."""

BEGIN, END = 1, 2
"""The tokens before the first word and after the last."""

TOKENS_PER_S = 6.5
"""Most tokens for a second of sound. The makers' own: beyond it the model has lost the thread."""

LIVELY = 4
"""Tokens for a second of lively speech, counted in recordings of people who read."""

LEAST_SAMPLES = RATE // 2
"""Samples that the encoder gets at least, with silence behind. Ours: of less it makes no frame, or words of nothing."""


class Stopped(Exception):
    """Recognition was to stop."""


class MoonshineModel:
    """The model, loaded.

    Args:
        encoder: Its encoder's file.
        decoder: Its decoder's file.
        tokens: Its table of tokens.
        threads: How many it computes with.

    Raises:
        RuntimeError: A file is no model.
        ValueError: The table of tokens is none.
    """

    def __init__(self, encoder: bytes, decoder: bytes, tokens: bytes, threads: int) -> None:
        self._encoder = _session(encoder, threads)
        self._decoder = _session(decoder, threads)
        self._tokens = read_tokens(tokens)
        inputs = {each.name: each.shape for each in self._decoder.get_inputs()}
        self._past_names = [name for name in inputs if name.startswith("past_key_values.")]
        self._present_names = [name.replace("past_key_values.", "present.") for name in self._past_names]
        # No token is past yet, and the cross-attention to the sound is made in the first step.
        self._nothing_past = {
            name: np.zeros((1, inputs[name][1], 0, inputs[name][3]), np.float32) for name in self._past_names
        }

    def hear(
        self, pcm: bytes, draft: Sequence[int], options: RunOptions, stopped: Callable[[], bool]
    ) -> tuple[str, list[int]]:
        """Return the words in a sound, and their tokens.

        Args:
            pcm: The sound: 16-bit samples at 16 kHz.
            draft: What the tokens may be, as for less of the same sound.
            options: Of each step; its `terminate` ends the one that runs.
            stopped: Whether to stop, asked before each step.

        Raises:
            Stopped: It was.
            JobFailed: onnxruntime refuses a step.
        """
        sound: np.ndarray = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        sound = np.pad(sound, (0, max(0, LEAST_SAMPLES - len(sound))))[None]
        mask: np.ndarray = np.ones(sound.shape, np.int64)
        encoded = self._run(
            self._encoder, ["last_hidden_state"], {"input_values": sound, "attention_mask": mask}, options, stopped
        )[0]
        heard = {"encoder_hidden_states": encoded, "encoder_attention_mask": mask}
        most = math.ceil(sound.shape[1] / RATE * TOKENS_PER_S)
        tokens, past = self._begun(heard, [token for token in draft[: most - 1] if token != END], options, stopped)
        across = {name: past[name] for name in self._past_names if ".encoder." in name}
        while tokens[-1] != END and len(tokens) < most:
            if (end := end_of_loop(tokens)) is not None:
                del tokens[end:]
                break
            likeliest, past = self._step(heard, tokens[-1:], {**past, **across}, options, stopped)
            tokens.append(likeliest[-1])
        said = [token for token in tokens if token != END]
        return self._text(said), said

    def work(self, seconds: int) -> None:
        """Do as much as for so many seconds of lively speech, by which one can tell how fast this machine is."""
        sound = np.zeros((1, seconds * RATE), np.float32)
        mask = np.ones(sound.shape, np.int64)
        options, going_on = onnxruntime.RunOptions(), bool  # it returns False
        encoded = self._run(
            self._encoder, ["last_hidden_state"], {"input_values": sound, "attention_mask": mask}, options, going_on
        )[0]
        heard = {"encoder_hidden_states": encoded, "encoder_attention_mask": mask}
        tokens, past = self._begun(heard, [], options, going_on)
        across = {name: past[name] for name in self._past_names if ".encoder." in name}
        for _ in range(seconds * LIVELY):
            _, past = self._step(heard, tokens, {**past, **across}, options, going_on)

    def _begun(
        self,
        heard: dict[str, np.ndarray],
        draft: list[int],
        options: RunOptions,
        stopped: Callable[[], bool],
    ) -> tuple[list[int], dict[str, np.ndarray]]:
        """Return as much of the draft as is right, the token after it, and what the decoder remembers of them."""
        likeliest, past = self._step(heard, [BEGIN, *draft], self._nothing_past, options, stopped)
        right = 0
        while right < len(draft) and likeliest[right] == draft[right]:
            right += 1
        past = {name: kept[:, :, : right + 1] if ".decoder." in name else kept for name, kept in past.items()}
        return likeliest[: right + 1], past

    def _step(
        self,
        heard: dict[str, np.ndarray],
        tokens: list[int],
        past: dict[str, np.ndarray],
        options: RunOptions,
        stopped: Callable[[], bool],
    ) -> tuple[list[int], dict[str, np.ndarray]]:
        """Return the likeliest token after each of `tokens`, and what the decoder remembers now."""
        given = {
            "input_ids": np.array([tokens], np.int64),
            "use_cache_branch": np.array([past is not self._nothing_past]),
            **heard,
            **past,
        }
        logits, *present = self._run(self._decoder, ["logits", *self._present_names], given, options, stopped)
        return logits[0].argmax(-1).tolist(), dict(zip(self._past_names, present, strict=True))

    @staticmethod
    def _run(
        session: InferenceSession,
        wanted: list[str],
        given: dict[str, np.ndarray],
        options: RunOptions,
        stopped: Callable[[], bool],
    ) -> list[np.ndarray]:
        if stopped():
            raise Stopped
        try:
            return list(session.run(wanted, given, options))
        except Exception as error:  # what a terminated step raises has no kind of its own, and what fails has none
            if stopped():
                raise Stopped from error
            raise JobFailed(str(error)) from error  # it names nodes and shapes

    def _text(self, tokens: Sequence[int]) -> str:
        pieces = (self._tokens[token] for token in tokens)
        # A name in angle brackets is of a token that stands for no text.
        written = b"".join(piece for piece in pieces if not (len(piece) > 2 and piece[:1] + piece[-1:] == b"<>"))
        return written.decode(errors="replace").replace("▁", " ").strip()


def read_tokens(table: bytes) -> list[bytes]:
    """Return the pieces of text that the model's tokens stand for.

    Each is behind its length: one byte, or two from 128 on, the lower seven bits first.

    Raises:
        ValueError: The table ends in the middle of a piece, or is empty.
    """
    pieces = list[bytes]()
    at = 0
    while at < len(table):
        size = table[at]
        at += 1
        if size >= 128 and at < len(table):
            size += (table[at] - 1) * 128
            at += 1
        if at + size > len(table):
            raise ValueError("the table of tokens is cut off")
        pieces.append(table[at : at + size])
        at += size
    if not pieces:
        raise ValueError("the table of tokens is empty")
    return pieces


def _session(model: bytes, threads: int) -> InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait would spin, and take the core that the next one needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
