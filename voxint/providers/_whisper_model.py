"""Whisper by faster-whisper: sound in, words out, in the process that calls it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from voxint.core.discreet import size_of
from voxint.providers._recognition_guard import end_of_loop

__all__ = ["WhisperFiles", "WhisperWords"]

RATE = 16_000
"""Samples a second."""

FRAMES_A_SECOND, MOST_FRAMES = 100, 3000
"""Of the model's spectrum; and how many it takes, which is 30 s."""

SILENCE_FRAMES = 800
"""Silence behind the sound. The makers always fill up to 30 s, at four times the cost for a sentence. Ours: with 8 s
the model goes round in a loop now and then; it is given the 30 s then."""

SLICE_TOKENS = 16
"""Tokens that are written before somebody may break off. Ours: a fifth of a second."""

TOKENS_PER_S, FREE_TOKENS = 15, 16
"""Most tokens for a second of sound, and as many more. Ours: a Chinese character may take three."""

NO_SPEECH, UNSURE = 0.6, -1.0
"""What is so likely no speech, in so unlikely words (mean logarithm of a token's probability), is none. The makers'
own."""

MANDARIN = "以下是普通话的句子。"
"""What the model is told to have heard before Chinese: without, it writes traditional characters as often."""


@frozen
class WhisperFiles:
    """The model's files.

    Args:
        model: Its weights.
        config: Its settings.
        tokenizer: Its tokenizer.
        vocabulary: Its words, by number.
    """

    model: bytes = field(repr=size_of)
    config: bytes = field(repr=size_of)
    tokenizer: bytes = field(repr=size_of)
    vocabulary: bytes = field(repr=size_of)


class WhisperWords:
    """The model, loaded.

    Args:
        files: Its files.
        threads: How many it computes with.
        language: The code of the language that is spoken; ``auto``: what it takes the sound for.
        prompt: What it is told to have heard before; None: for Chinese a sentence in simplified characters.

    Raises:
        RuntimeError: A file is no good.
        ValueError: The language is none that it knows.
    """

    def __init__(self, files: WhisperFiles, threads: int, language: str, prompt: str | None) -> None:
        contents = {
            "model.bin": files.model,
            "config.json": files.config,
            "tokenizer.json": files.tokenizer,
            "vocabulary.txt": files.vocabulary,
        }
        self._model = WhisperModel(
            "whisper", device="cpu", compute_type="int8", cpu_threads=threads, num_workers=1, files=contents
        )
        self._language = "" if language == "auto" else language
        self._prompt = prompt
        if self._language and self._language not in self._model.supported_languages:
            raise ValueError(f"language {language} is none that it knows: write a code such as zh or en, or auto")

    @property
    def languages(self) -> list[str]:
        """The codes of the languages that it knows."""
        return list(self._model.supported_languages)

    def hear(self, pcm: bytes, language: str, check: Callable[[], None]) -> tuple[str, str]:
        """Return the words in a sound, and the language that it was taken for.

        Args:
            pcm: 16-bit samples at 16 kHz, at most 30 s of them.
            language: The language that the caller has chosen, or that the beginning of the sound was taken for; empty:
                that is to be found out.
            check: Called before each step; raises where nobody wants the words any more.
        """
        sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        encoded = self._encoded(sound, len(sound) * FRAMES_A_SECOND // RATE + SILENCE_FRAMES, check)
        language = language or self._language or self._model.model.detect_language(encoded)[0][0][0][2:-2]
        tokenizer = Tokenizer(self._model.hf_tokenizer, self._model.model.is_multilingual, "transcribe", language)
        before = self._prompt if self._prompt is not None else MANDARIN if language == "zh" else ""
        prompt = self._model.get_prompt(tokenizer, tokenizer.encode(before) if before else [], without_timestamps=True)
        most = len(sound) * TOKENS_PER_S // RATE + FREE_TOKENS
        tokens, is_loop = self._written(encoded, prompt, most, check)
        if is_loop:
            encoded = self._encoded(sound, MOST_FRAMES, check)
            tokens, _ = self._written(encoded, prompt, most, check)
        return str(tokenizer.decode(tokens)).strip(), language

    def _encoded(self, sound: np.ndarray, frames: int, check: Callable[[], None]) -> StorageView:
        """Return what the encoder makes of a sound, filled up with silence."""
        frames = min(MOST_FRAMES, -(-frames // FRAMES_A_SECOND) * FRAMES_A_SECOND)
        silence = np.zeros(max(0, frames * RATE // FRAMES_A_SECOND - len(sound)), np.float32)
        check()
        spectrum = self._model.feature_extractor(np.concatenate([sound, silence]))[..., :frames]
        check()
        return self._model.encode(spectrum)

    def _written(
        self, encoded: StorageView, prompt: list[int], most: int, check: Callable[[], None]
    ) -> tuple[list[int], bool]:
        """Return the tokens that the decoder writes, and whether they went round in a loop, which is cut off then."""
        tokens = list[int]()
        while len(tokens) < most:
            check()
            wanted = len(tokens) + SLICE_TOKENS
            # The engine writes what is given behind the prompt once more, and at most half of `max_length`.
            (result,) = self._model.model.generate(
                encoded,
                [prompt + tokens],
                beam_size=1,
                max_length=max(2 * wanted, len(prompt) + wanted),
                suppress_blank=not tokens,
                return_scores=True,
                return_no_speech_prob=True,
            )
            if not tokens and result.no_speech_prob > NO_SPEECH and result.scores[0] < UNSURE:
                return [], False
            tokens = result.sequences_ids[0]
            if (end := end_of_loop(tokens)) is not None:
                return tokens[:end], True
            if len(tokens) < wanted:
                break
        return tokens, False
