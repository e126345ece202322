"""The two requests of a spoken turn: one that listens while a person speaks, and one that answers, under one id.

The first begins with the person's voice and interrupts nothing; the second takes its place when it is decided that the
words are meant, and may be asked before that, withheld, where a pause looks like the end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from numbers import Real

import trio
from attrs import define, evolve

from voxint.arguments import type_in_words
from voxint.core.audio import AudioFormat
from voxint.core.dialogue import Dialogue
from voxint.core.ears.turn_detector import TurnDetector
from voxint.core.events import Committed, Endpoint, Onset
from voxint.core.failure import refused
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.receipt import Receipt
from voxint.core.request import Request
from voxint.core.resample import resampler
from voxint.core.session import NEW_INPUT, Session
from voxint.core.settings import Settings
from voxint.core.stages import Turn
from voxint.core.utterance import open_upload
from voxint.errors import RequestRefused
from voxint.logs import get_logger, places

__all__ = ["WENT_ON", "SpokenTurn"]

WENT_ON = "SPEECH_WENT_ON"
"""The reason of a request that was asked at a pause, and cancelled because the person went on."""

log = get_logger()


@define(eq=False)
class _Early:
    """What was asked before its time.

    Args:
        request: The request.
        text: The words.
        settings: Those of the session then.
        dialogue: What was said before, as the model was told; None: it was not asked yet.
    """

    request: Request
    text: str
    settings: Settings
    dialogue: Dialogue | None = None


class SpokenTurn:
    """What a person says, from the onset of the speech to the request that answers it.

    Args:
        session: Whose microphone it is.
        request_id: The id of both requests.
        player: Who plays the answer.
        audio_format: Of what `hear` is given.
        heard: Told of the words so far, in the step in which they are known.
        judged: Told what the end-of-turn model thinks, 0 to 1.
        understood: Told of all the words, once the recogniser has ended; `close` or `ask` has to follow some time.
        stopping: Told in the step in which the listening is interrupted, or fails. It must begin no request: others
            may be interrupted in the same step.
        lost: Told when it has stopped by that.
        due: Told at the time that `look_again` said.

    Raises:
        RequestRefused: `no_ears`, or `busy`: there is no recogniser, or no seat left.

    Attributes:
        request: The one that listens.
        speculative: The accounts of requests that were asked at a pause in vain.
    """

    def __init__(
        self,
        session: Session,
        request_id: str,
        player: Listener,
        audio_format: AudioFormat,
        *,
        heard: Callable[[str], None],
        judged: Callable[[float], None],
        understood: Callable[[str], None],
        stopping: Callable[[], None],
        lost: Callable[[], None],
        due: Callable[[], None],
    ) -> None:
        agent = session.agent
        if agent.stt is None:
            raise RequestRefused("no_ears", "this agent has no speech recognition: give it an stt provider")
        self._session = session
        self._turns = agent.turns
        self._format = audio_format
        self._heard, self._judged, self._understood = heard, judged, understood
        self._over = trio.Event()
        self._to_judge, self._sound = trio.open_memory_channel[tuple[int, bytes]](1)
        self._pause = 0
        self._early: _Early | None = None
        self._early_all: list[Request] = []
        self.speculative: list[Receipt] = []
        self.request, self._pipeline = session.intake.make(request_id, player, listens=True)
        self._stt = self._pipeline.stages.ears
        claim = session.intake.claim(self._pipeline.stages, hears=True)
        self._deadline = self.request.deadline_of("stt")
        self._upload = open_upload(
            self.request, self._stt.audio_format, self._deadline, audio_format, limits=agent.limits, whole=None
        )
        self._alarm = self.request.alarms.alarm(due)
        self.request.when_stopping(lambda: None if self._over.is_set() else stopping())
        self.request.when_stopping(self._upload.stop)
        self.request.when_stopping(functools.partial(self.drop_early, WENT_ON))
        self.request.when_stopped(lambda: None if self._over.is_set() else lost())
        self.request.when_stopped(self._let_go)
        session.intake.begin(self.request, self._listen, claim)

    # The one that listens.

    def hear(self, pcm: bytes) -> None:
        """Give more of the person's voice to the recogniser; never waits."""
        self._upload.push(pcm)

    def look_again(self, seconds: float) -> None:
        """Have `due` told in so many seconds, and not before."""
        self._alarm.set(trio.current_time() + seconds)

    def end(self) -> None:
        """Note that the person has ended; `understood` follows."""
        self._alarm.clear()
        self._upload.end()

    def say(self, event: Onset | Committed | Endpoint) -> None:
        """Tell all who listen of the turn."""
        self.request.answer.say(event)
        if isinstance(event, Endpoint):
            self._session.utterance_over(self.request, event)

    def judge(self, pcm: bytes) -> None:
        """Ask the end-of-turn model about the voice up to this pause, where there is one, and about none before it."""
        if self._turns is not None:
            if self._turns.audio_format != self._format:
                conversion = resampler(self._format, self._turns.audio_format)
                pcm = conversion.feed(pcm) + conversion.flush()
            self.went_on()
            with suppress(trio.WouldBlock):
                self._sound.receive_nowait()
            self._to_judge.send_nowait((self._pause, pcm))

    def went_on(self) -> None:
        """Note that the pause is over: what the end-of-turn model says of it counts no more."""
        self._pause += 1

    async def _listen(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                if self._turns is not None:
                    nursery.start_soon(self._judge, self._turns)
                text = await self._pipeline.transcribe(self._stt, self._upload, self._deadline, self._heard)
                self._understood(text)
                await self._over.wait()  # bounded by the request's own deadline
                nursery.cancel_scope.cancel(reason="the utterance is over")
        finally:
            # Interrupted, this has stopped when what was asked too early has. At the utterance's end, which was told,
            # an answer waits for that; without one nobody does, and an interrupt meets what has finished.
            with trio.CancelScope(shield=True):  # each is bounded by its guard
                for request in () if self._over.is_set() else self._early_all:
                    if request.state == "stopping":
                        await request.stopped.wait()

    async def _judge(self, detector: TurnDetector) -> None:
        async for pause, pcm in self._sound:
            try:
                probability: object = await detector.complete(pcm)
                if not isinstance(probability, Real):
                    raise TypeError(f"TurnDetector.complete returned {type_in_words(probability)}, not a probability")
            except Exception as error:  # noqa: BLE001 - a host's code; without it the words decide
                log.warning("the end-of-turn model failed", session_id=self._session.id, trace=places(error))
            else:
                if pause == self._pause:
                    self._judged(float(probability))

    # The one that answers.

    def ask_early(self, text: str) -> None:
        """Ask before it is known that the person has ended; nothing of the answer is given out until `ask`.

        Where the same was asked already, it goes on; where something else was, that is cancelled.
        """
        if not self.request.works or (self._early is not None and _same(self._early.text, text)):
            return
        self.drop_early(WENT_ON)
        try:
            request = self._begin_answer(text, withheld=True)
        except RequestRefused:
            return  # what the request itself meets at the endpoint is told then
        self._early_all.append(request)

    def drop_early(self, reason: str) -> None:
        """Cancel what was asked too early, if anything was; its account is kept."""
        early, self._early = self._early, None
        if early is not None:
            request = early.request
            request.when_stopped(functools.partial(self._note, request))
            request.interrupt(InterruptOrder(reason))

    def _note(self, request: Request) -> None:
        if request.receipt is not None:
            self.speculative.append(request.receipt)

    def ask(self, text: str) -> Request:
        """Ask for an answer to `text`, in the place of the request that listens, which has ended by that.

        Raises:
            RequestRefused: `busy`: a stage has no seat left.
        """
        early, session = self._early, self._session
        if early is not None and early.request.works and self._still_right(early, text):
            self._early = None
            session.registry.admit(early.request)
            session.understood(early.request, text)
            self.close()
            player = self.request.answer.player
            if early.request.answer.player is not player:  # the one there was has gone meanwhile
                early.request.answer.play_to(player)
            early.request.give_out()
            return early.request
        self.drop_early(WENT_ON)
        request = self._begin_answer(text, withheld=False)
        self.close()
        return request

    def _still_right(self, early: _Early, text: str) -> bool:
        """Return whether what was asked too early is what would be asked now."""
        session = self._session
        same = _same(early.text, text) and early.settings == session.settings and not session.registry.speaking()
        return same and (early.dialogue is None or early.dialogue is session.dialogue)

    def refuse(self, refusal: RequestRefused) -> None:
        """End the turn as failed: whoever speaks has not asked, so there is nobody to raise a refusal to."""
        self._over.set()
        self.request.fail(refused(refusal))

    def close(self) -> None:
        """End the listening: all of it has been said."""
        self.drop_early(WENT_ON)
        self._over.set()

    def _let_go(self) -> None:
        """Forget who is told of it: nothing comes any more, and who is told refers to this."""
        self._heard = self._judged = self._understood = _nothing

    def _begin_answer(self, text: str, *, withheld: bool) -> Request:
        session, listening = self._session, self.request
        player = listening.answer.player  # another one, where whose microphone it was has gone since
        request, pipeline = session.intake.make(listening.id, player, instead_of=listening)
        claim = session.intake.claim(pipeline.stages)
        request.timeline.go_on_from(listening.timeline)
        request.book.ended("stt", by_itself=True)
        if withheld:
            request.withhold()
            behind: Sequence[Request] = session.registry.answering
            self._early = early = _Early(request, text, session.settings)
            pipeline = evolve(pipeline, turn=functools.partial(self._turn_of, early))
        else:
            behind = session.intake.supersede(InterruptOrder(NEW_INPUT), but_ears=True)
            behind = [*behind, *(each for each in self._early_all if each.state == "stopping")]
            session.understood(request, text)
        return session.intake.begin(request, pipeline.answer_text, claim, behind=behind, admitted=not withheld)

    def _turn_of(self, early: _Early) -> Turn:
        session, request = self._session, early.request
        early.dialogue = session.dialogue
        if request.speculative:
            return session.turn(session.dialogue.ask(request.key, early.text))
        return session.turn(session.dialogue)  # given out before the model was asked: the words stand in it


def _nothing(told: object) -> None:
    """Do nothing."""


def _same(one: str, other: str) -> bool:
    """Return whether two transcripts have the same words, however they are written."""
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
