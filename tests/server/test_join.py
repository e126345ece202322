"""A token by which somebody joins a session, and what becomes of those by which others come back."""

from __future__ import annotations

import tracemalloc

import pytest
import trio
import trio.lowlevel
from msgspec import structs

from tests.memory import Memory, come_back
from tests.server.test_resume import answers_of, begin, ended, until_quiet
from tests.talk import SPOKEN, WRITTEN, Talk, open_place
from voxint.core.agent import Agent
from voxint.protocol import messages as m
from voxint.server import store
from voxint.server.config import ServerConfig
from voxint.server.session_info import FIELDS
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

AGENT = Agent(llm=ScriptedModel("Well, ", FOREVER))


def infos(talk: Talk) -> list[dict[str, object]]:
    """Return what a client was told of its session."""
    return [frame.session_data for _, frame in talk.frames if isinstance(frame, m.SessionInfo)]


async def asks(talk: Talk, times: int = 1) -> list[m.RegisterAck]:
    """Ask for tokens; return each as if a REGISTER_ACK had brought it."""
    before = len(infos(talk))
    for _ in range(times):
        talk.say(m.SessionQuery(query_fields=("join_token",)))
    await talk.until(lambda: len(infos(talk)) == before + times)
    told = infos(talk)[before:]
    assert [set(each) for each in told] == [{"join_token"}] * times
    return [structs.replace(talk.registered, resume_token=str(each["join_token"])) for each in told]


async def test_somebody_joins_and_the_asker_keeps_its_own() -> None:
    """The token is new and good once; the one that the asker has from before is still good."""
    async with open_place(AGENT) as place:
        first = await begin(place, WRITTEN)
        [token] = await asks(first)
        assert token.resume_token != first.registered.resume_token
        second = await come_back(place, token)
        assert second.registered.session_id == first.registered.session_id
        assert [error.error_code for error in (await come_back(place, token)).errors] == ["SESSION_INVALID"]
        first.connection.lost()
        assert not (await come_back(place, first.registered)).errors
        second.connection.lost()
        assert not (await come_back(place, second.registered)).errors


async def test_it_is_told_only_where_it_is_named() -> None:
    """Who names nothing is told everything but the secret; who names some is told those."""
    async with open_place(AGENT) as place:
        talk = await begin(place, WRITTEN)
        for fields in ((), ("platform",), ("platform", "join_token")):
            talk.say(m.SessionQuery(query_fields=fields))
        await talk.until(lambda: len(infos(talk)) == 3)
        assert [set(each) for each in infos(talk)] == [FIELDS, {"platform"}, {"platform", "join_token"}]


async def test_a_question_that_waits_keeps_nothing_of_what_it_names() -> None:
    """Who asks for much that there is not, and does not read, takes no memory by that: two megabytes of names here."""
    async with open_place(AGENT) as place:
        talk = await begin(place, WRITTEN)
        talk.stop_reading()
        tracemalloc.start()
        try:
            for _ in range(20):
                names = tuple(f"{number:01000}" for number in range(100))
                talk.say(m.SessionQuery(query_fields=("join_token", *names)))
            del names
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 100_000
        talk.read_on()
        await talk.until(lambda: len(infos(talk)) == 20)
        assert [set(each) for each in infos(talk)] == [{"join_token"}] * 20


@pytest.mark.parametrize("seen", [None, {}])
async def test_who_joins_counts_for_itself(seen: dict[str, m.SeenFrames] | None) -> None:
    """From 0, in the middle of an answer: what comes, or with an empty `seen` all that is kept of it."""
    agent = Agent(llm=ScriptedModel(*[step for _ in range(8) for step in (0.5, "word. ")]), tts=ScriptedVoice())
    async with open_place(agent) as place:
        first = await begin(place, SPOKEN)
        first.ask("r1")
        await first.until(lambda: len(first.frames_of("r1")) >= 8)
        [token] = await asks(first)
        second, memory = await come_back(place, token, seen), Memory()
        await second.until(ended(second))
        await until_quiet(first)
        memory.take(answers_of(second))  # which fails where a number is missing, or comes twice
        assert memory.text()
        whole = "".join(frame.text or "" for frame in first.frames_of("r1"))
        assert whole.endswith(memory.text())
        assert (whole == memory.text()) is (seen is not None)
        assert second.registered.resumed == m.Resumed(live=("r1",), lost=(), outcomes={})


async def test_asking_often_costs_the_asker_nothing() -> None:
    """The latest sixteen are good; its own is not among them."""
    async with open_place(AGENT) as place:
        first = await begin(place, WRITTEN)
        tokens = await asks(first, store.JOIN_TOKENS + 1)
        assert (await come_back(place, tokens[0])).errors
        for token in (tokens[1], tokens[-1], first.registered):
            assert not (await come_back(place, token)).errors


async def test_guests_who_come_and_go_cost_the_host_nothing() -> None:
    """However many: whose connection is gone has its token kept only while there is room."""
    async with open_place(AGENT) as place:
        first = await begin(place, WRITTEN)
        guests = []
        for _ in range(store.TOKENS + 4):
            guest = await come_back(place, (await asks(first))[0])
            guest.connection.lost()
            await trio.lowlevel.checkpoint()
            guests.append(guest)
        assert (await come_back(place, guests[0].registered)).errors
        first.connection.lost()
        for talk in (first, guests[-1]):
            assert not (await come_back(place, talk.registered)).errors


async def test_who_says_goodbye_can_not_come_back() -> None:
    """Its token is worth nothing any more, while the session goes on for the others."""
    async with open_place(AGENT) as place:
        first = await begin(place, WRITTEN)
        guest = await come_back(place, (await asks(first))[0])
        guest.say(m.Shutdown(reason="bye"))
        await trio.sleep(1)
        assert (await come_back(place, guest.registered)).errors
        assert first.connection.closing is None


async def test_a_session_that_is_gone_gives_no_token() -> None:
    """A question that is answered late is answered without."""
    async with open_place(AGENT) as place:
        first = await begin(place, WRITTEN)
        session = first.connection.session
        assert session is not None
        first.connection.close(1000, "bye", for_good=True)
        await trio.sleep(1)
        assert place.host.store.join_token(session) is None


async def test_a_session_outlives_the_token_that_opened_it() -> None:
    """It goes on; who has lost the connection comes back by a fresh token of the same key, which is bound by that."""
    async with open_place(Agent(llm=ScriptedModel("Yes.")), ServerConfig(api_keys=("one",))) as place:
        keyring, now = place.host.keyring, [1000.0]
        keyring.now = lambda: now[0]
        key = keyring.find("one")
        assert key is not None

        def token() -> m.Auth:
            text = keyring.signer.mint(key.id, ("talk",), now[0] + 60, one_session=True)
            return m.Auth(type="API_KEY", api_key=text)

        opened_by = token()
        first = place.join()
        first.register(auth=opened_by)
        await first.until(lambda: bool(first.frames))
        now[0] += 60
        first.ask("r1")
        await first.until(ended(first))
        assert first.text_of("r1") == "Yes."
        first.connection.lost()
        late = await come_back(place, first.registered, auth=opened_by)
        assert [error.error_code for error in late.errors] == ["AUTH_FAILED"]
        fresh = token()
        second = await come_back(place, first.registered, auth=fresh)
        assert not second.errors
        third = place.join()
        third.register(auth=fresh)
        await third.until(lambda: bool(third.frames))
        assert [error.error_code for error in third.errors] == ["AUTH_FAILED"]
        assert not (await come_back(place, second.registered, auth=fresh)).errors
