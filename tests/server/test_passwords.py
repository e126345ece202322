from __future__ import annotations

import time

import pytest
import trio
import trio.testing

from tests.credentials import cheap_hash
from voxint.server import passwords
from voxint.server.passwords import HASH, Passwords, TooManyPasswords, hash_password, password_hash_fault

STRONG = hash_password("pass")


def test_a_hash_has_the_least_that_owasp_asks_for() -> None:
    """Argon2id, 19 MiB, two passes; with a salt of its own."""
    assert STRONG.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password("pass") != STRONG
    assert password_hash_fault(STRONG) == ""


@pytest.mark.parametrize("text", [
    "",
    "open sesame",
    "$2b$12$abcdefghijklmnopqrstuu",
    STRONG.replace("argon2id", "argon2i"),
    STRONG.replace("v=19", "v=16"),
    STRONG + " ",
    STRONG[:40],
    STRONG.replace("m=19456", "m=1000000"),
    STRONG.replace("m=19456", "m=7"),
    STRONG.replace("t=2", "t=0"),
    STRONG.replace("t=2", "t=17"),
    STRONG.replace("p=1", "p=0"),
    STRONG.replace("p=1", "p=9"),
])  # fmt: skip
def test_what_is_no_hash_or_costs_too_much_is_refused(text: str) -> None:
    """The refusal does not quote it: it may be the password."""
    fault = password_hash_fault(text)
    assert fault.startswith("must ")
    assert not text or text not in fault


@pytest.mark.parametrize("password", ["", "x" * 1025])
def test_a_password_has_a_length(password: str) -> None:
    """An empty one would let everybody in."""
    with pytest.raises(ValueError, match="1 to 1024 bytes"):
        hash_password(password)


async def test_a_long_password_is_not_looked_at() -> None:
    """Nor one that is no Unicode a reason to fail."""
    known = Passwords({"ann": cheap_hash("pass")})
    assert not await known.match("ann", "x" * 1025)
    assert not await known.match("ann", "\ud800")
    assert await known.match("ann", "pass")


async def test_who_is_not_known_costs_what_the_costliest_account_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a refusal tells nobody which accounts there are."""
    verified: list[str] = []

    def noted(hashed: str, password: bytes) -> bool:
        verified.append(hashed)
        return passwords_match(hashed, password)

    passwords_match = passwords.matches_hash
    monkeypatch.setattr(passwords, "matches_hash", noted)
    known = Passwords({"ann": cheap_hash("pass"), "bob": STRONG})
    assert not await known.match("carl", "pass")
    [nobodys] = verified
    dummy, strong = HASH.fullmatch(nobodys), HASH.fullmatch(STRONG)
    assert dummy is not None
    assert strong is not None
    assert (dummy.groups(), len(nobodys)) == (strong.groups(), len(STRONG))
    began = time.perf_counter()
    assert not passwords_match(nobodys, b"pass")
    assert time.perf_counter() - began > 0.002  # it was computed, and not refused for its form


async def test_one_is_verified_at_a_time_and_few_wait() -> None:
    """The others hear at once that there are too many, and those that wait get their answer."""
    known = Passwords({"ann": STRONG})
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await known.match("ann", "pass"))

    async with trio.open_nursery() as nursery:
        for _ in range(passwords.WAITING):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(TooManyPasswords):
            await known.match("ann", "pass")
    assert answers == [True] * passwords.WAITING
    assert await known.match("ann", "pass")


async def test_who_leaves_gives_its_turn_away() -> None:
    """A cancelled one holds neither a place nor, beyond its own verification, the thread."""
    known = Passwords({"ann": STRONG})
    for _ in range(3 * passwords.WAITING):
        with trio.move_on_after(0.001):
            await known.match("ann", "pass")
    assert await known.match("ann", "pass")


async def test_the_loop_goes_on_while_passwords_are_verified() -> None:
    """The thread holds no interpreter lock: a flood of guesses delays nobody's audio."""
    known = Passwords({"ann": STRONG})
    late: list[float] = []

    async def guess() -> None:
        while True:
            await known.match("ann", "wrong")

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(guess)
        for _ in range(100):
            due = trio.current_time() + 0.005
            await trio.sleep_until(due)
            late.append(trio.current_time() - due)
        nursery.cancel_scope.cancel()
    late.sort()
    assert late[len(late) // 2] < 0.02, f"half of all steps come later than {late[len(late) // 2] * 1000:.1f} ms"
