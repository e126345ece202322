"""How a stranger becomes known: by a key at once, by a password in a moment; and what a wrong one costs.

Who it is is looked at before anything else of a REGISTER is read. Of whoever is not known the answer is the same, and
comes when its time has come, however long the look took.
"""

from __future__ import annotations

import trio
from attrs import frozen

from voxint.errors import WireError
from voxint.net.places import Place
from voxint.protocol.codec import REGISTER_FIRST, auth_of
from voxint.protocol.size import check_size
from voxint.server.auth import is_open
from voxint.server.host import Host
from voxint.server.keyring import Principal
from voxint.server.passwords import TooManyPasswords
from voxint.server.registration import GOING_AWAY, REFUSED, TRY_AGAIN, RegisterRefused
from voxint.server.words import SHUTTING_DOWN

__all__ = ["STRANGE", "Entrance", "TurnedAway"]

STRANGE = 1008
"""Close code of a stranger who says what no stranger has to say; the ERROR before it says why."""

HEALTH_CHECK_BYTES = 1024
"""Of a stranger's HEALTH_CHECK, which names some fields; ours."""

MOST_FRAMES = 32
"""That are read of who has not registered: HEALTH_CHECKs, and a REGISTER with a mistake or two. Ours."""


@frozen
class TurnedAway:
    """A stranger who has shown a wrong key.

    Args:
        refusal: What it will be told.
        at: When, on trio's clock.
    """

    refusal: RegisterRefused
    at: float


@frozen
class _Verifying:
    """A REGISTER whose password is being looked at.

    Args:
        frame: The whole of it.
        account: Whose.
        password: The one that was given.
        since: When it came, on trio's clock.
    """

    frame: str
    account: str
    password: str
    since: float

    def __repr__(self) -> str:
        return "_Verifying(...)"


class Entrance:
    """What one connection has to pass before it registers.

    Args:
        host: The server.
        place: What the connection takes up. None: nothing.

    Attributes:
        principal: Who the client has shown to be.
        verifying: A REGISTER that takes more than a step: `verified` goes on with it, in a task.
        turned_away: What the client will be told, and when; nothing more is read of it.
    """

    def __init__(self, host: Host, place: Place | None) -> None:
        self.principal: Principal | None = None
        self.verifying: _Verifying | None = None
        self.turned_away: TurnedAway | None = None
        self._host = host
        self._place = place
        self._frames = 0

    def lets_in(self, frame: str, longest: int) -> bool:
        """Look who says this frame; return whether the rest of it is to be read now.

        Args:
            frame: What a stranger has said.
            longest: Of a longer one nothing is looked at.

        Raises:
            RegisterRefused: The connection has to end.
            WireError: It is no REGISTER and no HEALTH_CHECK, too large, or a REGISTER is being looked at.
        """
        self._frames += 1
        if self._frames > MOST_FRAMES:
            raise RegisterRefused(WireError("SESSION_INVALID", REGISTER_FIRST), STRANGE, REGISTER_FIRST)
        check_size(frame, longest)
        if self.verifying is not None:
            raise WireError(
                "SESSION_INVALID", "the REGISTER before this one is still being looked at: wait for its answer"
            )
        auth = auth_of(frame)
        if auth is None:
            check_size(frame, HEALTH_CHECK_BYTES)
            return True
        if self.principal is not None:
            return True  # what it said before could not be used, and why was told
        self._check_open()
        keyring, now = self._host.keyring, trio.current_time()
        if is_open(self._host.config):
            return self._known(keyring.stranger(auth), now)
        if auth.type == "API_KEY":
            return self._known(keyring.find(auth.api_key or ""), now)
        self.verifying = _Verifying(frame, auth.account or "", auth.password or "", now)
        if self._place is not None:
            self._place.keep_until(now + self._host.config.guess_pause_s)  # who leaves before the answer pays too
        return False

    async def verified(self) -> str | None:
        """Verify the password of the REGISTER that waits for it, by a thread; return it, if it is to be read on.

        Cancelled, nothing has happened.

        Raises:
            RegisterRefused: So many wait that the password was not looked at, or the server is going down.
        """
        if (waiting := self.verifying) is None:
            return None
        try:
            principal = await self._host.keyring.verify(waiting.account, waiting.password)
        except TooManyPasswords:
            busy = WireError("SERVER_BUSY", "too many are registering: try again in a moment")
            raise RegisterRefused(busy, TRY_AGAIN, "too many are registering: try again in a moment") from None
        finally:
            self.verifying = None
        self._check_open()  # it may have begun to close meanwhile
        return waiting.frame if self._known(principal, waiting.since) else None

    def _check_open(self) -> None:
        if self._host.draining:
            busy = WireError("SERVER_BUSY", SHUTTING_DOWN)
            raise RegisterRefused(busy, GOING_AWAY, SHUTTING_DOWN)

    def _known(self, principal: Principal | None, since: float) -> bool:
        """Note who it is; who is nobody, or may not talk, will be told so, the later the more have been of late."""
        if principal is not None and principal.may("talk"):
            self.principal = principal
            return True
        unknown = WireError(
            "AUTH_FAILED", "the key, token or account is not known here, has expired, or may not talk: ask the operator"
        )
        refusal = RegisterRefused(
            unknown,
            REFUSED,
            "the key, token or account is not known here, has expired, or may not talk: ask the operator",
        )
        pause_s = self._host.guesses.failed("" if self._place is None else self._place.address)
        self.turned_away = TurnedAway(refusal, max(trio.current_time(), since + pause_s))
        self._host.turned_away("key")
        if self._place is not None:
            self._place.keep_until(self.turned_away.at)
        return False
