"""The instruments that need no browser: what was played is found in samples, and the bad network is as bad as told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from tests.browser.rig.network import Network
from tests.browser.rig.played import stretches
from tests.browser.rig.stages import sweep
from tests.browser.rig.waiting import LIMIT_S

RATE = 44_100


def played(begin_s: float, end_s: float) -> np.ndarray:
    """Return a part of the sweep as it is played, faded over 10 ms at both ends."""
    begin, count = round(begin_s * RATE), round((end_s - begin_s) * RATE)
    sound = np.asarray(sweep(RATE, begin, count)) / 32_768
    fade = np.linspace(0, 1, RATE // 100)
    sound[: len(fade)] *= fade
    sound[-len(fade) :] *= fade[::-1]
    return sound


@pytest.mark.parametrize("lost_s", [-0.01, 0.0, 0.005, 0.5])
def test_what_a_pause_lost_is_found(lost_s: float) -> None:
    """The place in the answer is known on both sides of a pause, to a millisecond; a loss and a repetition show."""
    sound = np.concatenate((np.zeros(RATE), played(0, 2.7), np.zeros(RATE // 2), played(2.7 + lost_s, 5)))
    first, second = stretches(sound.tolist(), RATE)
    assert first.begin == pytest.approx(1, abs=0.001)
    assert first.from_s == pytest.approx(0, abs=0.001)
    assert second.begin - first.end == pytest.approx(0.5, abs=0.002)
    assert second.from_s - first.to_s == pytest.approx(lost_s, abs=0.002)
    assert max(first.slip, second.slip) < 0.001


def test_a_leap_within_the_sound_is_found() -> None:
    """Where a buffer ran over or a chunk came twice, the place in the answer strays."""
    sound = np.concatenate((played(0, 2.0), played(2.1, 3)))
    [stretch] = stretches(sound.tolist(), RATE)
    assert stretch.slip == pytest.approx(0.1, abs=0.01)


@contextmanager
def echoing() -> Iterator[int]:
    """Listen, and send back what one caller says; yields the port."""

    def answer() -> None:
        caller, _ = listener.accept()
        with caller:
            while data := caller.recv(65_536):
                caller.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(LIMIT_S)


def test_the_network_is_late_and_narrow() -> None:
    """A word comes back after twice the delay; a page takes as long as the narrow way lets it."""
    with echoing() as port, Network(port) as network, socket.create_connection(("127.0.0.1", network.port)) as near:
        near.settimeout(LIMIT_S)
        network.delay_s = 0.1
        begin = time.monotonic()
        near.sendall(b"word")
        assert near.recv(100) == b"word"
        assert time.monotonic() - begin >= 0.2
        network.delay_s, network.bytes_per_s = 0.0, 40_960
        begin = time.monotonic()
        near.sendall(bytes(12_288))
        got = 0
        while got < 12_288:
            got += len(near.recv(65_536))
        # Three pieces, of which the last need not wait for what comes behind it.
        assert time.monotonic() - begin >= 0.2


def test_the_network_stalls_and_is_cut() -> None:
    """What a stall holds back comes when it ends; a cut ends the connection on both sides."""
    with echoing() as port, Network(port) as network, socket.create_connection(("127.0.0.1", network.port)) as near:
        near.settimeout(LIMIT_S)
        near.sendall(b"one")
        assert near.recv(100) == b"one"
        network.stall()
        near.sendall(b"two")
        near.settimeout(0.1)
        with pytest.raises(TimeoutError):
            near.recv(100)
        near.settimeout(LIMIT_S)
        network.flow()
        assert near.recv(100) == b"two"
        network.cut()
        with suppress(ConnectionResetError):
            assert near.recv(100) == b""
