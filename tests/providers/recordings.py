"""Recordings of people, from packages of Debian, with what they say; and how many words a recogniser got wrong."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soxr

from bench.recordings import LIBRIVOX, read_aloud
from bench.wer import Score, score
from tests.needs import missing, skip_for

__all__ = ["PROMPTS", "noises", "prompts", "readings", "share_of_errors"]

SPOKEN = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
"""What a telephone exchange says, at 8 kHz (package asterisk-core-sounds-en-wav)."""

PROMPTS = {
    "check-number-dial-again": "please check the number and dial again",
    "conf-onlyperson": "you are currently the only person in this conference",
    "dir-welcome": "welcome to the directory",
    "number-not-answering": "the number is not answering",
    "pbx-invalid": "i am sorry that's not a valid extension please try again",
    "pls-hold-while-try": "please hold while we try to connect you",
    "privacy-prompt": "please enter your phone number starting with the area code",
    "queue-periodic-announce": "all of our representatives are currently busy please stay on the line and"
    " your call will be answered by the next available representative",
    "queue-thankyou": "thank you for your patience",
    "something-terribly-wrong": "something is terribly wrong",
    "tt-monkeysintro": "they have been carried away by monkeys",
    "vm-goodbye": "goodbye",
    "vm-invalid-password": "that password does not meet the minimum requirements for this mailbox please try again",
    "vm-rec-name": "after the tone say your name and then press the pound key",
}
"""What some of its recordings say."""


def readings() -> list[tuple[bytes, str]]:
    """Return the sentences of the novel, at 16 kHz, each with its words; skips the test where they are missing."""
    skip_for(missing(files=[LIBRIVOX], debian="pocketsphinx-testdata"))
    found = read_aloud()
    # The reader stumbled over no word; whoever wrote it down did.
    return [(each.audio, each.text.replace("more a amiable", "more amiable")) for each in found]


def prompts() -> list[tuple[bytes, str]]:
    """Return the sentences of the exchange, brought to 16 kHz, each with its words; skips the test as `readings`."""
    skip_for(missing(files=[SPOKEN], debian="asterisk-core-sounds-en-wav"))
    return [(_sound(SPOKEN / f"{name}.wav"), words) for name, words in PROMPTS.items()]


def noises() -> dict[str, bytes]:
    """Return three seconds each of what is no speech."""
    random, seconds = np.random.default_rng(7), np.arange(3 * 16_000) / 16_000
    sounds = {
        "silence": 0 * seconds,
        "hiss": random.normal(0, 0.02, seconds.size),
        "loud noise": random.normal(0, 0.3, seconds.size),
        "a tone": 0.3 * np.sin(2 * np.pi * 440 * seconds),
        "a key of a telephone": 0.2 * (np.sin(2 * np.pi * 697 * seconds) + np.sin(2 * np.pi * 1209 * seconds)),
        "hum": 0.1 * np.sum([np.sin(2 * np.pi * 50 * tone * seconds) / tone for tone in range(1, 8)], axis=0),
        "clicks": np.where(np.arange(seconds.size) % 8000 < 40, 0.8, 0.0),
    }
    return {name: (sound * 32767).clip(-32768, 32767).astype("<i2").tobytes() for name, sound in sounds.items()}


def share_of_errors(pairs: Iterable[tuple[str, str]]) -> float:
    """Return the word error rate over what was said and what was heard."""
    return sum((score(said, heard) for said, heard in pairs), Score()).rate


def _sound(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return bytes(soxr.resample(samples, file.getframerate(), 16_000).astype("<i2").tobytes())
