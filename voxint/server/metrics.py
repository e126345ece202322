"""The numbers of one server, in a registry of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TypeAlias, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from voxint._version import __version__
from voxint.core.dialogue import Ending
from voxint.core.events import ReleaseReason, UtteranceOutcome
from voxint.core.failure import Stage
from voxint.core.receipt import STAGES
from voxint.lag import BUCKETS_S, LoopLag
from voxint.logs import lines_lost
from voxint.protocol.codes import FAILURE_CODES
from voxint.server.quotas import QUOTAS
from voxint.server.turned_away import TurnedAway

__all__ = ["REASONS", "Metrics"]

OUTCOMES = get_args(Ending)

REASONS = (
    "USER_NEW_INPUT",
    "USER_STOP",
    "USER_VOICE_INPUT",
    "CLIENT_ERROR",
    "CLIENT_SHUTDOWN",
    "DISCONNECT",
    "SESSION_EXPIRED",
    "KEY_REVOKED",
    "SHUTDOWN",
    "SPEECH_WENT_ON",
    "MICROPHONE_MOVED",
    "DETECTOR_FAILED",
    "other",
)
"""Label values of `reason`. Clients may send any string, and each would be a new time series for ever."""

RELOADED = ("keys", "certificate")
"""What is read again while a server runs."""

CODES = tuple(FAILURE_CODES.values())
"""The protocol's error codes that end a request which was accepted."""

STOP_BUCKETS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25)
"""From half a millisecond, a stop on an idle machine, by doubling to the interrupt deadline; beyond it: overrun."""

FIRST_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Dense where a person begins to notice a pause, sparse up to the limit for slow reasoning models."""

Labelled: TypeAlias = tuple[str, ...]


class Metrics:
    """The server's collectors. Names and meanings stand in docs/reference/metrics.md.

    Args:
        lag: What measures the event loop; without, nothing does.

    Attributes:
        registry: Theirs alone; two servers of one process do not share it.
    """

    def __init__(self, lag: LoopLag | None = None) -> None:
        self.registry = CollectorRegistry()
        self.connections = self._gauge("connections", "Open WebSocket connections.")
        self.strangers = self._gauge("strangers", "Connections that have not registered, plain HTTP included.")
        self.turned_away = self._counter(
            "turned_away", "Connections that were turned away.", reason=get_args(TurnedAway)
        )
        self.sessions = self._gauge("sessions", "Sessions, those without a connection included.")
        self.live = self._gauge("requests_live", "Requests that have been accepted and not ended.")
        self.overrunning = self._gauge(
            "requests_overrunning", "Ended requests of which a stage still has not let go; each holds its upstream."
        )
        self.requests = self._counter("requests", "Ended requests.", outcome=OUTCOMES)
        self.interrupts = self._counter("interrupts", "Requests that an interruption stopped.", reason=REASONS)
        self.utterances = self._counter(
            "utterances", "What open microphones heard, by what became of it.", outcome=get_args(UtteranceOutcome)
        )
        self.releases = self._counter(
            "releases", "Answers that were held and went on, by why.", reason=get_args(ReleaseReason)
        )
        self.overruns = self._counter("overruns", "Stages that did not stop by the interrupt deadline.", stage=STAGES)
        self.stage_failures = self._counter(
            "stage_failures", "Requests that a provider's failure ended.", stage=get_args(Stage)
        )
        self.cleanup_failures = self._counter(
            "cleanup_failures",
            "Exceptions that nobody waited for: out of a stage that had to stop, or of voxint's own code (none).",
            stage=(*get_args(Stage), "none"),
        )
        self.refusals = self._counter(
            "refusals", "REGISTERs, REQUESTs and uploads that a quota or a limit ended.", quota=QUOTAS
        )
        self.errors = self._counter("request_errors", "Requests that ended in an ERROR.", code=CODES)
        self.tokens = self._counter("llm_tokens", "Tokens the model wrote.", source=("provider", "estimated"))
        self.disbelieved = self._counter("usages_disbelieved", "Counts of tokens from a provider that cannot be.")
        self.characters = self._counter("tts_characters", "Characters handed to speech synthesis.")
        self.audio = self._counter(
            "audio_seconds", "Speech of answers, in seconds.", state=("generated", "sent", "heard")
        )
        self.stop = self._histogram(
            "stop_seconds", "From an interruption to the exit of the request's scope.", STOP_BUCKETS
        )
        self.first_text = self._histogram(
            "first_text_seconds", "From the end of the user's input to the first text.", FIRST_BUCKETS
        )
        self.first_audio = self._histogram(
            "first_audio_seconds", "From the end of the user's input to the first frame of speech.", FIRST_BUCKETS
        )
        self.tokens_made = self._counter("client_tokens", "Tokens that /v1/tokens has made.")
        self.reload_failures = self._counter(
            "reload_failures", "Changed files that could not be used, so that what was before stands.", what=RELOADED
        )
        Info("voxint_build", "The version of voxint.", registry=self.registry).info({"version": __version__})
        ProcessCollector(registry=self.registry)
        self.registry.register(_Measured(lag or LoopLag()))

    def exposition(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"voxint_{name}", text, registry=self.registry)

    def _counter(self, name: str, text: str, **labels: Labelled) -> Counter:
        """Make a counter that shows every label value from the start: a rate needs the zero before the first one."""
        counter = Counter(f"voxint_{name}", text, tuple(labels), registry=self.registry)
        for values in labels.values():
            for value in values:
                counter.labels(value)
        return counter

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"voxint_{name}", text, buckets=buckets, registry=self.registry)


class _Measured:
    """What is counted elsewhere, where each call of a collector of Prometheus would cost too much."""

    def __init__(self, lag: LoopLag) -> None:
        self._lag = lag

    def collect(self) -> Iterator[Metric]:
        """Yield it as it is now."""
        lag = self._lag
        bounds = [*map(str, BUCKETS_S), "+Inf"]
        passes = list(zip(bounds, accumulate(lag.counts), strict=True))
        told = "Passes of the event loop: for so long nothing else could go on."
        yield HistogramMetricFamily("voxint_loop_lag_seconds", told, buckets=passes, sum_value=lag.total_s)
        told = "Lines of the log of this process that could not be written."
        yield CounterMetricFamily("voxint_log_lines_lost", told, value=lines_lost())
