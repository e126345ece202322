"""What a request tells its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from voxint.core.events import ReleaseReason
from voxint.core.failure import Stage

if TYPE_CHECKING:
    from voxint.core.request import Request

__all__ = ["Owner"]


class Owner(Protocol):
    """Who keeps the request: a session. Each is called in the same step as what it tells of, and never raises."""

    @property
    def id(self) -> str:
        """The session's id."""

    def settle(self, request: Request) -> None:
        """Write into the dialogue what became of the answer; once at its end, and again when it is cut later."""

    def retire(self, request: Request) -> None:
        """Move the request from the live to the remembered: it has ended."""

    def reaped(self, request: Request) -> None:
        """The last task of an overrun request is gone."""

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Something went wrong on the way out, where nobody waits for it any more."""

    def held_after_end(self, request: Request) -> None:
        """Sleep for the limit of its hold: it was held while it plays, and its guard is gone with its work."""

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """The request was held, and goes on."""
