from __future__ import annotations

from collections import deque

from voxint.server.admission import FEW, Admission


def admission() -> Admission:
    """Return one with the default shares."""
    return Admission(0.85, 0.95, 30.0)


def serve(gate: Admission, *sessions: str, now: float, busy: float) -> list[str]:
    """Ask for each session; return those that were let in and speak now."""
    served = []
    for session in sessions:
        if gate.admits(session, now, busy):
            gate.began(session, now)
            served.append(session)
    return served


NAMES = [f"s{number}" for number in range(400)]


def test_a_calm_server_serves_everybody() -> None:
    """However many come at once."""
    assert serve(admission(), *NAMES, now=0, busy=0.3) == NAMES


def test_a_busy_server_serves_those_that_it_served() -> None:
    """The set freezes: newcomers are refused, the others go on, and those that left are forgotten."""
    gate = admission()
    serve(gate, *NAMES[:100], now=0, busy=0.2)
    assert serve(gate, *NAMES[:150], now=2, busy=0.9) == NAMES[:100]
    gate.ended("s0", 3)
    assert gate.admits("s0", 32, 0.9)
    assert not gate.admits("s0", 34.5, 0.9)  # its last answer ended more than 30 s ago
    gate.forget("s1")
    assert not gate.admits("s1", 35, 0.9)


def test_newcomers_are_taken_as_far_as_they_fit() -> None:
    """Near the bound some a second, by what those cost who speak; after it was passed few, and when it is calm."""
    gate = admission()
    serve(gate, *NAMES[:100], now=0, busy=0.2)
    assert len(serve(gate, *NAMES[100:], now=2, busy=0.68)) == 12  # a quarter more would fit; half of that
    assert not serve(gate, *NAMES[200:], now=4, busy=0.86)
    assert not serve(gate, *NAMES[200:], now=6, busy=0.8)
    assert len(serve(gate, *NAMES[200:], now=8, busy=0.68)) == 3


def test_a_full_server_lets_go_of_the_newest() -> None:
    """A quarter at first, then more, and again only when those have ended and the load has been seen without them."""
    gate = admission()
    serve(gate, *NAMES[:200], now=0, busy=0.2)
    assert serve(gate, *NAMES[:200], now=2, busy=1.0) == NAMES[:150]
    assert serve(gate, *NAMES[:200], now=4, busy=1.0) == NAMES[:150]
    for session in NAMES[150:200]:
        gate.ended(session, 5)
    assert serve(gate, *NAMES[:200], now=6, busy=1.0) == NAMES[:150]
    assert serve(gate, *NAMES[:200], now=8, busy=1.0) == NAMES[:90]


def test_a_few_are_always_served() -> None:
    """A loop that is busy with sixteen speakers is busy with something else."""
    gate = admission()
    assert serve(gate, *NAMES[:40], now=0, busy=1.0) == NAMES[:FEW]
    assert not gate.admits_newcomer(1, 1.0)
    gate.forget(NAMES[0])
    assert gate.admits_newcomer(1, 1.0)


def test_somebody_new_may_register_until_it_is_full() -> None:
    """While it is only busy they may; what they ask is refused."""
    gate = admission()
    serve(gate, *NAMES[:40], now=0, busy=0.2)
    assert gate.admits_newcomer(2, 0.94)
    assert not gate.admits_newcomer(4, 0.95)


def test_a_share_of_1_serves_everybody() -> None:
    """The operator wants it so."""
    gate = Admission(1.0, 1.0, 30.0)
    assert serve(gate, *NAMES, now=0, busy=1.0) == NAMES
    assert gate.admits_newcomer(0, 1.0)


def simulated(offered: int, carried: int, seconds: int) -> list[int]:
    """Return how many speak in each second, where answers last 6 s and each refused asks again after one."""
    gate, speaking, waiting = admission(), dict[str, int](), deque(NAMES[:offered])
    busy, counts = 0.0, []
    for now in range(seconds):
        for session in [who for who, until in speaking.items() if until <= now]:
            del speaking[session]
            gate.ended(session, now)
            waiting.append(session)
        for _ in range(len(waiting)):
            session = waiting.popleft()
            if gate.admits(session, now, busy):
                gate.began(session, now)
                speaking[session] = now + 6
            else:
                waiting.append(session)
        counts.append(len(speaking))
        busy = min(1.0, 0.95 * len(speaking) / carried)
    return counts


def test_twice_what_is_carried_settles_at_what_is() -> None:
    """All at once: within half a minute no more than a core carries, and at least 80 % of that from then on."""
    counts = simulated(offered=320, carried=160, seconds=120)
    assert max(counts[40:]) <= 160
    assert min(counts[40:]) >= 0.8 * 160
