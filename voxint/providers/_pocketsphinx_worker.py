"""The recogniser's own process: frames of PCM on stdin, one answer to each on stdout, until stdin ends.

The provider runs this file as a script and imports it for the framing, so it needs the standard library alone; the
engine is imported when it runs. The end of stdin, which is also the death of the parent, ends the process.
"""

from __future__ import annotations

import os
import re
import signal
import struct
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pocketsphinx import Decoder

__all__ = ["AUDIO", "END", "FAILED", "HEADER", "HEARD", "MISSING", "READY"]

HEADER = struct.Struct(">BI")
"""Before every frame, both ways: what it is, and how many bytes follow."""

AUDIO, END = 1, 2
"""To the recogniser: PCM of the utterance; its end. Each gets one HEARD."""

READY, HEARD, FAILED, MISSING = 3, 4, 5, 6
"""From it: it can begin; the words so far, or the final ones; why it can't begin; that there is no pocketsphinx."""

PARTIAL_BYTES = 16_000 * 2 // 5
"""How much speech goes by between two looks at the words so far. Chosen here: 200 ms, about a syllable."""


def main() -> None:
    """Answer frames until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process by its pipe
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that nothing a C library prints gets between the frames
    try:
        decoder = _decoder(sys.argv[1])
    except ImportError:
        _answer(answers, MISSING)
    except (OSError, RuntimeError, ValueError) as error:
        _answer(answers, FAILED, str(error))
    else:
        _answer(answers, READY)
        _serve(decoder, sys.stdin.buffer, answers)


def _serve(decoder: Decoder, frames: BinaryIO, answers: BinaryIO) -> None:
    cmn = decoder.get_cmn(False)
    speaking = False
    unseen = 0
    heard = ""
    while len(head := frames.read(HEADER.size)) == HEADER.size:
        kind, size = HEADER.unpack(head)
        payload = frames.read(size)
        if not speaking:
            decoder.set_cmn(cmn)  # else what it learned of the last speaker's microphone would colour this one's words
            decoder.start_utt()
            speaking, unseen, heard = True, 0, ""
        if kind == AUDIO:
            decoder.process_raw(payload)
            unseen += size
        else:
            decoder.end_utt()
            speaking = False
        if unseen >= PARTIAL_BYTES or not speaking:
            unseen = 0
            hypothesis = decoder.hyp()
            heard = hypothesis.hypstr if hypothesis else ""
        _answer(answers, HEARD, heard)


def _answer(answers: BinaryIO, kind: int, text: str = "") -> None:
    payload = text.encode()
    answers.write(HEADER.pack(kind, len(payload)) + payload)
    answers.flush()


def _decoder(grammar: str) -> Decoder:
    """Load a decoder for the JSGF file `grammar`, or for general English where it is empty."""
    from pocketsphinx import Decoder, get_model_path

    if not grammar:
        return Decoder(loglevel="FATAL")
    # The whole dictionary would cost each process 22 MB and 0.2 s; a grammar that imports others may need any of it.
    source = Path(grammar).read_text()
    full = Path(get_model_path("en-us/cmudict-en-us.dict"))
    if re.search(r"^\s*import\b", source, re.MULTILINE):
        return _grammar_decoder(grammar, str(full))
    with tempfile.NamedTemporaryFile(suffix=".dict") as small:
        words = {word.encode() for word in re.findall(r"[^\s<>|()\[\]{}*+=;/\"]+", source)}
        lines = full.read_bytes().splitlines(keepends=True)
        small.writelines(line for line in lines if line.split(None, 1)[0].split(b"(")[0] in words)
        small.flush()
        return _grammar_decoder(grammar, small.name)


def _grammar_decoder(grammar: str, dictionary: str) -> Decoder:
    from pocketsphinx import Decoder

    # Measured on 48 candidate sentences in 4 of espeak's voices: 64 % understood by default, 82 % without the second
    # pass (bestpath), 85 % with these beams too, at some 3 % of real time.
    return Decoder(
        loglevel="FATAL", jsgf=grammar, dict=dictionary, bestpath=False, beam=1e-80, pbeam=1e-80, wbeam=1e-60
    )


if __name__ == "__main__":
    main()
