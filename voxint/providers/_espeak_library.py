"""libespeak-ng by ctypes: one process-wide engine that turns one short text into samples and the words in them.

The provider's process alone loads it, so it needs the standard library alone, and espeakng-loader.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any, Protocol

from voxint.providers._espeak_job import Manner, Mark, Utterance
from voxint.workers.child import JobFailed

__all__ = ["EspeakLibrary", "load"]

# From speak_lib.h. Neither SSML (0x10) nor phoneme input (0x100) is ever asked for: a model's text is text.
SYNCHRONOUS = 2
DONT_EXIT = 0x8000
CHARS_UTF8 = 1
END_PAUSE = 0x1000
POS_CHARACTER = 1
LIST_TERMINATED, WORD = 0, 1  # of the types of events
RATE, VOLUME, PITCH = 1, 2, 3

OTHERS_DATA = "mb"
"""Where the voices lie that need the data of another program, MBROLA."""

CALLBACK_MS = 250
"""Speech per callback. Chosen here: 0.5 ms of work, so that an abort is prompt and the GIL is seldom asked for."""

Pointer = ctypes.c_void_p


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # in ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char_p),
    )


class EventPointer(Protocol):
    """What ctypes gives for `espeak_EVENT *`: the first of several, whose number only the type of the last tells."""

    def __getitem__(self, at: int, /) -> Event:
        """Read what lies there, whatever it is."""


class ListedVoice(ctypes.Structure):
    """The beginning of espeak_VOICE of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),  # several, each behind a byte with its priority
        ("identifier", ctypes.c_char_p),  # its file
    )


class VoicePointers(Protocol):
    """What ctypes gives for `espeak_VOICE **`: the last one is null, which is false."""

    def __getitem__(self, at: int, /) -> Any:
        """Read the pointer there."""


Callback = ctypes.CFUNCTYPE(ctypes.c_int, Pointer, ctypes.c_int, ctypes.POINTER(Event))


class EspeakLibrary:
    """The library with its one global state, for one thread.

    Raises:
        OSError: Its data can't be read.
    """

    def __init__(self, library: ctypes.CDLL, data_path: str) -> None:
        self._library = library
        self._manner: Manner | None = None
        self._chunks: list[bytes] = []
        self._marks: list[Mark] = []
        self._stop: Callable[[], bool] = _never
        self._callback = Callback(self._receive)  # kept: the library holds only the pointer
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            Pointer,
            Pointer,
        ]
        library.espeak_Info.restype = ctypes.c_char_p
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(ListedVoice))
        self.rate: int = library.espeak_Initialize(SYNCHRONOUS, CALLBACK_MS, data_path.encode(), DONT_EXIT)
        if self.rate <= 0:
            raise OSError("the data files of the package espeakng-loader can't be read: install it again")
        library.espeak_SetSynthCallback(self._callback)
        self.version: str = library.espeak_Info(None).decode()

    def has_voice(self, voice: str) -> bool:
        """Whether espeak knows `voice`; loads it, so that its first words need not wait for that."""
        self._manner = None
        return bool(self._library.espeak_SetVoiceByName(voice.encode()) == 0)

    def voices(self) -> dict[str, str]:
        """Return the voices that its data has, one for each language and accent, with the code of that language."""
        found = dict[str, str]()
        voices: VoicePointers = self._library.espeak_ListVoices(None)
        at = 0
        while voices[at]:
            voice = voices[at].contents
            at += 1
            family, _, file = voice.identifier.decode().replace("\\", "/").rpartition("/")
            if family != OTHERS_DATA:
                found[file] = voice.languages[1:].decode()  # its own comes first; not each voice is found by it
        return found

    def speak(self, text: str, manner: Manner, stop: Callable[[], bool]) -> Utterance:
        """Speak `text` and return its samples and words; blocks.

        Args:
            text: Plain text; its length bounds the time: 0.06 ms a character, up to 1.4 where letters are read by name.
            manner: The voice; it is loaded if another one spoke before.
            stop: Asked about every 0.5 ms; once true, synthesis ends and what was made is returned.

        Raises:
            JobFailed: espeak refused the voice or the text.
        """
        data = text.encode()
        flags = CHARS_UTF8 | (END_PAUSE if text.rstrip().endswith(SENTENCE_ENDS) else 0)
        self._prepare(manner)
        self._chunks, self._marks, self._stop = [], [], stop
        status = self._library.espeak_Synth(data, len(data) + 1, 0, POS_CHARACTER, 0, flags, None, None)
        spoken = Utterance(b"".join(self._chunks), tuple(self._marks))
        self._chunks, self._marks, self._stop = [], [], _never
        if status:
            raise JobFailed(f"its library's status was {status}")
        return spoken

    def _prepare(self, manner: Manner) -> None:
        if manner == self._manner:
            return
        self._manner = None
        if self._library.espeak_SetVoiceByName(manner.voice.encode()):
            raise JobFailed(f"its library lost the voice {manner.voice}")
        for parameter, value in ((RATE, manner.rate_wpm), (PITCH, manner.pitch), (VOLUME, manner.volume)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._manner = manner

    def _receive(self, samples: int | None, number: int, events: EventPointer) -> int:
        """Take one chunk from espeak, and what it begins; 1 tells it to stop."""
        if samples and number > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * number))
        at = 0
        while (event := events[at]).type != LIST_TERMINATED:
            if event.type == WORD:
                self._marks.append(Mark(event.text_position - 1, event.audio_position))
            at += 1
        return int(self._stop())


SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")
"""After one of these the next piece is another sentence, and espeak adds its pause."""


def _never() -> bool:
    return False


@functools.cache
def load() -> EspeakLibrary:
    """Return the process's engine, loaded at the first call.

    Raises:
        ImportError: espeakng-loader is not installed.
        OSError: Its library does not load here, or its data can't be read.
    """
    import espeakng_loader

    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data_path = espeakng_loader.get_data_path()
    except (OSError, RuntimeError) as error:
        raise OSError(
            f"its library can't be loaded here ({error}): install the package espeakng-loader again"
        ) from error
    return EspeakLibrary(library, data_path)
