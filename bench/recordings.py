"""What people said into a microphone, with its words: out of packages of Debian, or of a folder of one's own."""

from __future__ import annotations

import gzip
import re
import wave
from collections.abc import Iterator
from pathlib import Path

from attrs import field, frozen

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.resample import resampler

__all__ = ["Recording", "RecordingsMissing", "from_folder", "from_packages", "prompts", "read_aloud"]

LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
PROMPT_TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")

CHOSEN = (
    *("agent-newlocation", "agent-pass", "all-circuits-busy-now", "auth-incorrect", "cannot-complete-as-dialed"),
    *("check-number-dial-again", "conf-getchannel", "conf-getconfno", "conf-invalid", "conf-kicked"),
    *("conf-leaderhasleft", "conf-noempty", "conf-now-recording", "conf-onlyone", "conf-roll-callcomplete"),
    *("conf-waitforleader", "confbridge-remove-last-in", "demo-nomatch", "dir-nomatch", "enter-num-blacklist"),
    *("feature-not-avail-line", "followme/options", "followme/sorry", "followme/status", "pbx-invalidpark"),
    *("pls-hold-while-try", "priv-callpending", "privacy-prompt", "privacy-unident", "queue-thankyou"),
    *("queue-youarenext", "ss-noservice", "vm-forward", "vm-nobodyavail", "vm-sorry", "vm-tempgreetactive"),
)
"""Prompts of 1 to 6 s; ours: whole sentences of everyday words, of which each is written in one way only. Two have
numbers in them."""

_UTTERANCE = re.compile(r"<s>(?P<text>.*)</s>\s*\((?P<name>\S+)\)")
_PROMPT = re.compile(r"(?P<name>[^;:\s]+):\s*(?P<text>.+)")


class RecordingsMissing(Exception):
    """Recordings are not there, or not as they should be; the text says what to do."""


@frozen
class Recording:
    """An utterance of a person.

    Args:
        name: Which.
        group: What it is printed under.
        text: What is said in it.
        audio: s16le mono.
        audio_format: Its rate.
    """

    name: str
    group: str
    text: str
    audio: bytes = field(repr=False)
    audio_format: AudioFormat

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.audio_format.bytes_ms(len(self.audio)) / 1000

    def at(self, audio_format: AudioFormat) -> bytes:
        """Return its audio at another rate."""
        stream = resampler(self.audio_format, audio_format)
        return stream.feed(self.audio) + stream.flush()


def from_packages() -> list[Recording]:
    """Return the recordings of both packages.

    Raises:
        RecordingsMissing: A package is not installed; says which.
    """
    return [*read_aloud(), *prompts()]


def read_aloud(folder: Path = LIBRIVOX) -> list[Recording]:
    """Return the sentences of a novel that pocketsphinx is tested with, read aloud at 16 kHz.

    Raises:
        RecordingsMissing: They are not there.
    """
    words = _text(folder / "transcription", "pocketsphinx-testdata")
    found = {each["name"]: each["text"].strip() for each in _UTTERANCE.finditer(words)}
    return [_recording(folder / f"{name}.wav", name, "read aloud", text) for name, text in found.items()]


def prompts(folder: Path = PROMPTS, texts: Path = PROMPT_TEXTS) -> list[Recording]:
    """Return the chosen prompts of a telephone exchange, spoken by a voice artist, at 8 kHz.

    Raises:
        RecordingsMissing: They are not there.
    """
    words = _text(texts, "asterisk-core-sounds-en-wav")
    found = {each["name"]: each["text"].strip() for line in words.splitlines() if (each := _PROMPT.fullmatch(line))}
    if missing := [name for name in CHOSEN if name not in found]:
        raise RecordingsMissing(f"{texts} has no text of {', '.join(missing)}: is it of another version?")
    if not folder.is_dir():
        raise _absent(folder, "asterisk-core-sounds-en-wav")
    return [_recording(folder / f"{name}.wav", name, "telephone", found[name]) for name in CHOSEN]


def from_folder(folder: Path) -> list[Recording]:
    """Return the recordings of a folder: each ``name.wav`` (16 bits, mono) with its words in ``name.txt``.

    Raises:
        RecordingsMissing: There is none, one has no words, or one is of another format.
    """
    found = list(_of_folder(folder))
    if not found:
        raise RecordingsMissing(f"{folder} has no recordings: put name.wav and its words, name.txt, there")
    return found


def _of_folder(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.glob("*.wav")):
        try:
            text = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RecordingsMissing(
                f"{path} has no words: write them in {path.stem}.txt beside it, in UTF-8"
            ) from error
        yield _recording(path, path.stem, folder.name, text)


def _text(path: Path, package: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _absent(path, package) from error
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "replace")


def _absent(path: Path, package: str) -> RecordingsMissing:
    return RecordingsMissing(f"{path} is not there: install Debian's package {package} (apt-get install {package})")


def _recording(path: Path, name: str, group: str, text: str) -> Recording:
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, BYTES_PER_SAMPLE):
                raise RecordingsMissing(f"{path} is no mono of 16 bits: convert it to that")
            return Recording(name, group, text, file.readframes(file.getnframes()), AudioFormat(file.getframerate()))
    except (OSError, EOFError, wave.Error, ValueError) as error:
        raise RecordingsMissing(f"{path} can't be read as a WAV file of speech: is it one?") from error
