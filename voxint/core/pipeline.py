"""The work of one request, inside its scope: stt -> llm -> segments -> tts -> pacing -> answer.

Each stage runs under its own deadline and is noted in the request's book. What it writes goes through the gate.
Whatever a stage raises ends the request here, at the stage; nothing of it reaches the nursery that serves the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from math import inf

import trio
from attrs import frozen

from voxint.core.agent import Agent
from voxint.core.alarms import StageDeadline
from voxint.core.alignment import Aligned, Script
from voxint.core.audio import AudioFormat
from voxint.core.events import Called, Understood
from voxint.core.failure import Stage, internal_failure, own_errors, stage_failure
from voxint.core.gate import NOT_BELIEVED, ModelGate, SpeechGate, TranscriptGate
from voxint.core.offers import ChosenStages
from voxint.core.omissions import tell_omission, tell_returned
from voxint.core.pacing import Pacer
from voxint.core.request import Request
from voxint.core.segments import Segmenter
from voxint.core.shape import check_returned
from voxint.core.sink import Sink
from voxint.core.speech_text import SpeechText
from voxint.core.stages import Delta, Speech, SpeechToText, TextToSpeech, Thinking, ToolCall, Turn
from voxint.core.transcript import join_transcripts
from voxint.core.upload import Upload
from voxint.errors import UpstreamError

__all__ = ["Pipeline"]

PAUSE_S = 0.25
"""A silence of the model that ends a sentence. Chosen here: speech is four tokens a second, so a model that is never
silent for so long keeps up with its own voice."""

UNNAMED_MS = 1000.0
"""Speech of an answer that was interrupted, from which on its voice is told that it never said what it speaks; ours: a
voice may begin with a breath, and name its text behind it."""

STEP_MS = 1000.0
"""Of speech, resampled in one step; chosen here: it takes 20 ms at most, and synthesizers write less at once."""

STEP_CHARS = 2048
"""What is cut into pieces to speak in one step of the loop: chosen here by measuring, 6 ms of the worst Markdown, and
far more than a model writes at once."""


@frozen(eq=False)
class Pipeline:
    """What a request needs to be answered.

    Args:
        agent: The model and the limits.
        request: Whose work it is.
        stages: The ears and the voice that its session has chosen.
        output: The format of the client's audio.
        understood: Called with the user's words when a voice upload has been recognised.
        turn: Returns what the model is asked, at the moment when it is asked.
    """

    agent: Agent
    request: Request
    stages: ChosenStages
    output: AudioFormat
    understood: Callable[[str], None]
    turn: Callable[[], Turn]

    async def answer_text(self) -> None:
        """Answer the user's words: the model writes, the synthesizer speaks, both at once."""
        request, tts = self.request, self.stages.tts
        if tts is None or not request.answer.spoken:
            await self._write(None)
        else:
            pieces_in, pieces_out = trio.open_memory_channel[Aligned](self.agent.limits.segments_ahead)
            script = Script()
            pacer = Pacer(request, script, tts.audio_format, self.output, self.agent.limits)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._speak, tts, pieces_out, script, pacer, name=f"tts of {request.id}")
                with pieces_in:
                    await self._write(pieces_in)
            await pacer.sent()
        await request.answer.flushed()

    async def answer_voice(self, stt: SpeechToText, upload: Upload, deadline: StageDeadline) -> None:
        """Understand the upload while it comes in, then answer its words; say nothing where there were none."""
        if text := await self.transcribe(stt, upload, deadline):
            self.understood(text)
            await self.answer_text()
        await self.request.answer.flushed()

    async def transcribe(
        self,
        stt: SpeechToText,
        upload: Upload,
        deadline: StageDeadline,
        heard: Callable[[str], None] = lambda text: None,
    ) -> str:
        """Understand the upload while it comes in, and return its words.

        Args:
            stt: Who understands.
            upload: The voice.
            deadline: The recogniser's.
            heard: Told of the words so far, settled or not. It must not raise.
        """
        finals: list[str] = []
        answer, gate = self.request.answer, TranscriptGate(self.agent.limits)

        async def hear(item: object) -> None:
            transcript = gate.checked(item)
            if transcript.is_final:
                finals.append(transcript.text)
            if answer.full:
                deadline.expect_nothing()
                await answer.room()
            answer.say(Understood(transcript.text, transcript.is_final))
            unsettled = () if transcript.is_final else (transcript.text,)
            heard(join_transcripts([text for text in (*finals, *unsettled) if text]))
            if upload.ended:
                deadline.expect("the rest of the transcript", self.agent.limits.transcript_s)

        returned = await self._run_stage(deadline, stt, lambda: stt.transcribe(upload, self._sink(deadline, hear)))
        if returned is not None:
            tell_returned("stt", stt, returned, self.request)
        elif gate.unsettled:
            tell_omission("unsettled words", stt, self.request)
        elif not finals and upload.received_bytes:
            tell_omission("no transcript", stt, self.request)
        upload.stop()
        self.request.timeline.mark("transcribed")
        return join_transcripts([text for text in finals if text])

    async def _write(self, pieces: trio.MemorySendChannel[Aligned] | None) -> None:
        """Run the model; its text goes to the listeners as it comes, and in speakable pieces to `pieces`."""
        request, limits = self.request, self.agent.limits
        answer, speaker = request.answer, None if pieces is None else _Speaker(request, pieces)
        deadline, gate = request.deadline_of("llm"), ModelGate(limits)
        think_until = request.alarms.working_time + limits.thinking_s

        async def pass_on(item: object) -> None:
            item = gate.checked(item)
            if isinstance(item, Delta):
                if not item.text:
                    return  # no sign of life: who sends nothing else has stalled
                for text in _steps(item.text):
                    request.timeline.mark("first_text")
                    answer.text(text, protected=item.protected)
                    if (speaker is not None and speaker.feed(text)) or answer.full:
                        deadline.expect_nothing()
                        if speaker is not None:
                            await speaker.speak()
                        await answer.room()
                    if len(item.text) > STEP_CHARS:
                        await trio.lowlevel.checkpoint()
            elif isinstance(item, ToolCall):
                deadline.expect_nothing()
                if speaker is not None:
                    await speaker.flush()  # what was said before the call is not held back while a tool runs
                answer.say(Called(item.name, item.arguments, item.call_id))
                await answer.room()
            elif isinstance(item, Thinking):
                if request.timeline.at("first_text") is None:
                    left = think_until - request.alarms.working_time
                    if left < limits.first_token_s:
                        deadline.expect("the first token", max(0.0, left), told_s=limits.thinking_s)
                    else:
                        deadline.expect("the first token", limits.first_token_s)
                    return
            else:
                request.usage_believed = item != NOT_BELIEVED
                request.provider_tokens = item.output_tokens if request.usage_believed else None
            deadline.expect("the next token", limits.token_stall_s)

        request.timeline.mark("asked")
        deadline.expect("the first token", limits.first_token_s)
        turn, sink = self.turn(), self._sink(deadline, pass_on)
        returned = await self._run_stage(deadline, self.agent.llm, lambda: self.agent.llm.generate(turn, sink))
        if returned is not None:
            tell_returned("llm", self.agent.llm, returned, request)
        elif not gate.wrote:
            tell_omission("no words", self.agent.llm, request)
        if speaker is not None:
            await speaker.flush()

    async def _speak(
        self, tts: TextToSpeech, pieces: trio.MemoryReceiveChannel[Aligned], script: Script, pacer: Pacer
    ) -> None:
        """Run the synthesizer; what it says waits in `pacer` for its time."""
        limits, deadline = self.agent.limits, self.request.deadline_of("tts")
        source = _Pieces(self.request, pieces, script, deadline, pacer, limits.first_audio_s)
        gate, spoken, returned, whole = SpeechGate(limits, tts.audio_format), 0, None, False

        async def pass_on(item: object) -> None:
            nonlocal spoken
            waits, checked = False, gate.checked(item)
            spoken += len(checked.audio)
            for speech in _seconds(checked, tts.audio_format):
                pacer.add(speech)
                if pacer.full:
                    waits = True
                    deadline.expect_nothing()
                    await pacer.room()
            if not source.waiting and (checked.audio or waits):  # without audio it is no sign of life
                deadline.expect("more audio", limits.audio_stall_s)

        with pieces:
            try:
                sink = self._sink(deadline, pass_on)
                returned = await self._run_stage(deadline, tts, lambda: tts.synthesize(source, sink))
                whole = True
            finally:
                # Of what is interrupted, too: whoever is always interrupted would never hear of it.
                long = whole or tts.audio_format.bytes_ms(spoken) > UNNAMED_MS
                if gate.spoke and not gate.named and long:
                    tell_omission("audio without text", tts, self.request)
            pacer.end()
            unread = False
            async for piece in pieces:  # a synthesizer that stops listening must not stop the text
                unread = unread or bool(piece.spoken)
            if returned is not None:
                tell_returned("tts", tts, returned, self.request)
            elif unread:
                tell_omission("text not read", tts, self.request)
            elif source.read and not gate.spoke:
                tell_omission("no audio", tts, self.request)

    def _sink(self, deadline: StageDeadline, accept: Callable[[object], Awaitable[None]]) -> Sink[object]:
        """Return a stage's writing end; what the gate refuses is the stage's fault, all else that fails is ours."""
        request = self.request

        def failed(error: Exception) -> None:
            ours = not isinstance(error, UpstreamError)
            request.fail(internal_failure(error) if ours else stage_failure(deadline.stage, error))

        return Sink(accept, failed, lambda: not request.works)

    async def _run_stage(self, deadline: StageDeadline, stage: object, call: Callable[[], Awaitable[object]]) -> object:
        """Run a stage to its end, and return what it returned: nothing, unless its author believes that it counts."""
        request, name = self.request, deadline.stage
        by_itself, value = False, None
        request.book.began(name)
        try:
            returned = call()
            check_returned(name, stage, returned)
            value = await returned
            by_itself = True
        except BaseException as error:  # noqa: BLE001 - a stage is foreign code: what it raises ends its request alone
            others = self._take_own(name, error)
            try:
                if others is error or isinstance(error, GeneratorExit):
                    raise  # of a generator's end: perhaps this task is being closed, and may await nothing any more
                if others is not None:
                    raise others from None
            finally:
                del others  # it refers to this frame by its traceback: only a collector would let go of either
        finally:
            deadline.expect_nothing()
            request.book.ended(name, by_itself=by_itself)
        # Where the request is over, what would follow this stage does not begin.
        await trio.lowlevel.checkpoint_if_cancelled()
        return value

    def _take_own(self, stage: Stage, error: BaseException) -> BaseException | None:
        """Have what of `error` is the stage's own end the request; return what is meant for others."""
        request = self.request
        own, others = own_errors(error, cancelled=trio.current_effective_deadline() == -inf)
        if own is not None and request.works:
            request.fail(stage_failure(stage, own))
        elif own is not None and not request.has_failed_by(own):
            request.cleanup_failed(stage, own)  # nobody waits for the stage any more
        return others


def _seconds(speech: Speech, audio_format: AudioFormat) -> Iterator[Speech]:
    """Yield `speech` in pieces of a second at most, of which each is one step of the loop; mostly it is one."""
    most = audio_format.bytes(STEP_MS)
    if len(speech.audio) <= most:
        yield speech
        return
    for begin in range(0, len(speech.audio), most):
        yield Speech(speech.audio[begin : begin + most], speech.text if begin == 0 else None)


def _steps(text: str) -> Iterator[str]:
    """Yield `text` in as many pieces as it takes steps of the loop; mostly it is one."""
    if len(text) <= STEP_CHARS:
        if text:
            yield text
        return
    for begin in range(0, len(text), STEP_CHARS):
        yield text[begin : begin + STEP_CHARS]


class _Speaker:
    """Cuts what the model writes into pieces, and hands each to the synthesizer as what is to be heard of it.

    Args:
        request: Whose guard tells it of a silence.
        pieces: Where they go.
    """

    def __init__(self, request: Request, pieces: trio.MemorySendChannel[Aligned]) -> None:
        self._pieces = pieces
        self._segmenter = Segmenter()
        self._speech = SpeechText()
        self._ready: deque[Aligned] = deque()
        self._in_order = trio.StrictFIFOLock()
        self._pause = request.alarms.alarm(self._end_at_pause)

    def feed(self, text: str) -> bool:
        """Take text; return whether there is something to `speak`."""
        self._add(self._segmenter.feed(text))
        if self._segmenter.ends_at_pause:
            self._pause.set(trio.current_time() + PAUSE_S)
        else:
            self._pause.clear()
        return bool(self._ready)

    async def speak(self) -> None:
        """Hand on what is ready; waits where the synthesizer is far behind."""
        async with self._in_order:  # a stage may write in several tasks
            while self._ready:
                await self._pieces.send(self._ready[0])
                self._ready.popleft()

    async def flush(self) -> None:
        """Hand on all there is: the model has ended, or pauses for a call."""
        self._pause.clear()
        self._add(self._segmenter.flush())
        await self.speak()

    def _add(self, pieces: Iterable[str]) -> None:
        self._ready.extend(self._speech.feed(piece) for piece in pieces)

    def _end_at_pause(self) -> None:
        """Hand on the sentence whose mark has come; where others wait for the synthesizer, behind them."""
        if self._ready:
            return  # `speak` waits for room: there is enough to say
        self._add(self._segmenter.pause())
        with suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            while self._ready:
                self._pieces.send_nowait(self._ready[0])
                self._ready.popleft()


class _Pieces(trio.abc.ReceiveChannel[str]):
    """The synthesizer's reading end: its clock runs only while it has a piece to speak and room for what it says.

    A synthesizer may read in one task and write in another, so that it waits for text, or for room, in one of them
    while the other goes on; it owes nothing then.

    Attributes:
        waiting: Whether it waits for the next piece.
        read: Whether it has had one.
    """

    def __init__(
        self,
        request: Request,
        pieces: trio.MemoryReceiveChannel[Aligned],
        script: Script,
        deadline: StageDeadline,
        pacer: Pacer,
        first_audio_s: float,
    ) -> None:
        self.waiting = self.read = False
        self._request = request
        self._pieces = pieces
        self._script = script
        self._deadline = deadline
        self._pacer = pacer
        self._first_audio_s = first_audio_s

    async def receive(self) -> str:
        self.waiting = True
        self._deadline.expect_nothing()
        try:
            while True:
                piece = await self._pieces.receive()
                self._script.give(piece)
                if spoken := piece.spoken:  # what nobody would hear is not given to the synthesizer
                    self.read = True
                    self._request.spoken_chars += len(spoken)
                    return spoken
        finally:
            self.waiting = False
            if not self._pacer.full:
                self._deadline.expect("audio", self._first_audio_s)

    async def aclose(self) -> None:
        await self._pieces.aclose()
