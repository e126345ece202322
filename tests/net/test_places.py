"""Places: who may be connected where there are more clients than places."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from tests.net.httpd_client import GET, Client
from voxint.net.http_request import HttpRequest
from voxint.net.httpd import serve_connection
from voxint.net.places import MORE_PLACES, Place, Places


async def wait(place: Place, ended: list[Place]) -> None:
    """Wait for a request, and note where the place was lost."""
    with place.waiting():
        await trio.sleep_forever()
    ended.append(place)


async def test_who_has_waited_longest_gives_way(autojump_clock: MockClock) -> None:
    """One for each that comes, and nobody while there is room."""
    places, ended = Places(3), list[Place]()
    with ExitStack() as stack:

        def come() -> Place:
            place = stack.enter_context(places.taken())
            assert place is not None
            return place

        async with trio.open_nursery() as nursery:
            waiting = [come() for _ in range(3)]
            for place in waiting:
                nursery.start_soon(wait, place, ended)
                await trio.sleep(1)
            assert ended == []
            for taken in (1, 2):
                come()
                await wait_all_tasks_blocked()
                assert ended == waiting[:taken]
            nursery.cancel_scope.cancel()


async def test_where_nobody_waits_a_few_come_in_beyond_the_bound() -> None:
    """They know that they should leave soon; beyond them nobody is let in, until somebody leaves."""
    places = Places(2)
    with ExitStack() as stack:
        inside = [stack.enter_context(places.taken()) for _ in range(2 + MORE_PLACES)]
        assert all(place is not None and place.needed for place in inside)
        with places.taken() as another:
            assert another is None
    with places.taken() as another:
        assert another is not None
        assert not another.needed


async def test_websockets_are_never_more_than_the_places() -> None:
    """Also among those beyond the bound; whoever leaves makes room."""
    places = Places(2)
    with ExitStack() as stack:
        inside = [stack.enter_context(places.taken()) for _ in range(2)]
        with places.taken() as beyond:
            assert beyond is not None
            assert [place.keep() for place in (*inside, beyond) if place is not None] == [True, True, False]
    with places.taken() as place:
        assert place is not None
        assert place.keep()


@asynccontextmanager
async def serving(most: int) -> AsyncIterator[Callable[[], Client]]:
    """Serve plain requests in memory; yield what connects a client."""
    places = Places(most)

    async def handler(request: HttpRequest) -> None:
        if request.head.path == "/slow":
            await trio.sleep(100)
        await request.respond(200, b"here")

    async def connected(stream: trio.abc.Stream) -> None:
        with places.taken() as place:
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
        await wait_all_tasks_blocked()
        assert await idle.closed()
        await other.send(GET)
        assert await other.answer() == (200, b"here")


async def test_a_request_under_way_gives_no_way(autojump_clock: MockClock) -> None:
    """Beside it a health check is answered, and its connection closed behind the answer, which says so."""
    async with serving(1) as connect:
        busy = connect()
        await busy.send(GET.replace(b"/", b"/slow", 1))
        await wait_all_tasks_blocked()
        probe = connect()
        await probe.send(GET)
        head = await probe.stream.receive_some()
        assert b"connection: close" in head.lower()
        assert await probe.closed()
        assert await busy.answer() == (200, b"here")
        await busy.send(GET)
        assert await busy.answer() == (200, b"here")
