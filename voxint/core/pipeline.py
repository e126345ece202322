"""The work of one request, inside its scope: stt -> llm -> segments -> tts -> pacing -> answer.

Each stage runs under its own deadline and is noted in the request's book. What it writes goes through the gate.
Whatever a stage raises ends the request here, at the stage; nothing of it reaches the nursery that serves the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from attrs import frozen

from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.deadlines import Deadline
from voxint.core.failure import own_errors, stage_failure
from voxint.core.gate import checked_model_output, checked_speech, checked_transcript
from voxint.core.pacing import Pacer
from voxint.core.request import Request
from voxint.core.segments import Segmenter
from voxint.core.sink import Sink
from voxint.core.stages import Delta, SpeechToText, TextToSpeech, Thinking, ToolCall, Turn
from voxint.core.transcript import join_transcripts
from voxint.core.upload import Upload

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
    """

    agent: Agent
    request: Request
    output: AudioFormat
    understood: Callable[[str], None]
    turn: Callable[[], Turn]

    async def answer_text(self) -> None:
        """Answer the user's words: the model writes, the synthesizer speaks, both at once."""
        request, tts = self.request, self.agent.tts
        if tts is None or not request.answer.spoken:
            await self._write(None)
        else:
            pieces_in, pieces_out = trio.open_memory_channel[str](self.agent.limits.segments_ahead)
            pacer = Pacer(request.answer, request.timeline, tts.audio_format, self.output, self.agent.limits)
            request.when_stopping(pacer.stop)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pacer.pace, name=f"pacing of {request.id}")
                nursery.start_soon(self._speak, tts, pieces_out, pacer, name=f"tts of {request.id}")
                with pieces_in:
                    await self._write(pieces_in)
        await request.answer.flushed()

    async def answer_voice(self, stt: SpeechToText, upload: Upload, deadline: Deadline) -> None:
        """Understand the upload while it comes in, then answer its words; say nothing where there were none."""
        if text := await self._transcribe(stt, upload, deadline):
            self.understood(text)
            await self.answer_text()
        await self.request.answer.flushed()

    async def _transcribe(self, stt: SpeechToText, upload: Upload, deadline: Deadline) -> str:
        finals: list[str] = []
        answer = self.request.answer

        async def hear(item: object) -> None:
            transcript = checked_transcript(item)
            if transcript.is_final and transcript.text:
                finals.append(transcript.text)
            if answer.full:
                deadline.rest()
                await answer.room()
            answer.understood(transcript.text, is_final=transcript.is_final)
            if upload.ended:
                deadline.expect("the rest of the transcript", self.agent.limits.transcript_s)

        await self._run_stage(deadline, lambda: stt.transcribe(upload, Sink(hear, self._is_over)))
        upload.stop()
        self.request.timeline.mark("transcribed")
        return join_transcripts(finals)

    async def _write(self, pieces: trio.MemorySendChannel[str] | None) -> None:
        """Run the model; its text goes to the listeners as it comes, and in speakable pieces to `pieces`."""
        request, limits = self.request, self.agent.limits
        answer, segmenter = request.answer, Segmenter()
        deadline = request.deadlines.of_stage("llm")
        think_until = trio.current_time() + limits.thinking_s

        async def speak(ready: list[str]) -> None:
            if pieces is not None:
                for piece in ready:
                    await pieces.send(piece)

        async def pass_on(item: object) -> None:
            item = checked_model_output(item)
            if isinstance(item, Delta):
                if item.text:
                    request.timeline.mark("first_text")
                    answer.text(item.text)
                    ready = segmenter.feed(item.text) if pieces is not None else []
                    if ready or answer.full:
                        deadline.rest()
                        await speak(ready)
                        await answer.room()
            elif isinstance(item, ToolCall):
                deadline.rest()
                await speak(segmenter.flush())  # what was said before the call is not held back while a tool runs
                answer.call(item)
                await answer.room()
            elif isinstance(item, Thinking):
                if request.timeline.at("first_text") is None:
                    left = max(0.0, think_until - trio.current_time())
                    deadline.expect("the first token", min(limits.first_token_s, left))
                    return
            else:
                request.provider_tokens = item.output_tokens
            deadline.expect("the next token", limits.token_stall_s)

        request.timeline.mark("asked")
        deadline.expect("the first token", limits.first_token_s)
        sink = Sink(pass_on, self._is_over)
        await self._run_stage(deadline, lambda: self.agent.llm.generate(self.turn(), sink))
        await speak(segmenter.flush())

    async def _speak(self, tts: TextToSpeech, pieces: trio.MemoryReceiveChannel[str], pacer: Pacer) -> None:
        """Run the synthesizer; what it says waits in `pacer` for its time."""
        limits, deadline = self.agent.limits, self.request.deadlines.of_stage("tts")
        source = _Pieces(self.request, pieces, deadline, pacer, limits.first_audio_s)

        async def pass_on(item: object) -> None:
            pacer.add(checked_speech(item))
            if pacer.full:
                deadline.rest()
                await pacer.room()
            if not source.waiting:
                deadline.expect("more audio", limits.audio_stall_s)

        with pieces:
            await self._run_stage(deadline, lambda: tts.synthesize(source, Sink(pass_on, self._is_over)))
            pacer.end()
            async for _ in pieces:
                pass  # a synthesizer that stops listening must not stop the text

    def _is_over(self) -> bool:
        return self.request.state != "live"

    async def _run_stage(self, deadline: Deadline, call: Callable[[], Awaitable[None]]) -> None:
        request, name = self.request, deadline.stage
        by_itself = False
        request.stage_began(name)
        try:
            await call()
            by_itself = True
        except BaseException as error:  # noqa: BLE001 - a stage is foreign code: what it raises ends its request alone
            own, others = own_errors(error)
            if own is not None and request.state == "live":
                request.fail(stage_failure(name, own))
            elif own is not None:
                request.cleanup_failed(name, own)  # nobody waits for it any more
            if others is not None:
                raise others from None
        finally:
            deadline.rest()
            request.stage_ended(name, by_itself=by_itself)
        # Where the request is over, what would follow this stage does not begin.
        await trio.lowlevel.checkpoint_if_cancelled()


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
        deadline: Deadline,
        pacer: Pacer,
        first_audio_s: float,
    ) -> None:
        self.waiting = False
        self._request = request
        self._pieces = pieces
        self._deadline = deadline
        self._pacer = pacer
        self._first_audio_s = first_audio_s

    async def receive(self) -> str:
        self.waiting = True
        self._deadline.rest()
        try:
            piece = await self._pieces.receive()
            self._request.spoken_chars += len(piece)
            return piece
        finally:
            self.waiting = False
            if not self._pacer.full:
                self._deadline.expect("audio", self._first_audio_s)

    async def aclose(self) -> None:
        await self._pieces.aclose()
