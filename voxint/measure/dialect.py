"""How a server under test is spoken to: voxint's own protocol here, that of another system by the same few methods."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from attrs import frozen

from voxint.core.audio import AudioFormat
from voxint.core.settings import SettingsChange
from voxint.errors import ServerError
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client

__all__ = ["Dialect", "Frame", "Heard", "MakeDialect", "VoxintDialect", "turn_in_pcm", "turn_in_text"]

MICROPHONE_RATE = 16_000
PLAIN_RATE = 16_000
"""The audio rate of a server that knows nothing of the `audio` extension (docs/reference/wire.md), in Hz."""

Frame = str | bytes
"""A text frame or a binary frame, as it is sent."""

WORD = re.compile(rb"\bt(\d+)w\d")
"""A word of the simulated upstream's numbered answers."""


@frozen
class Heard:
    """What a frame from the server means.

    Args:
        kind: ``opened``: the session is there. ``text`` and ``audio``: a part of an answer. ``stopped``: the
            acknowledgement of an interrupt. ``over``: an answer's end, for whatever reason. ``other``: nothing that
            is timed, but with a turn it counts as a leak after the turn's acknowledgement.
        turn: The turn it belongs to, where it says so.
        audio_ms: The audio it brought.
        failed: Why the turn failed, for ``over``.
    """

    kind: Literal["opened", "text", "audio", "stopped", "over", "other"]
    turn: int | None = None
    audio_ms: float = 0.0
    failed: str = ""


OTHER = Heard("other")


class Dialect(Protocol):
    """One connection's way of speaking; it does no I/O. Turns are told apart by the numbers of the plan."""

    def open(self) -> Sequence[Frame]:
        """Return what is sent first; the caller then waits for ``opened`` if there is anything."""

    def ask(self, turn: int) -> Frame:
        """Return the question of a turn, in text."""

    def listen(self, turn: int) -> Frame:
        """Return what announces the microphone's audio."""

    def finish(self, turn: int) -> Frame:
        """Return what ends the microphone's audio: the question has been spoken."""

    def interrupt(self, turn: int, played_ms: float) -> Frame:
        """Return what interrupts a turn of which the listener has heard so much."""

    def read(self, text: bool, payload: bytes) -> Heard:
        """Return what a frame means; `text` says whether it is a text frame."""


MakeDialect = Callable[[], Dialect]
"""Makes the dialect of a new connection."""


def turn_in_text(text: bytes) -> int | None:
    """Return the turn that a numbered word bears, such as 17 in ``t17w3``."""
    found = WORD.search(text)
    return int(found[1]) if found else None


def turn_in_pcm(pcm: bytes) -> int | None:
    """Return the turn that a numbered sample bears: the value of the one in the middle, where nothing bends it."""
    middle = len(pcm) // 4 * 2
    return int.from_bytes(pcm[middle : middle + 2], "little", signed=True) or None


class VoxintDialect:
    """voxint's wire protocol, version 1.0.

    Args:
        api_key: The key, where the server wants one.
        account: The other way to register, with `password`.
        password: The account's.
        speech: Whether answers are to be spoken.
        text: Makes a turn's question from its number.
        numbered: Whether the answers are the simulated upstream's numbered ones: staleness is then judged by what
            words and samples say, and not by the id beside them.
        binary_audio: Whether to ask for speech in binary frames; a server that does not grant them sends base64.
        rate: The sample rate of the speech that is asked for, in Hz; a server that names none speaks at 16,000.
    """

    def __init__(
        self,
        *,
        api_key: str = "",
        account: str | None = None,
        password: str | None = None,
        speech: bool = True,
        text: Callable[[int], str] = "turn {}".format,
        numbered: bool = False,
        binary_audio: bool = True,
        rate: int = 24_000,
    ) -> None:
        if account is None:
            self._auth = m.Auth(type="API_KEY", api_key=api_key)
        else:
            self._auth = m.Auth(type="ACCOUNT", account=account, password=password)
        self._speech = speech
        self._text = text
        self._numbered = numbered
        self._features = ("binary_audio",) if binary_audio else ()
        self._audio = AudioFormat(rate)
        self._session_id: str | None = None

    def open(self) -> Sequence[Frame]:
        """Return REGISTER."""
        register = m.Register(
            auth=self._auth,
            patch=SettingsChange(require_tts=self._speech),
            features=self._features,
            audio=m.Audio(input_rate=MICROPHONE_RATE, output_rate=self._audio.rate),
        )
        return [self._write(register)]

    def ask(self, turn: int) -> Frame:
        """Return a REQUEST in text."""
        patch = SettingsChange(require_tts=self._speech)
        content = m.Content(text=self._text(turn))
        return self._write(m.RequestMessage(request_id=_id(turn), data_type="TEXT", content=content, patch=patch))

    def listen(self, turn: int) -> Frame:
        """Return the start frame of a streamed REQUEST in voice."""
        content = m.Content(voice_mode="BINARY", audio_format="pcm")
        return self._write(m.RequestMessage(request_id=_id(turn), data_type="VOICE", stream_flag=True, content=content))

    def finish(self, turn: int) -> Frame:
        """Return the end frame of a streamed REQUEST in voice."""
        return self._write(m.RequestMessage(request_id=_id(turn), data_type="VOICE", stream_flag=True, stream_seq=-1))

    def interrupt(self, turn: int, played_ms: float) -> Frame:
        """Return an INTERRUPT that reports what was played."""
        return self._write(m.Interrupt(interrupt_request_id=_id(turn), played_ms=played_ms))

    def read(self, text: bool, payload: bytes) -> Heard:
        """Return what a frame means.

        Raises:
            ServerError: The server refused the session.
            WireError: The frame is not the protocol's.
        """
        match decode_server(payload):
            case m.Response() as response:
                return self._read_response(response)
            case m.InterruptAck() as ack:
                return Heard("stopped", _turn(ack.interrupt_request_id))
            case m.RegisterAck() as opened:
                self._session_id = opened.session_id
                self._audio = AudioFormat(opened.audio.output_rate or PLAIN_RATE)
                return Heard("opened")
            case m.Error() as error if self._session_id is None:
                raise ServerError(
                    error.error_code, error.error_msg, error.error_detail, error.retryable, error_id=error.error_id
                )
            case m.TranscriptMessage() as understood:
                return Heard("other", _turn(understood.request_id))
            case m.Error() as error:
                return Heard("over", _turn(error.request_id), failed=f"{error.error_code}: {error.error_msg}")
            case _:
                return OTHER

    def _read_response(self, response: m.Response) -> Heard:
        turn = _turn(response.request_id)
        if response.voice:
            said = (turn_in_pcm(response.voice) if self._numbered else None) or turn
            return Heard("audio", said, self._audio.bytes_ms(len(response.voice)))
        if response.text:
            return Heard("text", (turn_in_text(response.text.encode()) if self._numbered else None) or turn)
        last = response.voice_stream_seq if self._speech else response.text_stream_seq
        return Heard("over" if last == -1 or response.interrupted else "other", turn)

    def _write(self, message: m.ClientMessage) -> str:
        return encode_client(message, self._session_id, int(time.time() * 1000))


def _id(turn: int) -> str:
    return f"req_{turn}"


def _turn(request_id: str | None) -> int | None:
    """Return the turn whose number a request id of this dialect bears."""
    number = (request_id or "").removeprefix("req_")
    return int(number) if number.isdecimal() else None
