"""Who may be connected: strangers and callers, each with a quota of their own, and nobody at another's expense.

Everybody is a stranger until it has said who it is. Strangers have so many places, and so many of one address. Where
they are all taken, a newcomer waits for one: that of a stranger who has had `GRACE_S` to say who it is. So whoever
comes with a right key has that time, however many others want its place, and a flood of one address takes nothing from
the others. A caller takes up one of the callers' places, and no stranger can take that away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from math import inf
from typing import Literal

import trio
from attrs import define, field

__all__ = ["GRACE_S", "HELD_BYTES", "Place", "Places", "Refusal"]

GRACE_S = 0.5
"""How long a stranger keeps its place whoever wants it; ours: a client that knows what it wants needs two round trips,
the longest on earth are 0.3 s each, and a hundred places are given anew two hundred times a second."""

HELD_BYTES = 2 << 20
"""What all strangers together may leave unfinished; ours: room for eight that register with all that may be said,
and for any number of others, who say it in one piece."""

Refusal = Literal["place", "address", "memory", "slow", "callers", "descriptors"]
"""Why somebody was turned away: no place came free, too many of its address, too much unfinished, another needed the
place, no place among the callers, no file descriptor."""


@define(eq=False)
class _Waiter:
    """One that has come and waits for a place."""

    address: str
    place: Place | None = None
    turned_away: bool = False
    news: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)


class Places:
    """The connections of a server.

    Args:
        strangers: Most strangers at a time; as many may wait for a place.
        of_address: Most of them of one address; as many may wait.
        callers: Most callers at a time.
        exempt: Says of an address that its strangers are bounded by `strangers` alone: a proxy, whose clients show by
            other means where they come from.
        refused: Told of each that is turned away, and why; must not raise.
    """

    def __init__(
        self,
        strangers: int,
        of_address: int,
        callers: int,
        *,
        exempt: Callable[[str], bool] = lambda address: False,
        refused: Callable[[Refusal], None] = lambda why: None,
    ) -> None:
        self._strangers = strangers
        self._of_address = of_address
        self._most_callers = callers
        self._exempt = exempt
        self._refused = refused
        self._open: dict[Place, None] = {}  # of strangers, the oldest first
        self._callers: set[Place] = set()
        self._addresses: Counter[str] = Counter()
        self._waiting: list[_Waiter] = []
        self._look_at = inf
        self._held = 0
        self._turn = trio.StrictFIFOLock()

    @property
    def strangers(self) -> int:
        """How many places of strangers are taken."""
        return len(self._open)

    @property
    def callers(self) -> int:
        """How many callers there are."""
        return len(self._callers)

    @property
    def full(self) -> bool:
        """Whether there is no place for another caller."""
        return len(self._callers) >= self._most_callers

    @asynccontextmanager
    async def taken(self, address: str) -> AsyncIterator[Place | None]:
        """Take a stranger's place for the block, waiting for one; None: there is none, and the connection has to end.

        The wait is bounded: each who has a place loses it after `GRACE_S`, as long as it waits for something.

        Args:
            address: Where the stranger comes from.
        """
        place = await self._enter(address)
        if place is None:
            yield None
            return
        try:
            yield place
        finally:
            self._leave(place)

    async def _enter(self, address: str) -> Place | None:
        waiter = _Waiter(address)
        if not self._make_room_to_wait(address):
            return None
        self._waiting.append(waiter)
        try:
            self._let_in()
            while waiter.place is None and not waiter.turned_away:
                # The first looks at the clock for all: a crowd must not be woken by whatever happens to one of it.
                with trio.move_on_at(self._look_at if waiter is self._waiting[0] else inf):
                    await waiter.news.park()
                if trio.current_time() >= self._look_at:
                    self._let_in()
        except trio.Cancelled:
            if waiter.place is not None:
                self._leave(waiter.place)
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                self._wake_first()
        return waiter.place

    def _wake_first(self) -> None:
        """Have the first who waits look again how long to sleep."""
        if self._waiting:
            self._waiting[0].news.unpark_all()

    def _make_room_to_wait(self, address: str) -> bool:
        """Return whether another of `address` may wait; where all do that may, one of the most frequent has to go."""
        waiting = Counter(waiter.address for waiter in self._waiting)
        if waiting[address] >= self._of_address and not self._exempt(address):
            self._refused("address")
            return False
        if len(self._waiting) >= self._strangers:
            self._refused("place")
            most, count = waiting.most_common(1)[0]
            if count <= waiting[address] + 1:
                return False
            last = [waiter for waiter in self._waiting if waiter.address == most][-1]
            self._waiting.remove(last)
            last.turned_away = True
            last.news.unpark_all()
            self._wake_first()
        return True

    def _let_in(self) -> None:
        """Give places to those who wait, as far as there are any; those of the fewest places come first."""
        now = trio.current_time()
        for place in [place for place in self._open if place.kept_until is not None and place.kept_until <= now]:
            self._remove(place)
        ends = (place.kept_until for place in self._open if place.kept_until is not None)
        self._look_at = min(ends, default=inf)
        full = set[str]()  # addresses: what holds for one who waits holds for all others of the same
        for waiter in sorted(self._waiting, key=lambda waiter: self._addresses[waiter.address]):
            if waiter.address in full:
                continue
            room = self._room_for(waiter.address, now)
            if isinstance(room, Place):
                self._give_up(room, "slow")
            elif room > now:
                self._look_at = min(self._look_at, room)
                full.add(waiter.address)
                continue
            waiter.place = place = Place(self, waiter.address, now)
            self._open[place] = None
            self._addresses[waiter.address] += 1
            self._waiting.remove(waiter)
            waiter.news.unpark_all()
        self._wake_first()

    def _room_for(self, address: str, now: float) -> Place | float:
        """Return who has to give way to another of `address`, or when there will be room: not later than now, or later.

        It is the oldest of its own address where that has all it may have, else of the address that has the most.
        """
        spare = [place for place in self._open if place.gives_way]
        if self._addresses[address] >= self._of_address and not self._exempt(address):
            spare = [place for place in spare if place.address == address]
        elif len(self._open) < self._strangers:
            return now
        served = [place for place in spare if place.served_at <= now]
        if served:
            return max(served, key=lambda place: self._addresses[place.address])  # the first of the largest
        # Others are being answered, or pay for a wrong key: the end of either is news.
        return min((place.served_at for place in spare), default=inf)

    def _give_up(self, place: Place, why: Refusal) -> None:
        self._refused(why)
        self._remove(place)
        place.give_up()

    def _leave(self, place: Place) -> None:
        self._callers.discard(place)
        if place in self._open and (place.kept_until is None or place.kept_until <= trio.current_time()):
            self._remove(place)
        self._let_in()

    def _remove(self, place: Place) -> None:
        if place in self._open:
            del self._open[place]
            self._addresses -= Counter((place.address,))
            self._held -= place.held
            place.held = 0

    def make_room(self) -> float | None:
        """Have the oldest stranger that waits for something give way, for want of a file descriptor to take another in.

        Returns:
            0; or in how many seconds one will have had its time; or None, where nobody gives way.
        """
        oldest = next((place for place in self._open if place.gives_way), None)
        if oldest is None:
            return None
        left = oldest.served_at - trio.current_time()
        if left > 0:
            return left
        self._give_up(oldest, "descriptors")
        return 0.0

    # What a place asks of them.

    def moved(self, place: Place, address: str) -> bool:
        """Note that the stranger comes from `address`; return whether that has room for another."""
        if place in self._open:
            self._addresses -= Counter((place.address,))
            self._addresses[address] += 1
        place.address = address
        return self._addresses[address] <= self._of_address or self._exempt(address)

    def called(self, place: Place) -> bool:
        """Make a caller of the stranger; return whether there is a place for one."""
        if place in self._callers:
            return True
        if self.full:
            self._refused("callers")
            return False
        self._callers.add(place)
        self._remove(place)
        self._let_in()
        return True

    def holds(self, place: Place, size: int) -> None:
        """Note what is unfinished of a stranger, in bytes. Where all hold too much, who holds most has to go."""
        if place not in self._open:
            return
        self._held += size - place.held
        place.held = size
        if self._held > HELD_BYTES:
            self._give_up(max(self._open, key=lambda place: place.held), "memory")

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for a place."""
        return bool(self._waiting)

    async def turn(self) -> None:
        """Wait until it is a stranger's turn: of one in each pass of the loop, what it says is looked at."""
        async with self._turn:
            await trio.lowlevel.checkpoint()

    def is_caller(self, place: Place) -> bool:
        """Return whether that one is a caller."""
        return place in self._callers

    def idle(self) -> None:
        """Note that somebody gives way from now on."""
        if self._waiting:
            self._let_in()


@define(eq=False)
class Place:
    """What one connection takes up.

    Args:
        places: Among which.
        address: Where the connection comes from.
        since: When it came, on trio's clock.

    Attributes:
        kept_until: The place of a stranger is taken until then, even if it leaves: what a wrong key costs.
        held: What is unfinished of it, in bytes.
    """

    _places: Places
    address: str
    since: float
    kept_until: float | None = None
    held: int = 0
    _scope: trio.CancelScope | None = None
    _anew: float = -inf
    _in_turn: bool = False

    @property
    def served_at(self) -> float:
        """When it has had its time, on trio's clock."""
        return max(self.since, self._anew) + GRACE_S

    @property
    def needed(self) -> bool:
        """Whether the connection should end with what it does, as others wait for its place."""
        return self._places.wanted

    @property
    def gives_way(self) -> bool:
        """Whether the stranger waits for something that is not ours to do, and does not pay for a wrong key."""
        return self._scope is not None and self.kept_until is None and not self._in_turn

    @contextmanager
    def waiting(self, *, anew: bool = False) -> Iterator[None]:
        """Give way inside the block, until it is a caller: it is cancelled where another connection needs the place.

        Args:
            anew: Whether its time begins with the block, which is one that it may need: for an answer on its way.
        """
        self._anew = trio.current_time() if anew else -inf
        with trio.CancelScope() as self._scope:
            self._places.idle()
            try:
                yield
            finally:
                self._scope = None

    def give_up(self) -> None:
        """End the wait."""
        if self._scope is not None:
            self._scope.cancel(reason="another connection needs the place")

    def comes_from(self, address: str) -> bool:
        """Note where the stranger really comes from, as a proxy says; return whether that address may have another."""
        return self._places.moved(self, address)

    def keep_until(self, then: float) -> None:
        """Keep the stranger's place taken until then, on trio's clock, even if it leaves."""
        self.kept_until = then

    def call(self) -> bool:
        """Become a caller, who gives way to nobody; return whether there is a place for one."""
        if not self._places.called(self):
            return False
        self._scope = None
        return True

    async def turn(self) -> None:
        """Wait, before what was read is looked at, until it is this stranger's turn; a caller needs not wait.

        However many of them talk at once, they take no more of a pass of the loop than one, and the wait is bounded by
        their number. It gives way to nobody meanwhile: it has said what it came for, and the wait is our doing.
        """
        if self._places.is_caller(self):
            return
        self._in_turn = True
        try:
            await self._places.turn()
        finally:
            self._in_turn = False
            self._places.idle()

    def holds(self, size: int) -> None:
        """Note how many bytes of the stranger's are unfinished."""
        self._places.holds(self, size)
