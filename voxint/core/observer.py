"""Where a host hears of what happened: for logs and metrics, never for control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from voxint.arguments import type_in_words

if TYPE_CHECKING:
    from voxint.core.events import Endpoint, ReleaseReason
    from voxint.core.failure import Stage
    from voxint.core.request import Request

__all__ = ["NoObserver", "Observer", "check_observer"]


class Observer(Protocol):
    """Told in the instant in which something happens, by the task in which it happens; no method may wait.

    What a method raises costs a line in the log.
    """

    def accepted(self, request: Request) -> None:
        """`request` is live."""

    def finished(self, request: Request) -> None:
        """`request` has ended; its outcome, receipt and timeline are settled.

        `request.failure` has its exception now and not later: who wants it later keeps the failure.
        """

    def reaped(self, request: Request) -> None:
        """The last task of `request`, which had been declared overrun, is gone at last."""

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """`stage` of `request` raised `error` on its way out; None: something of voxint's own did.

        The request's end does not depend on it. The log has it already.
        """

    def utterance_over(self, request: Request, endpoint: Endpoint) -> None:
        """What an open microphone heard is over; `request` has listened to it. Its words are not for a log."""

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """`request` was held, and goes on."""


def check_observer(given: object) -> None:
    """Refuse what is given as an observer and lacks a method; None is nobody.

    Raises:
        TypeError: It is a class, or lacks a method; names what it lacks.
    """
    if given is None:
        return
    if isinstance(given, type):
        raise TypeError(f"observer is {type_in_words(given)}: give an instance, {given.__name__}(...)")
    methods = [name for name in vars(Observer) if not name.startswith("_")]
    lacks = [name for name in methods if not hasattr(given, name)]
    if lacks:
        raise TypeError(
            f"observer is {type_in_words(given)} without {', '.join(lacks)}: give it all of {', '.join(methods)}"
        )


class NoObserver:
    """The observer of a host that does not care."""

    def accepted(self, request: Request) -> None:
        """Do nothing."""

    def finished(self, request: Request) -> None:
        """Do nothing."""

    def reaped(self, request: Request) -> None:
        """Do nothing."""

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Do nothing."""

    def utterance_over(self, request: Request, endpoint: Endpoint) -> None:
        """Do nothing."""

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """Do nothing."""
