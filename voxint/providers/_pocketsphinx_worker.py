"""The recogniser's own process: a job for each piece of an utterance and one for its end, answered by the words so far.

The provider runs this file as a script, and imports it for the kinds of jobs, so it needs the standard library alone;
the engine is imported when it runs.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from voxint.workers.child import Job, serve_jobs

if TYPE_CHECKING:
    from pocketsphinx import Decoder

__all__ = ["AUDIO", "END"]

AUDIO, END = 1, 2
"""Jobs: PCM of the utterance; its end."""

PARTIAL_BYTES = 16_000 * 2 // 5
"""How much speech goes by between two looks at the words so far. Chosen here: 200 ms, about a syllable."""


def main() -> None:
    """Answer jobs until standard input ends."""
    serve_jobs(_load, abortable=False)


def _load() -> _Recogniser:
    try:
        return _Recogniser(_decoder(sys.argv[1]))
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"the grammar can't be used ({error}): write JSGF with words of the CMU dictionary") from error


class _Recogniser:
    """Hears one utterance after another, each in pieces."""

    ready = b""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._cmn = decoder.get_cmn(False)
        self._speaking = False
        self._unseen = 0
        self._heard = ""

    def run(self, job: Job) -> bytes:
        """Take a piece of the utterance, or its end, and return the words so far."""
        decoder = self._decoder
        if not self._speaking:
            # Else what it learned of the last speaker's microphone would colour this one's words.
            decoder.set_cmn(self._cmn)
            decoder.start_utt()
            self._speaking, self._unseen, self._heard = True, 0, ""
        if job.kind == AUDIO:
            decoder.process_raw(job.payload)
            self._unseen += len(job.payload)
        else:
            decoder.end_utt()
            self._speaking = False
        if self._unseen >= PARTIAL_BYTES or not self._speaking:
            self._unseen = 0
            hypothesis = decoder.hyp()
            self._heard = hypothesis.hypstr if hypothesis else ""
        return self._heard.encode()


def _decoder(grammar: str) -> Decoder:
    """Load a decoder for the JSGF file `grammar`, or for general English where it is empty. It writes no file.

    Raises:
        OSError: A file can't be read.
        RuntimeError: The engine refuses a word, or its own model.
        ValueError: The grammar is in no encoding that is read here, or the engine refuses it.
    """
    from pocketsphinx import Decoder, get_model_path

    if not grammar:
        return Decoder(loglevel="FATAL")
    source = _text(Path(grammar))
    dictionary = Path(get_model_path("en-us/cmudict-en-us.dict"))
    imports = re.search(r"^\s*import\b", source, re.MULTILINE) is not None
    # Measured on 48 candidate sentences in 4 of espeak's voices: 64 % understood by default, 82 % without the second
    # pass (bestpath), 85 % with these beams too, at some 3 % of real time.
    decoder = Decoder(
        loglevel="FATAL",
        lm=None,
        dict=str(dictionary) if imports else None,
        bestpath=False,
        beam=1e-80,
        pbeam=1e-80,
        wbeam=1e-60,
    )
    if not imports:
        _add_words(decoder, source, dictionary)
    os.chdir(Path(grammar).parent)  # where the engine looks for what a grammar in a string imports
    decoder.add_jsgf_string("grammar", source)
    decoder.activate_search("grammar")
    return decoder


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # an editor of Windows may put a mark in front
    except UnicodeDecodeError:
        raise ValueError("it is not in UTF-8: save it in that encoding") from None


def _add_words(decoder: Decoder, source: str, dictionary: Path) -> None:
    """Teach the decoder the grammar's words.

    The whole dictionary would cost each process 22 MB and 0.2 s; only a grammar that imports others may need any of it.
    """
    words = {word.encode() for word in re.findall(r"[^\s<>|()\[\]{}*+=;/\"]+", source)}
    for line in dictionary.read_bytes().splitlines():
        word, _, phones = line.partition(b" ")
        if word.split(b"(")[0] in words:  # "read" and its other pronunciation, "read(2)"
            decoder.add_word(word.decode(), phones.decode().strip(), update=False)


if __name__ == "__main__":
    main()
