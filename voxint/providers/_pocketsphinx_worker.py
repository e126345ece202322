"""The recogniser's own process: frames of PCM on stdin, one answer to each on stdout, until stdin ends.

The provider runs this file as a script and imports it for the framing, so it needs the standard library alone; the
engine is imported when it runs. The end of stdin, which is also the death of the parent, ends the process; where the
engine hangs and reads no more, an alarm does, for the parent may have died without killing it.
"""

from __future__ import annotations

import os
import re
import signal
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pocketsphinx import Decoder

__all__ = ["ANSWER_S", "AUDIO", "END", "FAILED", "HEADER", "HEARD", "MISSING", "READY"]

HEADER = struct.Struct(">BI")
"""Before every frame, both ways: what it is, and how many bytes follow."""

AUDIO, END = 1, 2
"""To the recogniser: PCM of the utterance; its end. Each gets one HEARD."""

READY, HEARD, FAILED, MISSING = 3, 4, 5, 6
"""From it: it can begin; the words so far, or the final ones; why it can't begin; that there is no pocketsphinx."""

ANSWER_S = 10
"""Seconds for one answer. Ours: the end of 11 s of general English took half a second."""

ALARM_S = ANSWER_S + 5
"""Seconds after which an engine that has not answered is ended by the system: its parent has given it up by then."""

PARTIAL_BYTES = 16_000 * 2 // 5
"""How much speech goes by between two looks at the words so far. Chosen here: 200 ms, about a syllable."""


def main() -> None:
    """Answer frames until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process by its pipe
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that nothing a C library prints gets between the frames
    _alarm(ALARM_S)
    try:
        decoder = _decoder(sys.argv[1])
    except ImportError:
        _answer(answers, MISSING)
    except (OSError, RuntimeError, ValueError) as error:
        _answer(answers, FAILED, str(error))
    else:
        _answer(answers, READY)
        _alarm(0)
        _serve(decoder, sys.stdin.buffer, answers)


def _serve(decoder: Decoder, frames: BinaryIO, answers: BinaryIO) -> None:
    cmn = decoder.get_cmn(False)
    speaking = False
    unseen = 0
    heard = ""
    while len(head := frames.read(HEADER.size)) == HEADER.size:
        kind, size = HEADER.unpack(head)
        payload = frames.read(size)
        _alarm(ALARM_S)
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
        _alarm(0)


def _alarm(seconds: int) -> None:
    """Have the system kill this process after some seconds; 0 for not at all."""
    if sys.platform != "win32":  # which has none
        signal.alarm(seconds)


def _answer(answers: BinaryIO, kind: int, text: str = "") -> None:
    payload = text.encode()
    answers.write(HEADER.pack(kind, len(payload)) + payload)
    answers.flush()


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
