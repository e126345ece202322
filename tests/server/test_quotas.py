"""What a caller may have: the refusal of each quota, on the wire, and that it changes nothing."""

from __future__ import annotations

import attrs
import pytest
import trio

from tests.server.refused import counted, refusals
from tests.talk import SPOKEN, open_place
from voxint.core.agent import Agent, Limits
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.quotas import QUOTAS, Quotas
from voxint.server.readiness import Readiness, readiness
from voxint.testing.stages import SPEAK, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

KEYED = ServerConfig(api_keys=("one", "two"))
LONG = Agent(llm=ScriptedModel("Well, ", 50.0, "yes."))
ECHO = Agent(llm=ScriptedModel("Yes?"))


def key(name: str) -> m.Auth:
    """Return who brings a key."""
    return m.Auth(type="API_KEY", api_key=name)


async def test_requests_of_a_session_have_a_rate() -> None:
    """A burst goes through; what comes beyond is refused at once with the time to wait, and interrupts nothing."""
    async with open_place(LONG, quotas=Quotas(session_requests_per_minute=6, burst_s=20)) as place:
        talk = place.join()
        talk.register()
        for number in range(4):
            talk.ask(f"r{number}")
            await trio.sleep(1)
        assert refusals(talk) == [
            ("SERVER_BUSY", "quota session_requests_per_minute; retry after 8 s", True, "r2"),
            ("SERVER_BUSY", "quota session_requests_per_minute; retry after 7 s", True, "r3"),
        ]
        assert talk.connection.session is not None
        assert [request.id for request in talk.connection.session.registry.live] == ["r1"]
        assert counted(talk, "session_requests_per_minute") == 2
        await trio.sleep(8)
        talk.ask("r4")
        await trio.sleep(1)
        assert len(talk.errors) == 2
        assert talk.ended_at("r1") is not None


async def test_a_detector_that_cuts_sentences_in_two_meets_no_quota() -> None:
    """INTERRUPT and REQUEST twice for one sentence, ten sentences in a minute and two of them at once: all answered."""
    async with open_place(ECHO, quotas=Quotas()) as place:
        talk = place.join()
        talk.register()
        number = 0
        for pause in (0.0, *[3.0] * 19):
            for _ in range(2):
                talk.interrupt()
                talk.ask(f"r{number}")
                number += 1
                await trio.sleep(0.125)
            await trio.sleep(pause)
        await trio.sleep(1)
    assert not talk.errors
    assert len(talk.acks) == 40


async def test_six_hundred_requests_a_second_are_a_burst_and_then_the_rate() -> None:
    """One session makes 40 requests at once and then two a second, however many it sends; each INTERRUPT is met."""
    model = ScriptedModel("Yes?")
    async with open_place(Agent(llm=model), quotas=Quotas()) as place:
        talk = place.join()
        talk.register()
        for number in range(600):
            talk.ask(f"r{number}")
            talk.interrupt(f"r{number}")
            await trio.sleep(1 / 64)
        await trio.sleep(1)
        assert len(place.book.accepted_ids) == 40 + 2 * 600 // 64
    assert len(talk.acks) == 600


async def test_calls_of_models_have_a_rate() -> None:
    """Counted when a request has ended: the recogniser, the model and the synthesizer each once."""
    agent = Agent(llm=ScriptedModel("Yes. "), tts=ScriptedVoice(SPEAK))
    async with open_place(agent, quotas=Quotas(session_upstream_calls_per_minute=6, burst_s=20)) as place:
        talk = place.join()
        talk.register(SPOKEN)
        for number in range(2):
            talk.ask(f"r{number}")
            await trio.sleep(4)
        assert refusals(talk) == [
            ("SERVER_BUSY", "quota session_upstream_calls_per_minute; retry after 7 s", True, "r1")
        ]
        await trio.sleep(8)
        talk.ask("r2")
        await trio.sleep(4)
        assert len(talk.errors) == 1


@pytest.mark.parametrize(
    ("quotas", "quota"),
    [
        (Quotas(session_live_requests=1), "session_live_requests"),
        (Quotas(key_live_requests=1), "key_live_requests"),
        (Quotas(address_live_requests=1), "address_live_requests"),
    ],
)
async def test_live_requests_are_bounded(quotas: Quotas, quota: str) -> None:
    """One beyond is refused, and interrupts nothing; when the one has ended another may begin."""
    async with open_place(LONG, KEYED, quotas) as place:
        first = place.join("192.0.2.1")
        first.register(auth=key("one"))
        second = first
        if quota != "session_live_requests":
            second = place.join("192.0.2.1" if quota == "address_live_requests" else "192.0.2.2")
            second.register(auth=key("two" if quota == "address_live_requests" else "one"))
        first.ask("r1")
        await trio.sleep(1)
        second.ask("r2")
        await trio.sleep(1)
        assert refusals(second) == [("SERVER_BUSY", f"quota {quota}", True, "r2")]
        assert counted(second, quota) == 1
        first.interrupt("r1")
        await trio.sleep(1)
        second.ask("r3")
        await trio.sleep(1)
        assert len(second.errors) == 1
        assert second.text_of("r3") == "Well, "


@pytest.mark.parametrize(
    ("quotas", "quota", "other"),
    [
        (Quotas(key_requests_per_minute=3), "key_requests_per_minute", ("two", "192.0.2.1")),
        (Quotas(address_requests_per_minute=3), "address_requests_per_minute", ("one", "192.0.2.2")),
        (Quotas(key_upstream_calls_per_minute=3), "key_upstream_calls_per_minute", ("two", "192.0.2.1")),
        (Quotas(address_upstream_calls_per_minute=3), "address_upstream_calls_per_minute", ("one", "192.0.2.2")),
        (Quotas(key_tokens_per_day=1), "key_tokens_per_day", ("two", "192.0.2.1")),
    ],
)
async def test_a_key_and_an_address_have_theirs_and_cost_no_other(
    quotas: Quotas, quota: str, other: tuple[str, str]
) -> None:
    """A second session of the same is refused what the first has used up; somebody else is not."""
    async with open_place(ECHO, KEYED, quotas) as place:
        talks = []
        for name, address in (("one", "192.0.2.1"), ("one", "192.0.2.1"), other):
            talk = place.join(address)
            talk.register(auth=key(name))
            talk.ask("r1")
            await trio.sleep(1)
            talks.append(talk)
        day = quota.endswith("per_day")
        [(code, detail, retryable, request_id)] = refusals(talks[1])
        assert (code, retryable, request_id) == ("SERVER_BUSY", not day, "r1")
        assert detail.startswith(f"quota {quota}; retry after ")
        assert not talks[0].errors
        assert not talks[2].errors
        assert counted(talk, quota) == 1


async def test_a_budget_of_a_day_is_back_after_a_day() -> None:
    """Characters that were spoken: used up, it is told as not to be tried again, and 24 hours later it is there."""
    agent = Agent(llm=ScriptedModel("Twelve chars. "), tts=ScriptedVoice(SPEAK))
    config = ServerConfig(api_keys=("one",), session_timeout_s=1e6, heartbeat_s=1e6)
    async with open_place(agent, config, Quotas(key_characters_per_day=13)) as place:
        talk = place.join()
        talk.register(SPOKEN, auth=key("one"))
        talk.ask("r1")
        await trio.sleep(10)
        talk.ask("r2")
        await trio.sleep(86_400)
        talk.ask("r3")
        await trio.sleep(10)
    [(code, detail, retryable, request_id)] = refusals(talk)
    assert (code, retryable, request_id) == ("SERVER_BUSY", False, "r2")
    assert detail.startswith("quota key_characters_per_day; retry after 8639")
    assert talk.text_of("r3") == "Twelve chars. "


@pytest.mark.parametrize(
    ("quotas", "config", "quota"),
    [
        (Quotas(sessions=1), ServerConfig(), "sessions"),
        (Quotas(key_sessions=1), ServerConfig(api_keys=("any",)), "key_sessions"),
        (Quotas(address_sessions=1), ServerConfig(), "address_sessions"),
    ],
)
async def test_sessions_are_bounded(quotas: Quotas, config: ServerConfig, quota: str) -> None:
    """One beyond gets SERVER_BUSY and 1013; one that waits for its client makes room, one that is used does not."""
    async with open_place(ECHO, config, quotas) as place:
        first, second = place.join("192.0.2.1"), place.join("192.0.2.1")
        first.register()
        second.register()
        await trio.sleep(1)
        assert refusals(second) == [("SERVER_BUSY", f"quota {quota}", True, None)]
        assert second.connection.closing == (1013, "the server is busy: try again later")
        assert counted(second, quota) == 1
        first.connection.lost()
        third = place.join("192.0.2.1")
        third.register()
        await trio.sleep(1)
        assert third.registered.status == "SUCCESS"
        assert len(place.host.store) == 1


async def test_who_opens_many_sessions_costs_others_none() -> None:
    """Where room is made for all, a session of the same caller that waits for its client ends first."""
    async with open_place(ECHO, KEYED, Quotas(sessions=3, key_share=1)) as place:
        patient = place.join()
        patient.register(auth=key("two"))
        await trio.sleep(1)
        patient.connection.lost()
        for _ in range(5):
            talk = place.join()
            talk.register(auth=key("one"))
            await trio.sleep(1)
            talk.connection.lost()
        kept = [session.id for session in place.host.store.sessions]
        assert patient.registered.session_id in kept
        assert len(kept) == 3


async def test_on_an_open_server_the_address_is_the_key() -> None:
    """Anybody may say any key there: another one brings no more sessions."""
    async with open_place(ECHO, quotas=Quotas(key_sessions=1)) as place:
        talks = [place.join("192.0.2.1"), place.join("192.0.2.1"), place.join("192.0.2.2")]
        for number, talk in enumerate(talks):
            talk.register(auth=key(f"any {number}"))
        await trio.sleep(1)
        assert [len(talk.errors) for talk in talks] == [0, 1, 0]


async def test_under_load_those_who_are_served_go_on() -> None:
    """Busy: a newcomer registers and its requests are refused. Full: it can't register, and /readyz says so."""
    async with open_place(ECHO, quotas=Quotas()) as place:
        served = [place.join() for _ in range(20)]
        for talk in served:
            talk.register()
            talk.ask("r1")
        await trio.sleep(2)
        place.busy = 0.2
        new = place.join()
        new.register()
        new.ask("r1")
        served[0].ask("r2")
        await trio.sleep(2)
        assert refusals(new) == [("SERVER_BUSY", "quota busy_share; retry after 30 s", True, "r1")]
        assert served[0].text_of("r2") == "Yes?"
        assert readiness(place.host).state == "ready"
        place.busy = 0.5
        late = place.join()
        late.register()
        await trio.sleep(2)
        assert refusals(late) == [("SERVER_BUSY", "quota full_share; retry after 30 s", True, None)]
        words = "busy: the server is as busy as it may be: try again later (quota full_share)"
        assert readiness(place.host) == Readiness("busy", words)
        assert (counted(new, "busy_share"), counted(new, "full_share")) == (1, 1)


async def test_a_server_with_all_its_sessions_is_not_ready() -> None:
    """Unless one waits for its client, which would make room."""
    async with open_place(ECHO, quotas=Quotas(sessions=1)) as place:
        talk = place.join()
        talk.register()
        await trio.sleep(1)
        assert readiness(place.host).state == "busy"
        talk.connection.lost()
        assert readiness(place.host).state == "ready"


def test_every_bound_may_refuse_and_is_counted() -> None:
    """Each setting of [quotas] that is a bound is a label of the metric; two say only how others are meant.

    So is each bound of [limits] that refuses, and the one that a provider says.
    """
    assert {field.name for field in attrs.fields(Quotas)} - set(QUOTAS) == {"burst_s", "served_s"}
    assert len(QUOTAS) == len(set(QUOTAS))
    assert set(QUOTAS) - {"seats"} <= {field.name for made in (Quotas, Limits) for field in attrs.fields(made)}


async def test_a_key_has_its_rate_in_however_many_sessions() -> None:
    """Who opens one after the other does not begin anew with each."""
    answered = refused = 0
    async with open_place(ECHO, quotas=Quotas(key_requests_per_minute=60, burst_s=20)) as place:
        for _ in range(10):
            talk = place.join()
            talk.register()
            for number in range(10):
                talk.ask(f"r{number}")
            await trio.sleep(0.125)
            answered += sum(bool(talk.frames_of(f"r{number}")) for number in range(10))
            refused += len(refusals(talk))
            talk.say(m.Shutdown(reason="done"))
    assert 20 <= answered <= 22
    assert answered + refused == 100


async def test_one_of_several_keys_leaves_room_for_others() -> None:
    """Half of all sessions, where nothing else is said; the only key may have all."""
    for keys, most in ((("one", "two"), 5), (("one",), 10)):
        config = ServerConfig(api_keys=keys, max_connections=10)
        async with open_place(ECHO, config, Quotas()) as place:
            talks = [place.join() for _ in range(10)]
            for talk in talks:
                talk.register(auth=key("one"))
            await trio.sleep(1)
            assert sum(not talk.errors for talk in talks) == most
            if most < 10:
                assert refusals(talks[-1])[0][1] == "quota key_share"


async def test_one_session_has_no_more_connections_than_its_share() -> None:
    """Sixteen, and of several keys no more than half of all; the token of who is refused stays good."""
    async with open_place(ECHO, ServerConfig(api_keys=("one", "two"), max_connections=60), Quotas()) as place:
        first = place.join()
        first.register(auth=key("one"))
        await trio.sleep(1)
        latest = first
        joined = 0
        while joined < 20:
            ack, auth = latest.registered, key("one")
            assert ack.resume_token is not None
            resume = m.Resume(session_id=ack.session_id, resume_token=ack.resume_token)
            another = place.join()
            another.register(auth=auth, resume=resume)
            await trio.sleep(1)
            if another.errors:
                break
            latest, joined = another, joined + 1
        assert joined == 15
        assert another.connection.closing == (1013, "this session has too many connections: close one first")
        first.connection.lost()
        await trio.sleep(1)
        again = place.join()
        again.register(auth=auth, resume=resume)
        await trio.sleep(1)
        assert again.registered.status == "SUCCESS"
        others = [place.join() for _ in range(40)]
        for other in others:
            place.host.connections.add(other.connection)  # as the endpoint does
            other.register(auth=key("one"))
        await trio.sleep(1)
        assert sum(not other.errors for other in others) == 29  # and one session that has been there before
        assert refusals(others[-1])[0][1] == "quota key_share"


async def test_a_session_that_is_gone_leaves_nothing_to_count() -> None:
    """Its accounts are the key's and the address's only, and those go too where there are many that owe nothing."""
    async with open_place(ECHO, quotas=Quotas()) as place:
        for number in range(1100):
            talk = place.join(f"192.0.{number // 256}.{number % 256}")
            talk.register()
            talk.say(m.Shutdown(reason="done"))
        await trio.sleep(60)
        assert not place.host.meter._members
        place.join("192.0.9.9").register()
        assert len(place.host.meter._accounts) < 10
