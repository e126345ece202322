from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import trio
from attrs import define, field

from tests.credentials import add_key, remove_key
from tests.end_to_end.callers import serving
from tests.end_to_end.wire import open_wire
from tests.talk import WRITTEN
from voxint.core.agent import Agent
from voxint.errors import ConfigError
from voxint.protocol import messages as m
from voxint.server import reloading
from voxint.server.config import ServerConfig
from voxint.server.reloading import ReloadedFiles, Reloader
from voxint.server.serve import Server
from voxint.testing.stages import FOREVER, ScriptedModel


@define(eq=False)
class Text:
    """A file's text, and how often it was read."""

    path: Path
    text: str = ""
    reads: int = 0
    failures: int = 0
    files: ReloadedFiles[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Look after it."""
        self.files = ReloadedFiles("keys", (self.path,), self.load, self.take, self.failed)

    def load(self) -> str:
        """Read it."""
        self.reads += 1
        try:
            return self.path.read_text()
        except OSError as error:
            raise ConfigError(str(self.path), "a file") from error

    def take(self, text: str) -> bool:
        """Note it."""
        changed, self.text = text != self.text, text
        return changed

    def failed(self) -> None:
        """Count it."""
        self.failures += 1


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged."""
    text = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(text),
    )
    yield text
    structlog.reset_defaults()


async def test_a_file_is_read_when_it_has_changed(tmp_path: Path, written: io.StringIO) -> None:
    """And only then, or where it is asked for; the log says when something is new."""
    text = Text(tmp_path / "file")
    text.path.write_text("one")
    for _ in range(3):
        await text.files.look()
    assert (text.text, text.reads) == ("one", 1)
    text.path.write_text("two!")
    await text.files.look()
    await text.files.look()
    assert (text.text, text.reads) == ("two!", 2)
    await text.files.look(force=True)
    assert text.reads == 3
    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == ["changed files read"] * 2


async def test_a_file_that_was_replaced_by_another_of_its_age_and_size_has_changed(tmp_path: Path) -> None:
    """A rename is seen by the file that is there then."""
    text = Text(tmp_path / "file")
    text.path.write_text("one")
    await text.files.look()
    other = tmp_path / "other"
    other.write_text("two")
    os.utime(other, ns=(text.path.stat().st_atime_ns, text.path.stat().st_mtime_ns))
    other.replace(text.path)
    await text.files.look()
    assert text.text == "two"


async def test_what_is_of_no_use_leaves_what_was_before(tmp_path: Path, written: io.StringIO) -> None:
    """It is told once with its place and counted; and read when it has changed again."""
    text = Text(tmp_path / "file")
    text.path.write_text("one")
    await text.files.look()
    text.path.unlink()
    for _ in range(3):
        await text.files.look()
    assert (text.text, text.failures) == ("one", 1)
    line = json.loads(written.getvalue().splitlines()[-1])
    assert line == {
        "event": "changed files not used",
        "level": "warning",
        "what": "keys",
        "place": str(text.path),
        "expected": "a file",
    }
    text.path.write_text("two")
    await text.files.look()
    assert text.text == "two"


async def test_a_file_system_that_hangs_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look ends without it, what comes after a look is done, and one thread waits, not one more each time."""
    monkeypatch.setattr(reloading, "LOOK_S", 0.05)
    text, goes_on, rounds = Text(tmp_path / "file"), threading.Event(), 0
    real = text.load
    threads = threading.active_count()

    def hang() -> str:
        goes_on.wait(10)
        return real()

    def after() -> None:
        nonlocal rounds
        rounds += 1

    text.path.write_text("one")
    files = ReloadedFiles("keys", (text.path,), hang, text.take, text.failed)
    reloader = Reloader((files,), after)
    for _ in range(3):
        await reloader.look()
    assert (rounds, text.failures) == (3, 3)
    assert threading.active_count() <= threads + 2  # one of them idle: trio's own
    goes_on.set()
    await files.look()
    assert text.text == "one"


async def test_a_look_comes_every_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the server is down."""
    rounds, until = 0, trio.CancelScope()

    def after() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            until.cancel()

    monkeypatch.setattr(reloading, "EVERY_S", 0.01)
    nothing = ReloadedFiles[None]("nothing", (), lambda: None, lambda _: False)
    with trio.fail_after(5):
        await Reloader((nothing,), after).run(until)
    assert rounds == 3


async def test_whatever_a_file_system_says_ends_no_server() -> None:
    """A file that vanishes while it is read leaves what was before."""

    def load() -> None:
        raise FileNotFoundError(2, "No such file or directory")

    failures: list[int] = []
    files = ReloadedFiles[None]("certificate", (Path("/x"),), load, lambda _: True, lambda: failures.append(1))
    with structlog.testing.capture_logs() as logs:
        await files.look(force=True)
        await files.look()
        await files.look()
    assert [line["event"] for line in logs] == ["changed files not used"]
    assert failures == [1]


async def test_what_passes_by_itself_is_read_again(tmp_path: Path) -> None:
    """A look that failed for want of a descriptor must not lose a revocation: the next one reads the file as it is."""
    outcomes: list[OSError | str] = [OSError(24, "Too many open files"), "new"]
    taken: list[str] = []

    def load() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    def take(value: str) -> bool:
        taken.append(value)
        return True

    files = ReloadedFiles[str]("keys", (tmp_path / "keys",), load, take)
    (tmp_path / "keys").write_text("x")
    await files.look()
    assert taken == []
    await files.look()
    assert taken == ["new"]
    await files.look()
    assert taken == ["new"]


async def came(server: Server, key: str) -> list[m.ServerMessage]:
    """Return what a client with that key gets."""
    async with open_wire(server.url) as wire:
        wire.register(WRITTEN, key=key)
        await wire.until(lambda: bool(wire.frames))
        return [frame for _, frame in wire.frames]


@pytest.mark.parametrize("asked", [False, True])
async def test_a_running_server_knows_new_keys_and_revoked_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """Soon by itself, or when it is asked to; the sessions of a revoked key are closed with 4401, others go on."""
    monkeypatch.setattr(reloading, "EVERY_S", 1000 if asked else 0.05)
    path = tmp_path / "keys"
    (first, record), (other, _) = add_key(path), add_key(path)
    config = ServerConfig(port=0, drain_s=0, keys_file=str(path))
    async with (
        serving(Agent(llm=ScriptedModel("Well, ", FOREVER)), config) as server,
        open_wire(server.url) as one,
        open_wire(server.url) as two,
    ):
        one.register(WRITTEN, key=first)
        two.register(WRITTEN, key=other)
        await one.until(lambda: one.session_id is not None)
        await two.until(lambda: two.session_id is not None)
        one.ask("r1")
        two.ask("r1")
        await one.until(lambda: bool(one.responses("r1")))
        remove_key(path, record)
        new, _ = add_key(path)
        if asked:
            await server.reload()
        closed = await one.until_closed()
        assert (closed.code, closed.reason) == (4401, "the key or account was revoked: register with another")
        assert one.responses("r1")[-1].interrupt_reason == "KEY_REVOKED"
        assert isinstance((await came(server, new))[0], m.RegisterAck)
        assert isinstance((await came(server, first))[0], m.Error)
        path.write_text("nonsense")
        await server.reload()
        assert isinstance((await came(server, new))[0], m.RegisterAck)
        assert two.closed is None
