"""A client that outlives its connections: what it has of each answer, and stages whose output shows its place."""

from __future__ import annotations

from collections.abc import Iterable

import trio
from attrs import define, field

from tests.talk import Place, Talk
from voxint.core.audio import AudioFormat
from voxint.core.stages import Speech
from voxint.protocol import messages as m

__all__ = ["Memory", "NumberedVoice", "come_back", "numbered"]

OPEN = m.Auth(type="API_KEY", api_key="any")


def numbered(samples: int, begin: int = 0) -> bytes:
    """Return samples that count from `begin`, so that none can be lost or repeated unseen."""
    return b"".join((number % 65_536).to_bytes(2, "little") for number in range(begin, begin + samples))


class NumberedVoice:
    """A synthesizer whose samples count through the whole answer.

    Args:
        seconds_per_piece: Of audio for each piece of text.
        chunk_s: Of audio in one `Speech`.

    Attributes:
        written_s: Seconds of audio that were taken from it in its last call.
    """

    def __init__(self, seconds_per_piece: float = 1.0, chunk_s: float = 0.125) -> None:
        self.audio_format = AudioFormat()
        self.written_s = 0.0
        self._chunks = round(seconds_per_piece / chunk_s)
        self._chunk_s = chunk_s

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Speak each piece, faster than it is played."""
        self.written_s, said = 0.0, 0
        size = self.audio_format.samples(self._chunk_s * 1000)
        async for piece in text:
            for chunk in range(self._chunks):
                await out.send(Speech(numbered(size, said), None if chunk else piece))
                said += size
                self.written_s += self._chunk_s


@define
class _Answer:
    """What the client has of one answer."""

    text: list[str] = field(factory=list)
    voice: list[bytes] = field(factory=list)
    calls: list[str] = field(factory=list)
    heard: list[str] = field(factory=list)
    end: m.Response | m.Error | None = None


@define
class Memory:
    """What a client has, whichever connection it came over; what comes twice, or too early, fails the test."""

    answers: dict[str, _Answer] = field(factory=dict)

    def asked(self, request_id: str) -> None:
        """Know of a request of which nothing has come."""
        self.answers.setdefault(request_id, _Answer())

    def take(self, frames: Iterable[m.ServerMessage]) -> None:
        """Take frames in the order in which they came."""
        for frame in frames:
            if isinstance(frame, m.Response):
                self._take(frame)
            elif isinstance(frame, m.TranscriptMessage):
                heard = self.answers.setdefault(frame.request_id, _Answer()).heard
                if frame.text not in heard:  # transcripts bear no number, and may come again
                    heard.append(frame.text)
            elif isinstance(frame, m.Error) and frame.request_id is not None:
                self._end(frame.request_id, frame)

    def _take(self, frame: m.Response) -> None:
        answer = self.answers.setdefault(frame.request_id, _Answer())
        assert answer.end is None, f"a frame behind the end: {frame}"
        if frame.text_stream_seq == -1:
            self._end(frame.request_id, frame)
            return
        if frame.text_stream_seq is not None:
            assert frame.text_stream_seq == len(answer.text), frame
            answer.text.append(frame.text or "")
        if frame.voice_stream_seq is not None:
            assert frame.voice_stream_seq == len(answer.voice), frame
            assert answer.text, "voice came in front of the first frame of text"
            answer.voice.append(frame.voice or b"")
        if frame.function_call is not None:
            answer.calls.append(frame.function_call.call_id)

    def _end(self, request_id: str, end: m.Response | m.Error) -> None:
        answer = self.answers.setdefault(request_id, _Answer())
        assert answer.end is None, f"a second end: {end}"
        answer.end = end

    @property
    def seen(self) -> dict[str, m.SeenFrames]:
        """What it says when it comes back: of each answer that has not ended, the last numbers."""
        return {
            request_id: m.SeenFrames(
                text_stream_seq=len(answer.text) - 1 if answer.text else None,
                voice_stream_seq=len(answer.voice) - 1 if answer.voice else None,
            )
            for request_id, answer in self.answers.items()
            if answer.end is None
        }

    def text(self, request_id: str = "r1") -> str:
        """Return the text of an answer."""
        return "".join(self.answers[request_id].text)

    def voice(self, request_id: str = "r1") -> bytes:
        """Return the voice of an answer."""
        return b"".join(self.answers[request_id].voice)


async def come_back(
    place: Place,
    token: m.RegisterAck,
    seen: dict[str, m.SeenFrames] | None = None,
    *,
    features: tuple[str, ...] = (),
    auth: m.Auth = OPEN,
    reads: int | None = None,
) -> Talk:
    """Connect a client that resumes with the token of that REGISTER_ACK; return it when it has its answer."""
    assert token.resume_token is not None
    talk = place.join()
    talk.reads = reads
    resume = m.Resume(session_id=token.session_id, resume_token=token.resume_token, seen=seen)
    talk.register(resume=resume, features=features, auth=auth)
    await talk.until(lambda: bool(talk.frames))
    return talk
