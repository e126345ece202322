"""A microphone that is always open: who speaks, whether it interrupts, when it is over, and what is asked then.

All of it happens in the step in which a piece of sound is taken; what takes time (recognition, the end-of-turn model)
is the work of the request that listens.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.ears.endpointing import silence_ms
from voxint.core.ears.heard_utterance import HeardUtterance
from voxint.core.ears.own_sound import OwnSound
from voxint.core.ears.pace import MicrophonePace
from voxint.core.ears.portions import Portions
from voxint.core.ears.recovery import say
from voxint.core.ears.sound import MicrophoneSound, SoundWindow
from voxint.core.ears.spoken_turn import WENT_ON, SpokenTurn
from voxint.core.ears.turn_taking import TurnTaking
from voxint.core.ears.weakly import weakly
from voxint.core.encodable import encodable
from voxint.core.events import Committed, Ended, Endpoint, Onset, ReleaseReason, Said, UtteranceOutcome
from voxint.core.failure import refused
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.request import Request
from voxint.core.session import Session
from voxint.core.transcript import join_transcripts
from voxint.core.voice_activity import Activity, SpeechEnded, SpeechPaused, SpeechResumed, SpeechStarted, VoiceEvent
from voxint.errors import RequestRefused, UpstreamError
from voxint.logs import get_logger, places

__all__ = ["SPOKEN", "Ears", "tell_deaf"]

SPOKEN = "USER_VOICE_INPUT"
"""The reason of a request that a voice has interrupted, as existing clients call it."""

JUDGED_MS = 8_000.0
"""Milliseconds of an utterance that an end-of-turn model is given: what Smart Turn hears."""

GAP_S = 1.0
"""Seconds without a sample after which speech is over: the microphone was closed, or its network is. Ours."""

PROTECTED_S = 0.1
"""Seconds after which is looked again whether an answer may be interrupted; ours: nobody hears so short a wait."""

log = get_logger()


def tell_deaf(session_id: str, error: UpstreamError) -> None:
    """Log that a voice detector has failed, for whom it heard."""
    detail = encodable(error.operator_detail)
    log.warning("the voice detector failed", session_id=session_id, detail=detail, trace=places(error))


class Ears:
    """Hears one microphone of a session for as long as it is open.

    Args:
        session: Whose it is; its agent has a voice detector and a recogniser.
        player: Who plays the answers, and whose microphone it is.
        may_ask: Called before an utterance is asked; raises `RequestRefused` where the host takes no request now.

    Raises:
        RequestRefused: `no_ears`: the agent has no voice detector, or no recogniser.
        UpstreamError: The voice detector opens no stream.
    """

    def __init__(self, session: Session, player: Listener, *, may_ask: Callable[[], None] = lambda: None) -> None:
        agent = session.agent
        if agent.vad is None or agent.stt is None:
            lacks = "voice detector" if agent.vad is None else "speech recognition"
            raise RequestRefused("no_ears", f"this agent has no {lacks}, so its microphone can't be always open")
        self._session = session
        self._player = player
        self._may_ask = may_ask
        self._rules = rules = agent.ears
        self._format: AudioFormat = agent.vad.audio_format
        longest_ms = rules.cuts.before_ms + rules.endpointing.most_ms + JUDGED_MS
        self._sound = MicrophoneSound(agent.vad, session.settings.input, kept_ms=longest_ms)
        self._own = OwnSound(self._sound, rules.echo, rules.barge_in, self._format)
        self._turns = TurnTaking(session, rules.barge_in, weakly(self._commit))
        samples, most_ms = agent.vad.window_samples, rules.endpointing.most_ms
        self._activity = Activity(rules.cuts, self._format, samples, most_ms)
        self._window_ms = self._format.ms(samples)
        self._pace = MicrophonePace(session.settings.input)
        self._portions = Portions(session.home, session.settings.input, weakly(self._take_in))
        self._now = 0  # the sample after the window that is heard: a piece may bring many
        self._closed = False
        self._run_start = 0  # the first sample of the speech in a row up to now
        self._tells_early = False  # whether the recogniser has words while somebody speaks
        self._speaking: HeardUtterance | None = None
        self._ending: list[HeardUtterance] = []  # over, and its last words, or those of one before, are still to come
        self._settling: HeardUtterance | None = None  # all its words are known, and it is being decided about
        self._waiting: HeardUtterance | None = None  # said over what may not be interrupted
        session.ears = self
        session.when_released = self._released

    # What the microphone brings.

    def feed(self, audio: bytes) -> None:
        """Take sound of any length, s16le mono at the session's input rate; never waits.

        A long piece is heard bit by bit, in this step and the next ones.

        Raises:
            RequestRefused: `too_large`: more at once, or more in all, than a microphone hears.
            UpstreamError: The voice detector has failed, and is asked again after 5 s of sound; nothing is heard
                meanwhile. The piece was taken.
        """
        self._pace.take(len(audio))
        self._portions.take(audio)

    def _take_in(self, audio: bytes) -> None:
        self._sound.left_ms = self._portions.left_ms
        for window in self._sound.feed(audio):
            if self._closed:  # by what it brought: whoever was to hear of it is gone
                return
            self._hear(window)
        if self._speaking is not None:
            self._speaking.turn.look_again(GAP_S)

    def superseded(self) -> None:
        """Give up what came before another request and was not heard yet, or it would interrupt what is newer."""
        self._portions.hush()

    def close(self, reason: str) -> None:
        """Give the microphone up; an utterance that is not over is interrupted. Safe to call twice."""
        self._closed = True
        self._portions.close()
        if self._session.ears is self:
            self._session.ears = self._session.when_released = None
        speaking, self._speaking = self._speaking, None
        if speaking is not None:
            speaking.turn.request.interrupt(InterruptOrder(reason))
        self._turns.abandon()
        try:
            self._sound.close()
        except UpstreamError as error:
            tell_deaf(self._session.id, error)

    def _released(self, request: Request, reason: ReleaseReason) -> None:
        """Take note that an answer goes on by somebody else's will."""
        if reason in ("client", "timeout"):
            self._turns.let_go()

    def _hear(self, window: SoundWindow) -> None:
        self._now = window.end
        self._turns.look()
        self._own.sounds(self._turns.speaking)
        probability = self._own.probability(window, self._rules.cuts.off)
        self._activity, events = self._activity.heard(probability)
        is_speech = self._activity.voiced == self._activity.position
        if not is_speech:
            self._run_start = window.end
        for event in events:
            self._on(event)
        if (utterance := self._speaking) is not None:
            utterance.turn.hear(self._since(utterance.given))
            utterance.given = self._now
            if is_speech:
                utterance.loudness.append(window.level_db)
        unknown = not self._activity.speaking and (is_speech or self._turns.listens)  # else this speech was given up
        if self._speaking is not None or unknown:
            self._turns.heard(self._window_ms, is_speech=is_speech)
        if self._activity.speaking:
            self._look_for_end(self._speaking)

    def _on(self, event: VoiceEvent) -> None:
        utterance = self._speaking
        match event:
            case SpeechStarted(at):
                if utterance is None:
                    self._begin(at)
            case SpeechEnded():
                if utterance is not None:
                    self._end(utterance)
            case SpeechPaused():
                if utterance is not None:
                    utterance.turn.judge(self._latest(utterance))
                    self._ask_early(utterance)
            case SpeechResumed():
                if utterance is not None:
                    utterance.complete = None
                    utterance.turn.went_on()
                    utterance.turn.drop_early(WENT_ON)

    # The beginning of an utterance.

    def _begin(self, at: int) -> None:
        utterance = HeardUtterance(f"req_{uuid.uuid4().hex}", at, self._run_start)
        try:
            utterance.turn = SpokenTurn(
                self._session,
                utterance.id,
                self._player,
                self._format,
                heard=functools.partial(self._heard, utterance),
                judged=functools.partial(self._judged, utterance),
                understood=functools.partial(self._understood, utterance),
                stopping=functools.partial(self._stopping, utterance),
                lost=self._lost,
                due=functools.partial(self._look, utterance),
            )
        except RequestRefused as refusal:
            self._player.post(Said(utterance.id, Ended(False, None, refused(refusal)), False))
            self._turns.abandon()
            return
        if not utterance.turn.request.works:  # its recogniser says of itself what can't be
            self._turns.abandon()
            return
        utterance.given = at
        self._speaking = utterance
        self._turns.new_utterance()
        utterance.turn.say(Onset(self._ms(utterance.onset)))

    # Its words, and its end.

    def _heard(self, utterance: HeardUtterance, text: str) -> None:
        utterance.text = text
        if utterance is self._speaking:
            self._tells_early = True
            self._turns.look()
            self._turns.understood(text)
            if self._activity.paused:
                self._ask_early(utterance)

    def _judged(self, utterance: HeardUtterance, complete: float) -> None:
        utterance.complete = complete

    def _ask_early(self, utterance: HeardUtterance) -> None:
        """Ask before the end is certain, where that is wanted and nothing is in the way."""
        free = not self._turns.speaking and not self._waiting and not self._ending
        if self._rules.speculate and utterance.text and free:
            utterance.turn.ask_early(utterance.text)

    def _look_for_end(self, utterance: HeardUtterance | None) -> None:
        """End speech that is over; that of no utterance too, or whoever speaks next would not be heard."""
        rules, quiet_ms = self._rules.endpointing, self._activity.quiet_ms
        if utterance is not None and (utterance.text or self._tells_early):
            enough_ms = silence_ms(utterance.text, rules, utterance.complete)
        else:
            enough_ms = rules.open_ms  # a recogniser that tells nothing before the end can't tell a half sentence
        too_long = self._ms(self._now - (self._activity.start or 0)) >= rules.utterance_s * 1000
        if too_long or quiet_ms >= enough_ms:
            self._cut_off()

    def _cut_off(self) -> None:
        self._activity, events = self._activity.ended()
        for event in events:
            self._on(event)

    def _look(self, utterance: HeardUtterance) -> None:
        """End an utterance whose microphone brings nothing any more; ask one that has waited for long enough."""
        if utterance is self._speaking:
            self._cut_off()
        elif utterance is self._waiting:
            self._ask_waiting(utterance)

    def _end(self, utterance: HeardUtterance) -> None:
        self._is_over(utterance, self._activity.voiced)
        utterance.turn.end()

    def _is_over(self, utterance: HeardUtterance, end: int) -> None:
        self._speaking = None
        self._ending.append(utterance)
        utterance.end, utterance.decided = end, self._now
        if (speech_ms := self._turns.speech_ms) > 0:  # all of it, where a faint voice comes in pieces
            utterance.speech_ms = max(speech_ms, self._ms(end - utterance.onset))
        self._turns.new_utterance()

    def _stopping(self, utterance: HeardUtterance) -> None:
        """Hear no more of an utterance whose request is interrupted, or fails."""
        if utterance is self._speaking:
            self._speaking = None
        if utterance in self._ending:
            self._ending.remove(utterance)
        if utterance is self._waiting:
            self._waiting = None

    def _lost(self) -> None:
        """Let go on what such an utterance had held, and what waits for it, once its request has stopped."""
        self._turns.look()
        if not self._speaking:
            self._turns.abandon()
        self._settle_known()

    # What becomes of it.

    def _understood(self, utterance: HeardUtterance, text: str) -> None:
        if utterance is self._speaking:  # the recogniser has ended before the person
            self._is_over(utterance, self._now)
        utterance.text, utterance.known = text, True
        self._settle_known()

    def _settle_known(self) -> None:
        """Decide about what is over, in the order in which it was said: a quick recogniser waits for a slow one."""
        while self._ending and self._ending[0].known:
            self._settle(self._ending.pop(0))

    def _settle(self, utterance: HeardUtterance) -> None:
        outcome: UtteranceOutcome = "request"
        if utterance.cut is None:
            self._settling = utterance
            goes_on = self._speaking is not None
            outcome = self._turns.settle(utterance.text, utterance.speech_ms, goes_on=goes_on)
            self._settling = None
        waiting = self._waiting
        if waiting is not None and (utterance.cut is not None or outcome in ("request", "protected")):
            self._waiting = None
            waiting.turn.close()
            utterance.text = join_transcripts([each for each in (waiting.text, utterance.text) if each])
        if outcome == "request" and not utterance.text:
            outcome = "noise"  # it was long enough to interrupt, and there were no words
        self._tell_end(utterance, outcome)
        if not utterance.turn.request.works:
            return  # to tell of it has dropped a listener that does not read, the last one, and with it all there is
        if outcome == "request":
            self._ask(utterance)
        elif outcome == "protected":
            self._waiting = utterance
            utterance.turn.look_again(PROTECTED_S)
        else:
            utterance.turn.close()
            if utterance.cut and self._rules.recovery:
                self._recover(utterance)

    def _tell_end(self, utterance: HeardUtterance, outcome: UtteranceOutcome) -> None:
        recovered = utterance.cut[0] if outcome == "noise" and utterance.cut else None
        utterance.turn.say(
            Endpoint(
                self._ms(utterance.end),
                self._ms(utterance.decided),
                utterance.text,
                outcome,
                recovered,
                tuple(utterance.turn.speculative),
            )
        )

    def _ask_waiting(self, waiting: HeardUtterance) -> None:
        """Ask what was said over an answer that could not be interrupted then, and can now."""
        self._turns.look()
        if self._speaking is not None or (self._turns.speaking and self._turns.protected):
            waiting.turn.look_again(PROTECTED_S)
        else:
            self._waiting = None
            self._settling = waiting
            self._turns.take()
            self._settling = None
            if waiting.turn.request.works:  # as in `_settle`
                self._ask(waiting)

    def _ask(self, utterance: HeardUtterance) -> None:
        if utterance.loudness:
            loud = sorted(utterance.loudness)
            self._own.spoke(loud[len(loud) * 9 // 10])
        try:
            self._may_ask()
            utterance.turn.ask(utterance.text)
        except RequestRefused as refusal:
            utterance.turn.refuse(refusal)

    def _recover(self, utterance: HeardUtterance) -> None:
        self._turns.look()
        if self._turns.speaking:
            return  # whoever has asked since is answered
        try:
            say(self._session, f"req_{uuid.uuid4().hex}", utterance.turn.request.answer.player, self._rules.recovery)
        except RequestRefused:
            return  # the voice is busy with others: it was told that nothing was understood

    def _commit(self, interrupted: tuple[Request, ...]) -> bool:
        """Interrupt what is spoken, for the utterance that is meant; without one, nothing is."""
        utterance = self._settling or self._speaking
        if utterance is None:
            return False
        order = InterruptOrder(SPOKEN)
        ids = tuple(request.id for request in interrupted)
        for request_id in ids:
            self._session.interrupt(request_id, order)
        utterance.cut = (*(utterance.cut or ()), *ids)
        utterance.turn.say(Committed(self._ms(self._now), ids))
        return True

    def _latest(self, utterance: HeardUtterance) -> bytes:
        """Return the latest part of an utterance, for an end-of-turn model."""
        return self._since(max(utterance.start, self._now - self._format.samples(JUDGED_MS)))

    def _since(self, sample: int) -> bytes:
        """Return what was heard from `sample` on; what the same piece brought behind it is still to come."""
        pcm, ahead = self._sound.since(sample), self._sound.position - self._now
        return pcm[: max(0, len(pcm) - ahead * BYTES_PER_SAMPLE)]

    def _ms(self, sample: int) -> float:
        return round(self._format.ms(sample), 1)
