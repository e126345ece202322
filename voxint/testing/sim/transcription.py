"""`POST /v1/audio/transcriptions`: a form with a file, as OpenAI has it, or raw PCM that is read while it is spoken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec
from attrs import define, field

from voxint.core.audio import AudioFormat
from voxint.testing.sim.play import PacedAnswer, SimCall, play
from voxint.testing.sim.settings import SimSettings

__all__ = ["transcription"]

RATE = 16_000  # Hz of raw uploads that name no other: what speech recognisers take
WAV_HEADER_BYTES = 44
JSON_HEADERS = (("content-type", "application/json"),)
SSE_HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
GARBAGE = b'data: {"type": "transcript.text.del\n\n'
BOUNDARY = re.compile(r'boundary="?([^";]+)')
FIELD = re.compile(rb'name="([^"]*)"')


async def transcription(call: SimCall, settings: SimSettings) -> None:
    """Hear an upload to its end, then answer, misbehaving as the settings and the request say.

    A refusal does not wait for the upload's end, as with real servers.

    Raises:
        ValueError: The form has no `file`.
    """
    request, entry = call.request, call.entry
    head = request.head
    heard = _AudioHeard()
    options: Mapping[str, str] = head.query
    boundary = BOUNDARY.search(head.header("content-type"))
    if settings.status != 200:
        pass
    elif boundary is not None:
        body = await request.read()
        entry.bytes_received = len(body)
        form = _form(body, boundary[1].encode("ascii"))
        if "file" not in form:
            raise ValueError("the form must have the field `file`, with the sound")
        options = {name: value.decode("utf-8", "replace") for name, value in form.items() if name != "file"}
        heard.add_file(form["file"])
    else:
        heard.rate = int(options.get("sample_rate", RATE))
        while piece := await request.receive():
            entry.bytes_received += len(piece)
            heard.add(piece)
            if settings.content == "numbered":
                entry.turn = heard.turn  # at once: an upload that is broken off is the turn's too
    if settings.content == "numbered":
        entry.turn = heard.turn
    text = heard.transcript(settings)
    if options.get("stream") == "true":
        answer = PacedAnswer(
            _deltas(text),
            lambda _: _event({"type": "transcript.text.done", "text": text}),
            GARBAGE,
            settings.transcript_delay_s,
            settings.delta_interval_s,
            SSE_HEADERS,
        )
    else:
        whole = msgspec.json.encode({"text": text})
        answer = PacedAnswer([whole], lambda _: b"", GARBAGE, settings.transcript_delay_s, 0.0, JSON_HEADERS)
    await play(call, settings, answer)


@define
class _AudioHeard:
    """What is known of the audio so far; the samples themselves are not kept."""

    rate: int = RATE
    size: int = 0
    values: Counter[int] = field(factory=Counter)

    def add(self, pcm: bytes) -> None:
        """Count a piece, and look at the sample in its middle: resampling bends the edges of a constant."""
        middle = self.size % 2 + len(pcm) // 4 * 2
        self.values[int.from_bytes(pcm[middle : middle + 2], "little", signed=True)] += 1
        self.size += len(pcm)

    def add_file(self, content: bytes) -> None:
        """Count a file: WAV, or else raw PCM."""
        if content.startswith(b"RIFF"):
            self.rate = int.from_bytes(content[24:28], "little")
            content = content[WAV_HEADER_BYTES:]
        self.add(content)

    @property
    def turn(self) -> int:
        """The value that most pieces carried."""
        return self.values.most_common(1)[0][0] if self.values else 0

    def transcript(self, settings: SimSettings) -> str:
        """Return what is said to have been heard; nothing, of nothing."""
        if settings.transcript is not None:
            return settings.transcript
        if not self.size:
            return ""
        if settings.content == "numbered":
            return f"turn {self.turn}"
        return f"{AudioFormat(self.rate).bytes_ms(self.size) / 1000:.1f} seconds of sound"


def _deltas(text: str) -> Iterator[bytes]:
    for word in re.findall(r"\S+\s*", text):
        yield _event({"type": "transcript.text.delta", "delta": word})


def _event(data: Mapping[str, object]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def _form(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """Return the fields of a multipart form."""
    fields = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        if name := FIELD.search(head):
            fields[name[1].decode("utf-8", "replace")] = content.removesuffix(b"\r\n")
    return fields
