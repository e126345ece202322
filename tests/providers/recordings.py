"""Recordings of people, from packages of Debian, with what they say; and how many words a recogniser got wrong."""

from __future__ import annotations

import re
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soxr

from tests.needs import missing, skip_for

__all__ = ["PROMPTS", "errors", "noises", "prompts", "readings", "share_of_errors"]

READINGS = Path("/usr/share/pocketsphinx/test/data/librivox")
"""Five sentences of a novel, read by a woman (package pocketsphinx-testdata)."""

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
    skip_for(missing(files=[READINGS], debian="pocketsphinx-testdata"))
    lines = (READINGS / "transcription").read_text().splitlines()
    found = [match for line in lines if (match := re.fullmatch(r"<s> (.*) </s> \((.*)\)", line))]
    assert found
    # The reader stumbled over no word; whoever wrote it down did.
    return [(_sound(READINGS / f"{each[2]}.wav"), each[1].replace("more a amiable", "more amiable")) for each in found]


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


def errors(said: str, heard: str) -> tuple[int, int]:
    """Return how many words are wrong, missing or too many, and how many were said."""
    wanted, got = _words(said), _words(heard)
    row = list(range(len(got) + 1))
    for index, word in enumerate(wanted, 1):
        before, row[0] = row[0], index
        for at, other in enumerate(got, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1], len(wanted)


def share_of_errors(pairs: Iterable[tuple[str, str]]) -> float:
    """Return the word error rate over what was said and what was heard."""
    counts: Sequence[tuple[int, int]] = [errors(said, heard) for said, heard in pairs]
    return sum(wrong for wrong, _ in counts) / sum(words for _, words in counts)


def _words(text: str) -> list[str]:
    text = text.lower().replace("mr.", "mister").replace("'", "").replace("’", "")
    return re.findall(r"[a-z0-9]+", text)


def _sound(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return bytes(soxr.resample(samples, file.getframerate(), 16_000).astype("<i2").tobytes())
