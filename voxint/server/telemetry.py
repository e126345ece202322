"""What the operator sees of a request: its numbers, and one line in the log.

No transcript, no audio and no key is ever at hand here: a line is made of ids, codes, counts and durations. There is no
line per frame, and none for an interrupt that finds nothing, which existing clients send before every request.

Counting and logging an ended request takes 0.3 ms, as long as an acknowledgement takes altogether. So it is done a
moment later, when the acknowledgement is on its way.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import trio

from voxint.core.events import Endpoint, ReleaseReason
from voxint.core.failure import Failure, Stage
from voxint.core.failure_line import tell_failure
from voxint.core.observer import NoObserver, Observer
from voxint.core.receipt import AudioAccount
from voxint.core.request import Request
from voxint.core.timeline import Instant
from voxint.core.tokens import estimate_tokens
from voxint.lag import LoopLag
from voxint.logs import get_logger, places
from voxint.protocol.codes import FAILURE_CODES
from voxint.server.meter import Meter, Use
from voxint.server.metrics import REASONS, Metrics
from voxint.server.turned_away import TurnedAway

__all__ = ["Telemetry"]

AFTER_S = 0.01
"""How much later an ended request is counted and logged: some scheduler passes, and less than anybody looks at."""

log = get_logger()


class Telemetry:
    """An observer that counts and logs, and passes on what it hears.

    While `run` runs, an ended request is counted and logged there; without it, at once.

    Args:
        then: Hears the same.
        lag: What measures the event loop; without, nothing does.

    Attributes:
        metrics: What was counted.
        meter: Charges callers for their requests; None: nobody does.
    """

    def __init__(self, then: Observer | None = None, lag: LoopLag | None = None) -> None:
        self.metrics = Metrics(lag)
        self.meter: Meter | None = None
        self._then: Observer = NoObserver() if then is None else then
        self._running = False
        self._ended: deque[tuple[Request, Failure | None]] = deque()
        self._news = trio.lowlevel.ParkingLot()

    async def run(self, until: trio.CancelScope) -> None:
        """Count and log what has ended, a moment later; what is left at the end of `until`, then.

        It waits as long as the server lives.
        """
        self._running = True
        try:
            with until:
                while True:
                    if not self._ended:
                        await self._news.park()
                    await trio.sleep(AFTER_S)
                    self._catch_up()
        finally:
            self._running = False
            self._catch_up()

    def turned_away(self, why: TurnedAway) -> None:
        """Count a connection that is turned away."""
        self.metrics.turned_away.labels(why).inc()

    def accepted(self, request: Request) -> None:
        """Count it as live."""
        self.metrics.live.inc()
        if self.meter is not None:
            self.meter.began(request.session_id, trio.current_time())
        log.debug("request accepted", **_ids(request))
        self._then.accepted(request)

    def finished(self, request: Request) -> None:
        """Have its outcome counted and logged; an overrun is told now, while it is known which stages hang."""
        self.metrics.live.dec()
        if self.meter is not None:
            self.meter.ended(request.session_id, trio.current_time())
        self._ended.append((request, request.failure))  # which loses its exception when all have been told
        if self._running:
            self._news.unpark()
        else:
            self._catch_up()
        if request.overran:
            hanging = [stage for stage, state in request.book.states().items() if state == "overrun"]
            self.metrics.overrunning.inc()
            for stage in hanging:
                self.metrics.overruns.labels(stage).inc()
            log.warning("stage overran the interrupt deadline", **_ids(request), stages=hanging)
        self._then.finished(request)

    def reaped(self, request: Request) -> None:
        """Log that an overrun request is gone at last."""
        self.metrics.overrunning.dec()
        stopping = request.timeline.at("stopping")
        after_ms = None if stopping is None else _ms(trio.current_time() - stopping)
        log.info("overrun request let go", **_ids(request), after_ms=after_ms)
        self._then.reaped(request)

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Count what nobody waits for, so that a stage that always fails on its way out is seen."""
        self.metrics.cleanup_failures.labels(stage or "none").inc()
        self._then.cleanup_failed(request, stage, error)

    def utterance_over(self, request: Request, endpoint: Endpoint) -> None:
        """Count and log what became of it."""
        self.metrics.utterances.labels(endpoint.outcome).inc()
        log.info(
            "utterance heard",
            **_ids(request),
            outcome=endpoint.outcome,
            silence_ms=round(endpoint.decided_ms - endpoint.at_ms, 1),
            recovered=endpoint.recovered is not None,
            speculative=len(endpoint.speculative),
        )
        self._then.utterance_over(request, endpoint)

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """Count it."""
        self.metrics.releases.labels(reason).inc()
        self._then.released(request, reason)

    def refused(self, quota: str) -> None:
        """Count that a quota, or a limit, has refused something."""
        self.metrics.refusals.labels(quota).inc()

    def exposition(self, connections: int, strangers: int = 0, sessions: int = 0) -> bytes:
        """Return the metrics in Prometheus' text format, all that has ended included.

        Args:
            connections: How many WebSockets are open now.
            strangers: How many connections have not registered.
            sessions: How many there are now.
        """
        self._catch_up()
        self.metrics.connections.set(connections)
        self.metrics.strangers.set(strangers)
        self.metrics.sessions.set(sessions)
        return self.metrics.exposition()

    def _catch_up(self) -> None:
        while self._ended:
            request, failure = self._ended.popleft()
            try:
                self._account(request, failure)
            except Exception as error:  # noqa: BLE001 - a number that is missing must not end the server
                log.error("ended request not counted", **_ids(request), trace=places(error))

    def _account(self, request: Request, failure: Failure | None) -> None:
        tokens, source = _tokens(request)
        audio = request.ledger.audio_account(trio.current_time())
        if self.meter is not None:
            calls = sum(state != "idle" for state in request.book.states().values())
            self.meter.charge(request.session_id, trio.current_time(), Use(calls, tokens, request.spoken_chars))
        if failure is not None and failure.limit and self.meter is not None:
            self.meter.tell(failure.limit, request.session_id, trio.current_time())
        if request.listens and request.ending == "complete":
            return  # it has listened, which its utterance tells; who speaks asks by another request
        self._count_outcome(request)
        self._count_work(request, tokens, source, audio)
        _log_outcome(request, failure, tokens, source, audio)

    def _count_outcome(self, request: Request) -> None:
        metrics = self.metrics
        metrics.requests.labels(request.ending).inc()
        if request.failure is not None:
            metrics.errors.labels(FAILURE_CODES[request.failure.kind]).inc()
            if request.failure.stage is not None:
                metrics.stage_failures.labels(request.failure.stage).inc()
        elif request.ending == "interrupted":  # a complete answer that was cut while it played out has a reason too
            metrics.interrupts.labels(request.reason if request.reason in REASONS else "other").inc()
            if (stop_s := request.timeline.between_s("stopping", "stopped")) is not None:
                metrics.stop.observe(stop_s)

    def _count_work(self, request: Request, tokens: int, source: str, audio: AudioAccount) -> None:
        metrics = self.metrics
        metrics.tokens.labels(source).inc(tokens)
        if not request.usage_believed:
            metrics.disbelieved.inc()
            log.warning("the provider's count of tokens is impossible", **_ids(request), estimated=tokens)
        metrics.characters.inc(request.spoken_chars)
        # The end of a complete answer has left but is still to be played, at most `lead_ms` of it.
        heard_ms = audio.sent_ms if request.ending == "complete" else audio.heard_ms
        for state, ms in (("generated", audio.generated_ms), ("sent", audio.sent_ms), ("heard", heard_ms)):
            metrics.audio.labels(state).inc(ms / 1000)
        if (first_s := _since_input(request, "first_text")) is not None:
            metrics.first_text.observe(first_s)
        if (first_s := _since_input(request, "first_voice")) is not None:
            metrics.first_audio.observe(first_s)


def _log_outcome(request: Request, failure: Failure | None, tokens: int, source: str, audio: AudioAccount) -> None:
    timeline = request.timeline
    line: dict[str, Any] = {
        **_ids(request),
        "outcome": request.ending,
        "reason": request.reason if request.ending == "interrupted" else None,
        "duration_ms": _ms(timeline.between_s("accepted", "stopped")),
        "first_text_ms": _ms(_since_input(request, "first_text")),
        "first_audio_ms": _ms(_since_input(request, "first_voice")),
        "stop_ms": _ms(timeline.between_s("stopping", "stopped")),
        "tokens": tokens,
        "tokens_source": source,
        "audio_generated_ms": round(audio.generated_ms, 1),
        "audio_sent_ms": round(audio.sent_ms, 1),
    }
    if failure is None:
        log.info("request finished", **_present(line))
        return
    tell_failure(failure, **_present(line), code=FAILURE_CODES[failure.kind])


def _ids(request: Request) -> dict[str, str]:
    return {"req_id": request.id, "session_id": request.session_id}


def _tokens(request: Request) -> tuple[int, str]:
    """Return how many tokens the model wrote, and who says so."""
    if request.provider_tokens is not None:
        return request.provider_tokens, "provider"
    return estimate_tokens(request.ledger.written), "estimated"


def _since_input(request: Request, instant: Instant) -> float | None:
    """Return the seconds from the end of what the user said, or typed, to `instant`."""
    timeline = request.timeline
    begins: tuple[Instant, ...] = ("upload_ended", "transcribed", "accepted")
    begin = next(begin for begin in begins if timeline.at(begin) is not None)
    return timeline.between_s(begin, instant)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _present(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if value is not None}
