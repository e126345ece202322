"""Speech and transcription over HTTP, against the simulated upstream: all three stages then cross a real socket."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import msgspec
import trio
from attrs import field, frozen

from voxint.core.audio import AudioFormat
from voxint.core.stages import Speech, Transcript
from voxint.errors import UpstreamError
from voxint.net.http import HttpClient, chunks
from voxint.net.sse import EventParser

__all__ = ["HttpSpeech", "HttpTranscription"]


@frozen
class HttpSpeech:
    """Speaks through ``/audio/speech``, one request for each piece of text; implements `TextToSpeech`.

    Args:
        http: The client to send with.
        base_url: Such as ``http://127.0.0.1:4242/v1``.
        audio_format: What the upstream is asked for.
        headers: More headers, such as ``x-sim``.
    """

    http: HttpClient
    base_url: str
    audio_format: AudioFormat = AudioFormat(24_000)
    headers: Mapping[str, str] = field(factory=dict)

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Speak piece after piece; cancellation closes the connection of the one under way.

        Raises:
            UpstreamError: The upstream refused, broke off, or ended within a sample.
        """
        async for piece in text:
            body = {"model": "sim", "voice": "sim", "input": piece, "response_format": "pcm"}
            await self._speak(piece, {**body, "sample_rate": self.audio_format.rate}, out)

    async def _speak(self, text: str, body: Mapping[str, object], out: trio.abc.SendChannel[Speech]) -> None:
        url = f"{self.base_url}/audio/speech"
        async with self.http.stream("POST", url, headers=self.headers, json=body) as response:
            _check(response, "speech")
            begins: str | None = text
            half = b""
            async for chunk in chunks(response):
                audio = half + chunk
                whole = len(audio) // 2 * 2
                half = audio[whole:]
                if whole:
                    await out.send(Speech(audio[:whole], begins))
                    begins = None
            if half:
                raise UpstreamError("the speech upstream ended in the middle of a sample; report it to its maker")


@frozen
class HttpTranscription:
    """Hears through ``/audio/transcriptions``, uploading while the audio comes in; implements `SpeechToText`.

    Args:
        http: The client to send with.
        base_url: Such as ``http://127.0.0.1:4242/v1``.
        audio_format: What the upstream is given.
        headers: More headers, such as ``x-sim``.
    """

    http: HttpClient
    base_url: str
    audio_format: AudioFormat = AudioFormat(16_000)
    headers: Mapping[str, str] = field(factory=dict)

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Upload to the end, then write the partial and the final transcript; cancellation closes the connection.

        Raises:
            UpstreamError: The upstream refused, broke off, or spoke nonsense.
        """
        url = f"{self.base_url}/audio/transcriptions?stream=true&sample_rate={self.audio_format.rate}"
        headers = {"content-type": "audio/pcm", **self.headers}
        parser, so_far, done = EventParser(), "", False
        async with self.http.stream("POST", url, headers=headers, content=audio) as response:
            _check(response, "transcription")
            async for chunk in chunks(response):
                for event in parser.feed(chunk):
                    told = _decode(event.data)
                    so_far += told.delta
                    done = told.type == "transcript.text.done"
                    await out.send(Transcript(told.text if done else so_far, is_final=done))
        if not done:
            raise UpstreamError("the transcription upstream ended before its final transcript; try again")


@frozen
class _Told:
    """One event of a streamed transcription."""

    type: str
    delta: str = ""
    text: str = ""


def _decode(data: bytes) -> _Told:
    try:
        return msgspec.json.decode(data, type=_Told)
    except msgspec.MsgspecError:
        # Without its cause, whose text may quote the transcript.
        raise UpstreamError("the transcription upstream sent what is not its protocol; try again") from None


def _check(response: httpx.Response, what: str) -> None:
    if response.status_code != 200:
        status = response.status_code
        retryable = status == 429 or status >= 500
        raise UpstreamError(f"the {what} upstream refused with HTTP {status}", retryable=retryable, status=status)
