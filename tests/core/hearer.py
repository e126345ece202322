"""Who hears a session in a test, and notes what is said and when."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, field

from voxint.core.agent import Agent
from voxint.core.events import Event, ReleaseReason, Said, Text, Voice
from voxint.core.journal import Seen
from voxint.core.listener import Listener
from voxint.core.request import Request
from voxint.core.resumption import resume
from voxint.core.session import Session
from voxint.core.settings import OnDisconnect, Settings

__all__ = ["Hearer", "House", "a_house"]


@define(eq=False)
class Hearer:
    """Who listens and reads all the time.

    Attributes:
        heard: When it read each event, and which.
    """

    listener: Listener
    heard: list[tuple[float, Event]] = field(factory=list)

    async def read(self) -> None:
        """Read to the end."""
        with suppress(trio.EndOfChannel):
            while isinstance(said := await self.listener.next(), Said):
                self.heard.append((trio.current_time(), said.event))

    @property
    def events(self) -> list[Event]:
        """What it read."""
        return [event for _, event in self.heard]

    @property
    def text(self) -> str:
        """The text it read."""
        return "".join(event.text for event in self.events if isinstance(event, Text))

    @property
    def audio(self) -> bytes:
        """The speech it read."""
        return b"".join(event.audio for event in self.events if isinstance(event, Voice))

    def of(self, *kinds: type[Event]) -> list[tuple[float, Event]]:
        """Return the events of some kinds, with their times."""
        return [(at, event) for at, event in self.heard if isinstance(event, kinds)]


@define(eq=False)
class House:
    """A session, who listens to it, and which answers it was told go on."""

    session: Session
    readers: trio.Nursery
    released: list[tuple[float, str, ReleaseReason]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.session.when_released = self._note

    def _note(self, request: Request, reason: ReleaseReason) -> None:
        self.released.append((trio.current_time(), request.id, reason))

    def come(
        self,
        seen: dict[str, Seen] | None = None,
        *,
        pauses: bool = True,
        marks: bool = False,
        drop: Callable[[], None] | None = None,
    ) -> Hearer:
        """Let one more listen; with `seen` it has been here before."""
        hearer = Hearer(Listener(drop, pauses=pauses, marks=marks))
        self.readers.start_soon(hearer.read)
        if seen is None:
            self.session.attach(hearer.listener)
        else:
            resume(self.session, hearer.listener, seen)
        return hearer


@asynccontextmanager
async def a_house(
    agent: Agent, *, spoken: bool = False, on_disconnect: OnDisconnect = "interrupt"
) -> AsyncGenerator[House]:
    """Open a session; at the end nothing of it may be left."""
    async with trio.open_nursery() as readers, trio.open_nursery() as home:
        settings = Settings(require_tts=spoken)
        session = Session(agent, home, session_id="s1", settings=settings, on_disconnect=on_disconnect)
        house = House(session, readers)
        yield house
        session.close("the test has ended")
        readers.cancel_scope.cancel()
