"""Who may speak: the answers that may be interrupted, held and released by what is said over them."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import evolve

from voxint.core.ears.barge_in import BargeIn, Overlap, Verdict, judge
from voxint.core.ears.echo_words import is_echo
from voxint.core.events import ReleaseReason, UtteranceOutcome
from voxint.core.request import Request
from voxint.core.session import Session

__all__ = ["TurnTaking"]


class TurnTaking:
    """Decides about the answers of a session while somebody speaks.

    Args:
        session: Whose answers.
        rules: What may interrupt.
        commit: Called where what is said interrupts: with the requests that it does, in the step of the decision.
            Returns whether there is an utterance that it is for; else nothing was interrupted.
    """

    def __init__(self, session: Session, rules: BargeIn, commit: Callable[[tuple[Request, ...]], bool]) -> None:
        self._session = session
        self._rules = rules
        self._commit = commit
        self._overlap = Overlap()
        self._over_it = False  # whether something spoke at the last speech that was heard
        self._holds: tuple[Request, ...] = ()  # by us: what a client holds is the client's to release
        self.speaking: tuple[Request, ...] = ()

    @property
    def listens(self) -> bool:
        """Whether a quiet window may change anything where there is no utterance: most are in quiet."""
        return self._overlap.held or self._overlap.lasts

    def look(self) -> None:
        """Look which answers there are to interrupt."""
        self.speaking = self._session.registry.speaking()
        if self._holds and not any(each.held for each in self._holds):
            self._holds = ()
            self._overlap = evolve(self._overlap, held=False)

    @property
    def protected(self) -> bool:
        """Whether what speaks may not be interrupted now."""
        now, least_ms = trio.current_time(), self._rules.min_answer_ms
        return any(
            each.ledger.protected(now) or (least_ms and each.ledger.heard_ms(now) < least_ms) for each in self.speaking
        )

    def heard(self, ms: float, *, is_speech: bool) -> None:
        """Take so many milliseconds more, and decide."""
        if is_speech:
            self._over_it = bool(self.speaking)
        if not self.speaking:  # whoever speaks already when an answer begins is known to
            self._overlap = evolve(self._overlap, held=False, let_go=False).heard(ms, is_speech=is_speech)
            return
        self._overlap = self._overlap.heard(ms, is_speech=is_speech)
        self._decide()

    def understood(self, text: str) -> None:
        """Take the words of the utterance so far, and decide."""
        self._overlap = evolve(self._overlap, text=text)
        if self.speaking:
            self._decide()

    def new_utterance(self) -> None:
        """Forget the one before."""
        self._overlap = evolve(self._overlap, text="", speech_ms=self._overlap.run_ms)

    @property
    def speech_ms(self) -> float:
        """Milliseconds of speech over what speaks, as `Overlap` has them; none where nothing does."""
        return self._overlap.speech_ms if self._over_it else 0.0

    def settle(self, text: str, speech_ms: float, *, goes_on: bool) -> UtteranceOutcome:
        """Decide about an utterance that is over; what is held goes on, or is interrupted.

        Args:
            text: All its words.
            speech_ms: `speech_ms` at its end: somebody may speak again by now.
            goes_on: Whether the next utterance is being heard: then what is held is held for that one.
        """
        self.look()
        if not self.speaking:
            return "request" if text else "noise"
        verdict = self._judge(evolve(self._overlap, text=text, speech_ms=speech_ms, over=True))
        if self.protected:
            self._release("protected")
            return "protected" if verdict == "commit" else _outcome(verdict)
        if verdict == "commit":
            self._commit_now()
            return "request"
        if verdict != "wait" and verdict != "hold" and not goes_on:
            self._release(verdict)
        return _outcome(verdict)

    def take(self) -> None:
        """Interrupt what is spoken, if anything is: somebody has waited for that."""
        if self.speaking:
            self._commit_now()

    def let_go(self) -> None:
        """Note that a client, or the limit of a hold, has released: this stretch of speech holds nothing any more."""
        if self._overlap.held or self._overlap.lasts:
            held = any(each.held for each in self._holds)
            self._overlap = evolve(self._overlap.released(let_go=True), held=held)

    def abandon(self) -> None:
        """Let what is held go on: nobody will hear how the utterance ends."""
        self._release("silence")

    def _decide(self) -> None:
        verdict = self._judge(self._overlap)
        if (verdict in ("hold", "commit") or self._overlap.held) and self.protected:
            self._release("protected")
        elif verdict == "hold":
            self._holds = tuple(each for each in self.speaking if not each.held and each.hold())
            self._overlap = evolve(self._overlap, held=bool(self._holds))
        elif verdict == "commit":
            self._commit_now()
        elif verdict != "wait":
            self._release(verdict)

    def _judge(self, overlap: Overlap) -> Verdict:
        if not overlap.text:
            return judge(self._rules, overlap)
        now = trio.current_time()
        said = [each.ledger.heard_text(now) for each in self.speaking]
        left_ms = [each.ledger.left_ms(now) for each in self.speaking]
        return judge(
            self._rules,
            overlap,
            said=said[-1],
            tail=all(each is not None and each <= self._rules.tail_ms for each in left_ms),
            echoed=any(is_echo(overlap.text, each) for each in said),
        )

    def _commit_now(self) -> None:
        if self._commit(self.speaking):
            self.speaking, self._holds, self._overlap = (), (), Overlap(text=self._overlap.text)

    def _release(self, reason: ReleaseReason) -> None:
        if self._overlap.held:
            holds, self._holds = self._holds, ()
            self._overlap = self._overlap.released()
            for each in holds:
                each.release(reason)


def _outcome(verdict: Verdict) -> UtteranceOutcome:
    return verdict if verdict == "backchannel" or verdict == "echo" else "noise"
