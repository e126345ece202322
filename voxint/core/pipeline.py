"""The work of one request, inside its scope: stt -> llm -> segments -> tts -> pacing -> outbox.

Each stage runs under its own `Patience` and is noted in the request's book. Whatever a stage raises ends the request
here, at the stage; nothing of it reaches the nursery that serves the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import trio
from attrs import frozen

from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.failure import is_ours, stage_failure
from voxint.core.patience import Patience, Sink
from voxint.core.request import Request
from voxint.core.segments import Segmenter
from voxint.core.stages import Delta, Speech, SpeechToText, TextToSpeech, ToolCall, Transcript, Turn, Usage
from voxint.core.text import encodable
from voxint.core.transcript import join_transcripts
from voxint.core.upload import Upload
from voxint.core.voice import Voice
from voxint.errors import UpstreamError

__all__ = ["Pipeline"]


@frozen(eq=False)
class Pipeline:
    """What a request needs to be answered.

    Args:
        agent: The stages and the limits.
        request: Whose work it is.
        output: The format of the client's audio.
        understood: Called with the user's words when a voice upload has been recognised.
        turn: Returns what the model is asked, at the moment when it is asked.
        transcripts: Whether the client wants to see what was understood.
    """

    agent: Agent
    request: Request
    output: AudioFormat
    understood: Callable[[str], None]
    turn: Callable[[], Turn]
    transcripts: bool = False

    async def answer_text(self) -> None:
        """Answer the user's words: the model writes, the synthesizer speaks, both at once."""
        request, tts = self.request, self.agent.tts
        if tts is None or not request.answer.spoken:
            await self._write(None)
        else:
            pieces_in, pieces_out = trio.open_memory_channel[str](self.agent.limits.segments_ahead)
            voice = Voice(request.answer, request.timeline, tts.audio_format, self.output, self.agent.limits)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(voice.pace, name=f"pacing of {request.id}")
                nursery.start_soon(self._speak, tts, pieces_out, voice, name=f"tts of {request.id}")
                with pieces_in:
                    await self._write(pieces_in)
        await request.answer.flushed()

    async def answer_voice(self, stt: SpeechToText, upload: Upload, patience: Patience) -> None:
        """Understand the upload while it comes in, then answer its words; say nothing where there were none."""
        if text := await self._transcribe(stt, upload, patience):
            self.understood(text)
            await self.answer_text()
        await self.request.answer.flushed()

    async def _transcribe(self, stt: SpeechToText, upload: Upload, patience: Patience) -> str:
        finals: list[str] = []
        answer = self.request.answer

        async def hear(transcript: Transcript) -> None:
            if transcript.is_final and transcript.text:
                finals.append(transcript.text)
            if self.transcripts:
                await answer.room()
                answer.understood(encodable(transcript.text), is_final=transcript.is_final)
            if upload.ended:
                patience.expect("the rest of the transcript", self.agent.limits.transcript_s)

        await self._run_stage(patience, lambda: stt.transcribe(upload, Sink(hear)))
        upload.stop()
        self.request.timeline.mark("transcribed")
        return encodable(join_transcripts(finals))

    async def _write(self, pieces: trio.MemorySendChannel[str] | None) -> None:
        """Run the model; its text goes to the client as it comes, and in speakable pieces to `pieces`."""
        request, limits = self.request, self.agent.limits
        answer, ledger, segmenter = request.answer, request.ledger, Segmenter()
        patience = request.watch.patience("llm")

        async def speak(ready: list[str]) -> None:
            if pieces is not None:
                for piece in ready:
                    await pieces.send(piece)

        async def pass_on(item: Delta | ToolCall | Usage) -> None:
            if isinstance(item, Delta):
                if text := encodable(item.text):
                    request.timeline.mark("first_text")
                    ledger.wrote_text(text)
                    answer.text(text)
                    ready = segmenter.feed(text) if pieces is not None else []
                    if ready or answer.full:
                        patience.rest()
                        await speak(ready)
                        await answer.room()
            elif isinstance(item, ToolCall):
                patience.rest()
                await speak(segmenter.flush())  # what was said before the call is not held back while a tool runs
                answer.call(_checked(item))
                await answer.room()
            else:
                request.provider_tokens = item.output_tokens
            patience.expect("the next token", limits.token_stall_s)

        request.timeline.mark("asked")
        patience.expect("the first token", limits.first_token_s)
        await self._run_stage(patience, lambda: self.agent.llm.generate(self.turn(), Sink(pass_on)))
        await speak(segmenter.flush())

    async def _speak(self, tts: TextToSpeech, pieces: trio.MemoryReceiveChannel[str], voice: Voice) -> None:
        """Run the synthesizer; what it says waits in `voice` for its time."""
        limits, patience = self.agent.limits, self.request.watch.patience("tts")
        source = _Pieces(self.request, pieces, patience, voice, limits.first_audio_s)

        async def pass_on(speech: Speech) -> None:
            voice.add(speech)
            if voice.full:
                patience.rest()
                await voice.room()
            if not source.waiting:
                patience.expect("more audio", limits.audio_stall_s)

        with pieces:
            await self._run_stage(patience, lambda: tts.synthesize(source, Sink(pass_on)))
            voice.end()
            async for _ in pieces:
                pass  # a synthesizer that stops listening must not stop the text

    async def _run_stage(self, patience: Patience, call: Callable[[], Awaitable[None]]) -> None:
        request, name = self.request, patience.stage
        by_itself = False
        request.stage_began(name)
        try:
            await call()
            by_itself = True
        except BaseException as error:  # a stage is foreign code, whatever it raises ends its request alone
            if not is_ours(error):
                raise
            request.fail(stage_failure(name, error))
        finally:
            patience.rest()
            request.stage_ended(name, by_itself=by_itself)
        # Where the request is over, what would follow this stage does not begin.
        await trio.lowlevel.checkpoint_if_cancelled()


def _checked(call: ToolCall) -> ToolCall:
    """Return a copy of `call` that the writer can encode, whatever the model makes of its own later.

    Raises:
        UpstreamError: Its arguments are no JSON object.
    """
    try:
        arguments: dict[str, object] = msgspec.json.decode(msgspec.json.encode(dict(call.arguments)))
    except (TypeError, ValueError, OverflowError, RecursionError):  # as json.dumps would, depending on what is wrong
        # Without the exception, whose text quotes what the model wrote.
        raise UpstreamError("it called a function with arguments that are not JSON", retryable=False) from None
    return ToolCall(encodable(call.call_id), encodable(call.name), arguments)


class _Pieces(trio.abc.ReceiveChannel[str]):
    """The synthesizer's reading end: its clock runs only while it has a piece to speak and room for what it says.

    A synthesizer may read in one task and write in another, so that it waits for text, or for room, in one of them
    while the other goes on; it owes nothing then.

    Attributes:
        waiting: Whether it waits for the next piece.
    """

    def __init__(
        self,
        request: Request,
        pieces: trio.MemoryReceiveChannel[str],
        patience: Patience,
        voice: Voice,
        first_audio_s: float,
    ) -> None:
        self.waiting = False
        self._request = request
        self._pieces = pieces
        self._patience = patience
        self._voice = voice
        self._first_audio_s = first_audio_s

    async def receive(self) -> str:
        self.waiting = True
        self._patience.rest()
        try:
            piece = await self._pieces.receive()
            self._request.spoken_chars += len(piece)
            return piece
        finally:
            self.waiting = False
            if not self._voice.full:
                self._patience.expect("audio", self._first_audio_s)

    async def aclose(self) -> None:
        await self._pieces.aclose()
