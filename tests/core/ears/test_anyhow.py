"""Ears in any order of speech, words, silence, holds, interrupts and disconnects: what was promised holds."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.core.ears.anyhow import GUARDED, HOLD_S, PLAIN, SLACK_S, Client, Heard, Scene, Step, World, a_scene
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.rules import EarRules
from voxint.core.events import Committed, Ended, Endpoint, Held, Onset, Released, Text, Voice

DOES = (
    *("speech", "speech", "speech", "speech", "half", "backchannel", "click", "burst"),
    *("quiet", "quiet", "quiet", "quiet", "stall"),
    *("ask", "interrupt", "interrupt", "hold", "release", "come or go", "microphone", "slow", "settings"),
)
STEPS = st.lists(st.tuples(st.sampled_from(DOES), st.integers(0, 3), st.integers(1, 6)), min_size=4, max_size=30)
EARS = (
    "early",
    "early",
    "early",
    "late",
    "slow",
    "final",
    "fails",
    "hangs",
    "is silent",
    "is empty",
    "ends early",
    "lingers",
)
MODEL = ("plain", "plain", "guards", "thinks", "fails", "lingers")

RULES = st.builds(
    EarRules,
    speculate=st.booleans(),
    recovery=st.sampled_from(["", "Sorry?"]),
    barge_in=st.builds(
        BargeIn, hold=st.sampled_from([True, True, False]), min_answer_ms=st.sampled_from([0.0, 0.0, 800.0])
    ),
)
ROUNDED_S = 1e-6
"""By which two sums of the same seconds may differ: a hold may be looked at in the instant in which it ends."""

WORLDS = st.builds(
    World,
    ears=st.lists(st.sampled_from(EARS), min_size=1, max_size=5),
    model=st.lists(st.sampled_from(MODEL), min_size=1, max_size=4),
    rules=RULES,
    on_disconnect=st.sampled_from(["interrupt", "keep"]),
)


def check_utterances(scene: Scene) -> None:
    """Each that has begun to be heard has one end, and each that is asked stands in the dialogue."""
    ends: Counter[object] = Counter()
    for kind, request in scene.watcher.log:
        if request.answer.ends_silently and (kind == "over" or (kind == "finished" and request.ending != "complete")):
            protected = any(each is request and point.outcome == "protected" for each, point in scene.watcher.endpoints)
            refused = kind == "finished" and any(each is request for each, _ in scene.watcher.endpoints)
            ends[request] += 0 if protected and refused else 1
    for kind, request in scene.watcher.log:
        if kind == "accepted" and request.answer.ends_silently:
            assert ends[request] == 1
    asked = [exchange.user for exchange in scene.session.dialogue]
    for _, endpoint in scene.watcher.endpoints:
        if endpoint.outcome == "request":
            assert endpoint.text in asked
    numbers = [int(word.strip(".")[1:]) for user in asked for word in user.split() if word.startswith("w")]
    assert numbers == sorted(set(numbers))  # each once, and in the order in which it was said


def check_orders(scene: Scene) -> None:
    """Each is answered once, and true."""
    for told in scene.acks:
        assert len(told) == 1
        for request in told[0].stopping:
            assert request.ending is not None
            assert told[0].outcomes[request.id] in ("stopped", "overrun")


def check_heard(client: Client) -> None:
    """What one client was told, by each connection."""
    by: dict[int, list[Heard]] = defaultdict(list)
    for heard in client.heard:
        by[heard.connection].append(heard)
    for connection, all_heard in by.items():
        held: dict[str, float] = {}
        open_until: dict[str, bool] = {}
        spoke: set[str] = set()
        listening: set[str] = set()
        for heard in all_heard:
            request_id, event = heard.said.request_id, heard.said.event
            for each, since in held.items():  # of what had ended and still played, no more may come
                assert each in spoke or heard.at - since <= HOLD_S + SLACK_S + 40 * client.slow_s
            match event:
                case Onset():
                    assert request_id not in listening
                    listening.add(request_id)
                case Endpoint():
                    listening.discard(request_id)
                case Held():
                    assert request_id not in held
                    held[request_id] = heard.at
                case Released():
                    del held[request_id]
                case Committed(_, interrupted):
                    for each in interrupted:
                        if each in spoke:  # it had ended, and its end was told
                            held.pop(each, None)
                case Ended():
                    held.pop(request_id, None)
                    listening.discard(request_id)
                    assert open_until.pop(request_id, False) in (True, False)
                    spoke.add(request_id)
                case Text() | Voice():
                    assert request_id not in held
                    assert request_id not in spoke
                    assert request_id not in listening  # what was asked too early is not heard of
                    open_until[request_id] = True
                    assert len(open_until) == 1, (connection, open_until)  # never two at once


def check_speech(scene: Scene) -> None:
    """No sample is lost or comes twice, and nothing was heard that was not sent."""
    texts = (PLAIN + " ", GUARDED + PLAIN + " ", "Sorry?")
    for client in scene.clients:
        said: dict[str, str] = defaultdict(str)
        audio: dict[str, bytes] = defaultdict(bytes)
        ended: dict[str, Ended] = {}
        for heard in client.heard:
            match heard.said.event:
                case Text(text):
                    said[heard.said.request_id] += text
                case Voice(pcm):
                    audio[heard.said.request_id] += pcm
                case Ended() as ending:
                    ended[heard.said.request_id] = ending
        if len({heard.connection for heard in client.heard}) > 1:
            continue  # what it lacks of what was interrupted meanwhile it is never sent
        for request_id, text in said.items():
            assert any(text in each for each in texts)
            assert client is not scene.clients[0] or any(each.startswith(text) for each in texts)
            end = ended.get(request_id)
            if end is not None and not end.interrupted and end.failure is None and client is scene.clients[0]:
                assert text in texts
        for pcm in audio.values():
            samples = array("h", pcm)
            first = samples[0] - 1  # the second client comes in the middle
            assert client is not scene.clients[0] or first == 0
            assert all(sample == (first + at) % 30_000 + 1 for at, sample in enumerate(samples))
        for request in scene.session.registry.ended:
            ours = client is scene.clients[0] and client.listener is request.answer.player is not None
            if ours and request.receipt is not None:
                assert said[request.id].startswith(request.receipt.text.heard.strip())


def check_holds(scene: Scene) -> None:
    """None lasts for longer than it may."""
    for request in (*scene.session.registry.live, *scene.session.registry.ended):
        since = request.answer.holding.since
        if request.held and since is not None:
            assert trio.current_time() - since <= HOLD_S + ROUNDED_S


async def go_through(world: World, steps: list[Step]) -> None:
    """Take the steps, and look at all that came of them."""
    async with a_scene(world) as scene:
        for what, who, count in steps:
            await scene.do(what, who, count)
            check_holds(scene)
        if scene.ears is not None:
            await scene.do("quiet", 1, 6)
        await trio.sleep(2)
        assert not any(each.held for each in (*scene.session.registry.live, *scene.session.registry.ended))
    assert scene.watcher.broken == []
    check_orders(scene)
    check_utterances(scene)
    for client in scene.clients:
        check_heard(client)
    check_speech(scene)


@settings(max_examples=150, deadline=None)
@given(WORLDS, STEPS)
def test_what_was_promised_holds(world: World, steps: list[Step]) -> None:
    """Whoever speaks, types, holds, interrupts and leaves, and however recognisers and models behave."""
    trio.run(go_through, world, steps, clock=MockClock(autojump_threshold=0))


def test_what_was_typed_last_is_asked_last() -> None:
    """Of two long pieces of sound the second is not heard yet when somebody types: it does not come behind that."""
    rules = EarRules(barge_in=BargeIn(hold=False))
    steps = [("speech", 1, 1), ("burst", 0, 3), ("burst", 0, 3), ("ask", 0, 1)]
    trio.run(go_through, World(["early"], ["plain"], rules), steps, clock=MockClock(autojump_threshold=0))
