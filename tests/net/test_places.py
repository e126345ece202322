"""Places: who may be connected where there are more clients than places."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from tests.net.httpd_client import GET, Client
from voxint.net.http_request import HttpRequest
from voxint.net.httpd import serve_connection
from voxint.net.places import GRACE_S, HELD_BYTES, Place, Places, Refusal


@define(eq=False)
class Visitor:
    """One that comes, waits for something for as long as it may, and notes what became of it."""

    address: str
    came: float = field(factory=trio.current_time)
    inside: Place | None = None
    waited_s: float | None = None
    ended: bool = False
    leaves: trio.Event = field(factory=trio.Event)

    async def visit(self, places: Places, busy: bool = False) -> None:
        """Take a place, and keep it until `leaves`, or until it has to give way; who is busy does not."""
        async with places.taken(self.address) as self.inside:
            self.waited_s = trio.current_time() - self.came
            if self.inside is not None and busy:
                await self.leaves.wait()
            elif self.inside is not None:
                with self.inside.waiting():
                    await self.leaves.wait()
        self.ended = True


@define(eq=False)
class Door:
    """Places, and a nursery for who comes."""

    places: Places
    nursery: trio.Nursery
    refused: list[Refusal]

    async def come(self, address: str = "a", *, busy: bool = False) -> Visitor:
        """Let one come, and give it the time to go in."""
        visitor = Visitor(address)
        self.nursery.start_soon(visitor.visit, self.places, busy)
        await wait_all_tasks_blocked()
        return visitor


@asynccontextmanager
async def door(strangers: int, of_address: int = 100, callers: int = 100, proxy: str = "") -> AsyncIterator[Door]:
    """Open places."""
    refused: list[Refusal] = []
    places = Places(strangers, of_address, callers, exempt=lambda address: address == proxy, refused=refused.append)
    async with trio.open_nursery() as nursery:
        yield Door(places, nursery, refused)
        nursery.cancel_scope.cancel()


async def test_a_newcomer_gets_the_place_of_the_oldest_that_has_had_its_time(autojump_clock: MockClock) -> None:
    """Not sooner; and nobody goes while there is room."""
    async with door(3) as here:
        inside = [await here.come() for _ in range(3)]
        await trio.sleep(GRACE_S / 2)
        newcomer = await here.come()
        assert newcomer.inside is None
        assert not any(visitor.ended for visitor in inside)
        await trio.sleep(GRACE_S + 0.125)
        assert newcomer.waited_s == pytest.approx(GRACE_S / 2)
        assert [visitor.ended for visitor in inside] == [True, False, False]
        assert here.refused == ["slow"]


async def test_a_flood_of_one_address_takes_nothing_from_others(autojump_clock: MockClock) -> None:
    """It has so many places and may wait for as many; the rest is closed at once, and another address walks in."""
    async with door(10, of_address=4) as here:
        flood = [await here.come("flood") for _ in range(20)]
        assert sum(visitor.inside is not None for visitor in flood) == 4
        assert here.refused == ["address"] * 12
        other = await here.come("other")
        assert other.waited_s == 0


async def test_who_comes_often_waits_behind_who_comes_once(autojump_clock: MockClock) -> None:
    """Of two addresses with full places between them, a third is let in before their further ones."""
    async with door(4, of_address=4) as here:
        for address in ("a", "b"):
            for _ in range(2):
                await here.come(address)
        greedy = [await here.come("a") for _ in range(2)]
        modest = await here.come("c")
        await trio.sleep(GRACE_S + 0.125)
        assert modest.waited_s == pytest.approx(GRACE_S)
        assert sum(visitor.inside is not None for visitor in greedy) == 2
        assert here.places.strangers == 4


async def test_where_the_queue_is_full_the_most_frequent_has_to_leave_it(autojump_clock: MockClock) -> None:
    """Not the newcomer that is alone of its address."""
    async with door(2, of_address=100) as here:
        flood = [await here.come("flood") for _ in range(4)]
        assert [visitor.ended for visitor in flood] == [False] * 4
        other = await here.come("other")
        assert [visitor.ended for visitor in flood] == [False, False, False, True]
        await trio.sleep(GRACE_S + 0.125)
        assert other.inside is not None
        assert flood[3].inside is None


async def test_a_busy_stranger_keeps_its_place(autojump_clock: MockClock) -> None:
    """Who is being answered does not give way, and knows that others wait."""
    async with door(1) as here:
        busy = await here.come(busy=True)
        newcomer = await here.come()
        await trio.sleep(10)
        assert newcomer.inside is None
        assert busy.inside is not None
        assert busy.inside.needed
        busy.leaves.set()
        await wait_all_tasks_blocked()
        assert newcomer.waited_s == 10


@pytest.mark.parametrize(("anew", "waited_s"), [(False, 0.75), (True, 1.25)])
async def test_a_busy_stranger_gives_way_when_it_waits_again(
    anew: bool, waited_s: float, autojump_clock: MockClock
) -> None:
    """Who waits outside learns of it, though it slept for longer; an answer on its way has its time from then on."""

    async def visit(places: Places) -> None:
        async with places.taken("a") as place:
            assert place is not None
            await trio.sleep(0.75)
            with place.waiting(anew=anew):
                await trio.sleep_forever()

    async with door(1) as here:
        here.nursery.start_soon(visit, here.places)
        await wait_all_tasks_blocked()
        newcomer = await here.come()
        await trio.sleep(10)
        assert newcomer.waited_s == waited_s


async def test_a_wrong_key_costs_the_place_its_time(autojump_clock: MockClock) -> None:
    """Whoever has left keeps it taken; a newcomer of the address gets it then, and not sooner."""
    async with door(8, of_address=1) as here:
        guesser = await here.come()
        assert guesser.inside is not None
        guesser.inside.keep_until(trio.current_time() + 2)
        guesser.leaves.set()
        await wait_all_tasks_blocked()
        assert guesser.ended
        newcomer = await here.come()
        await trio.sleep(5)
        assert newcomer.waited_s == 2


async def test_callers_have_places_of_their_own(autojump_clock: MockClock) -> None:
    """No stranger takes one, and a caller gives way to nobody; beyond their number nobody becomes one."""
    async with door(2, callers=2) as here:
        callers = [await here.come() for _ in range(2)]
        assert [caller.inside is not None and caller.inside.call() for caller in callers] == [True, True]
        assert here.places.full
        strangers = [await here.come() for _ in range(4)]
        await trio.sleep(2 * GRACE_S)
        assert [caller.ended for caller in callers] == [False, False]
        assert [stranger.ended for stranger in strangers] == [True, True, False, False]
        inside = strangers[2].inside
        assert inside is not None
        assert not inside.call()
        assert here.refused == ["slow", "slow", "callers"]
        callers[0].leaves.set()
        await wait_all_tasks_blocked()
        assert inside.call()


async def test_all_strangers_together_hold_little(autojump_clock: MockClock) -> None:
    """Who holds most has to go; what a caller holds is no stranger's."""
    async with door(10) as here:
        visitors = [await here.come() for _ in range(3)]
        places = [visitor.inside for visitor in visitors if visitor.inside is not None]
        assert places[2].call()
        places[2].holds(10 * HELD_BYTES)
        places[0].holds(HELD_BYTES // 3)
        places[1].holds(HELD_BYTES // 2)
        await wait_all_tasks_blocked()
        assert not any(visitor.ended for visitor in visitors)
        places[0].holds(HELD_BYTES // 2 + 1)
        await wait_all_tasks_blocked()
        assert [visitor.ended for visitor in visitors] == [True, False, False]
        assert here.refused == ["memory"]
        places[1].holds(HELD_BYTES)
        await wait_all_tasks_blocked()
        assert not visitors[1].ended


async def test_the_clients_of_a_proxy_are_told_apart(autojump_clock: MockClock) -> None:
    """Its own address bounds nobody; theirs do, as soon as they are known."""
    async with door(10, of_address=2, proxy="proxy") as here:
        visitors = [await here.come("proxy") for _ in range(6)]
        places = [visitor.inside for visitor in visitors if visitor.inside is not None]
        assert [place.comes_from("client") for place in places[:3]] == [True, True, False]
        assert places[3].comes_from("another")


async def test_who_can_be_spared_makes_room(autojump_clock: MockClock) -> None:
    """For a server that has no file descriptor left: the oldest, when it has had its time; who is busy never."""
    async with door(10) as here:
        busy, idle = await here.come(busy=True), await here.come()
        assert here.places.make_room() == GRACE_S
        await trio.sleep(GRACE_S)
        assert here.places.make_room() == 0
        await wait_all_tasks_blocked()
        assert (busy.ended, idle.ended) == (False, True)
        assert here.places.make_room() is None


async def test_who_is_cancelled_while_it_waits_leaves_nothing(autojump_clock: MockClock) -> None:
    """Nor who is cancelled in the step in which its place came free."""
    async with door(1) as here:
        first = await here.come()
        async with trio.open_nursery() as nursery:
            second = Visitor("a")
            nursery.start_soon(second.visit, here.places)
            await wait_all_tasks_blocked()
            first.leaves.set()
            nursery.cancel_scope.cancel()
        third = await here.come()
        assert third.waited_s == 0


async def test_whoever_waits_comes_in_in_time(autojump_clock: MockClock) -> None:
    """Also where the first of them, who looks at the clock for all, has given up meanwhile."""
    async with door(2) as here:
        for _ in range(2):
            await here.come()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Visitor("a").visit, here.places)
            await wait_all_tasks_blocked()
            last = await here.come()
            await trio.sleep(GRACE_S / 2)
            nursery.cancel_scope.cancel()
        await trio.sleep(GRACE_S)
        assert last.waited_s == pytest.approx(GRACE_S)


async def test_who_has_spoken_and_waits_for_its_turn_keeps_its_place(autojump_clock: MockClock) -> None:
    """However long ago it came: a crowd's requests are answered one after another, and none of it is slow by that."""
    async with door(20) as here, trio.open_nursery() as nursery:
        visitors = [await here.come() for _ in range(20)]
        await trio.sleep(2 * GRACE_S)
        places = [visitor.inside for visitor in visitors if visitor.inside is not None]
        assert sum(place.gives_way for place in places) == 20
        for place in places:
            nursery.start_soon(place.turn)
        for _ in range(3):
            await trio.lowlevel.checkpoint()
        assert sum(place.gives_way for place in places) <= 3
        newcomer = await here.come()  # and when each has had its turn, one of them gives way again
        assert newcomer.waited_s == 0
        assert sum(visitor.ended for visitor in visitors) == 1


@asynccontextmanager
async def serving(most: int) -> AsyncIterator[Callable[[], Client]]:
    """Serve plain requests in memory; yield what connects a client."""
    places = Places(most, most, most)

    async def handler(request: HttpRequest) -> None:
        if request.head.path == "/slow":
            await trio.sleep(100)
        await request.respond(200, b"here")

    async def connected(stream: trio.abc.Stream) -> None:
        async with places.taken("") as place:
            if place is not None:
                await serve_connection(stream, handler, place=place)
        await stream.aclose()

    async with trio.open_nursery() as nursery:

        def connect() -> Client:
            near, far = memory_stream_pair()
            nursery.start_soon(partial(connected, near))
            return Client(far)

        yield connect
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("said", [b"", GET[:10], GET])
async def test_an_idle_connection_makes_room_for_another(said: bytes, autojump_clock: MockClock) -> None:
    """Whether it has said nothing, half a request, or has been answered: it is closed, and no error is told."""
    async with serving(1) as connect:
        idle = connect()
        if said:
            await idle.send(said)
        if said == GET:
            assert await idle.answer() == (200, b"here")
        await wait_all_tasks_blocked()
        other = connect()
        await trio.sleep(GRACE_S + 0.125)
        assert await idle.closed()
        await other.send(GET)
        assert await other.answer() == (200, b"here")


async def test_a_request_under_way_gives_no_way(autojump_clock: MockClock) -> None:
    """It is answered, and its connection is closed behind that, as another waits."""
    async with serving(1) as connect:
        busy = connect()
        await busy.send(GET.replace(b"/", b"/slow", 1))
        await wait_all_tasks_blocked()
        probe = connect()
        await probe.send(GET)
        head = await busy.stream.receive_some()
        assert b"connection: close" in head.lower()
        assert await busy.closed()
        assert await probe.answer() == (200, b"here")


async def test_strangers_take_turns(autojump_clock: MockClock) -> None:
    """However many talk at once, one of them is looked at in a pass of the loop; a caller does not wait."""
    passes = 0
    looked_at: list[int] = []

    async def count() -> None:
        nonlocal passes
        while True:
            passes += 1
            await trio.lowlevel.checkpoint()

    async def talk(place: Place) -> None:
        await place.turn()
        looked_at.append(passes)

    async with door(20) as here, trio.open_nursery() as nursery:
        visitors = [await here.come() for _ in range(10)]
        places = [visitor.inside for visitor in visitors if visitor.inside is not None]
        assert places[0].call()
        nursery.start_soon(count)
        before = passes
        await places[0].turn()
        assert passes - before <= 1
        async with trio.open_nursery() as talking:
            for place in places[1:]:
                talking.start_soon(talk, place)
        nursery.cancel_scope.cancel()
    assert len(looked_at) == 9
    assert all(later > sooner for sooner, later in pairwise(looked_at))
