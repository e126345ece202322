"""`voxint models`: the list, `pull` and `path`, against an https server on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from attrs import evolve, frozen

from tests.assets.https_server import CONTENT, HttpsServer, Visit, entry_at, open_server, whole
from tests.cli.process import LIMIT_S, Done, Running, run_cli, start_cli
from tests.net.loopback import AUTHORITY
from voxint.assets.table import AssetEntry

OTHER = CONTENT[::-1]

PROGRAM = """
import sys
from types import MappingProxyType
from voxint.assets import table
from voxint.assets.table import AssetEntry, PackageFile
table.ENTRIES = MappingProxyType({each.name: each for each in [%s]})
table.GROUPS = ("kokoro", "moonshine")
from voxint.cli import main
sys.argv[0] = "voxint"
main()
"""
"""The command line with a table of the test's own, since it must reach no vendor."""


@frozen
class Place:
    """Where a command of the test runs: a cache of its own, a table of three files, and their server."""

    folder: Path
    server: HttpsServer

    @property
    def entries(self) -> list[AssetEntry]:
        """The table: two files of which one is recommended, and one that no vendor has."""
        return [
            evolve(entry_at(self.server.url("/model"), name="model"), recommended=True),
            entry_at(self.server.url("/voice"), name="voice", content=OTHER),
            evolve(entry_at(name="words", content=b"words"), group="moonshine", extra="speech"),
        ]

    @property
    def cache(self) -> Path:
        """The cache."""
        return self.folder / "caches" / "voxint" / "models"

    @property
    def environment(self) -> dict[str, str]:
        """What the command sees."""
        AUTHORITY.cert_pem.write_to_path(str(self.folder / "authority.pem"))
        nothing = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), "")
        return nothing | {
            "XDG_CACHE_HOME": str(self.folder / "caches"),
            "HOME": str(self.folder),
            "SSL_CERT_FILE": str(self.folder / "authority.pem"),
        }

    def program(self) -> str:
        """The program to run."""
        return PROGRAM % ", ".join(repr(entry) for entry in self.entries)

    async def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Done:
        """Run `voxint models`."""
        environment = self.environment | dict(env or {})
        return await run_cli("models", *arguments, cwd=self.folder, env=environment, program=self.program())


async def serving(visit: Visit) -> None:
    """Serve both files."""
    await whole(visit, CONTENT if visit.target == "/model" else OTHER)


def rows(done: Done) -> list[list[str]]:
    """Return the columns of the list's lines."""
    assert (done.code, done.err) == (0, "")
    return [line.split(None, 4) for line in done.out.splitlines()]


async def test_a_pipe_gets_a_line_for_each_file(tmp_path: Path) -> None:
    """Name, where it is, bytes, licence, what it is for."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "voice.bin").write_bytes(OTHER)
        listed = rows(await place.run(env={"VOXINT_ASSETS": "mine"}))
        assert listed == [
            ["model", "missing", "1024000", "MIT", "a test"],
            ["voice", "folder", "1024000", "MIT", "a test"],
            ["words", "missing", "5", "MIT", "a test"],
        ]
        assert [row[1] for row in rows(await place.run("--folder", "mine"))] == ["missing", "folder", "missing"]


async def test_a_wrong_file_is_listed_as_wrong(tmp_path: Path) -> None:
    """By its size; with --check by its bytes too. The exit code tells a script."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        place.cache.mkdir(parents=True)
        (place.cache / "model.bin").write_bytes(b"!" * len(CONTENT))
        assert rows(await place.run())[0][1] == "cache"
        done = await place.run("--check")
        assert done.code == 1
        assert done.out.startswith("model  wrong ")
        assert "this is not the file model: its SHA-256 is" in done.out
        (place.cache / "model.bin").write_bytes(b"short")
        assert (await place.run()).code == 1


async def test_json_has_everything(tmp_path: Path) -> None:
    """For machines: the table's fields, where each file is, and what is wrong with it."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        await place.run("pull", "voice")
        done = await place.run("--json")
    listed = {each["name"]: each for each in json.loads(done.out)}
    assert [*listed] == ["model", "voice", "words"]
    assert (listed["voice"]["where"], listed["voice"]["paths"]) == ("cache", [str(place.cache / "voice.bin")])
    assert (listed["model"]["where"], listed["model"]["paths"], listed["model"]["wrong"]) == (None, [], "")
    assert listed["voice"]["sha256"] == place.entries[1].sha256
    assert listed["voice"]["urls"] == [server.url("/voice")]


async def test_pull_fetches_what_is_recommended(tmp_path: Path) -> None:
    """A line for each file on standard output, and none of a progress bar where standard error is no terminal."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        done = await place.run("pull")
        assert (done.code, done.err) == (0, "")
        assert done.out == f"model fetched from 127.0.0.1, 1.0 MB: {place.cache / 'model.bin'}\n"
        again = await place.run("pull")
        assert again.out == "model is there (cache)\n"
        assert len(server.visits) == 1
        assert (await place.run("path", "model")).out == f"{place.cache / 'model.bin'}\n"


async def test_pull_takes_names_and_groups(tmp_path: Path) -> None:
    """Each file once; the folder that is named gets also what is elsewhere on the disk."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        await place.run("pull", "model")
        done = await place.run("pull", "kokoro", "voice", "--folder", "out")
        assert done.code == 0
        assert done.out.splitlines() == [
            "model copied from the cache: out/model.bin",
            "voice fetched from 127.0.0.1, 1.0 MB: out/voice.bin",
        ]
        assert [visit.target for visit in server.visits] == ["/model", "/voice"]
        assert [row[1] for row in rows(await place.run("--folder", "out"))] == ["folder", "folder", "missing"]


async def test_a_name_of_nothing_is_told_with_the_nearest(tmp_path: Path) -> None:
    """Before anything is fetched; the exit code is that of a wrong argument."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        done = await place.run("pull", "model", "moonshin")
        assert (done.code, done.out) == (2, "")
        assert done.err == ("voxint: NAME: there is no model file and no group moonshin; did you mean moonshine?\n")
        done = await place.run("path", "voise")
        assert (done.code, done.err) == (
            2,
            "voxint: model file voise: there is none of this name; did you mean voice?\n",
        )
        assert server.visits == []


async def test_what_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    """Each failure is a line of its own, and the exit code is 1."""

    async def half(visit: Visit) -> None:
        await (visit.answer("404 Not Found") if visit.target == "/model" else serving(visit))

    async with open_server(half) as server:
        place = Place(tmp_path, server)
        done = await place.run("pull", "all")
    assert done.code == 1
    assert done.out == f"voice fetched from 127.0.0.1, 1.0 MB: {place.cache / 'voice.bin'}\n"
    first, second, last = done.err.splitlines()
    assert "VOXINT_ASSETS" in last
    assert first == "voxint: model could not be fetched (127.0.0.1: it has no such file (status 404))"
    assert second.startswith("voxint: words is in no place on the network by itself")


async def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    """By its name, as a wrong argument."""
    (tmp_path / "file").touch()
    async with open_server(serving) as server:
        done = await Place(tmp_path, server).run("pull", "--folder", "file")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("voxint: file: this folder can't be written (File exists)")


async def test_a_missing_file_has_no_path(tmp_path: Path) -> None:
    """It is told where it was looked for, and how to get it."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        done = await place.run("path", "model")
    assert (done.code, done.out) == (2, "")
    assert f"model.bin is not in {place.cache}: `voxint models pull model` fetches it" in done.err


async def test_ctrl_c_keeps_what_has_come(tmp_path: Path) -> None:
    """It is said, the exit code is that of an interrupted command, and the next one goes on."""
    sent = trio.Event()

    async def stopping(visit: Visit) -> None:
        if visit.start:
            await whole(visit)
            return
        await visit.answer("200 OK", CONTENT[:600_000], content_length=str(len(CONTENT)))
        sent.set()
        await trio.sleep_forever()

    async with open_server(stopping) as server:
        place = Place(tmp_path, server)
        program = place.program()
        async with start_cli("models", "pull", cwd=tmp_path, env=place.environment, program=program) as running:
            await sent.wait()
            await until_written(running, place.cache / "model.bin.part")
            running.send(signal.SIGINT)
            assert await running.wait() == 130
            assert "stopped; what has come is kept" in running.output
        kept = await trio.Path(place.cache / "model.bin.part").stat()
        assert 0 < kept.st_size <= 600_000
        done = await place.run("pull")
    assert (done.code, server.starts) == (0, [0, kept.st_size])
    assert (place.cache / "model.bin").read_bytes() == CONTENT


async def until_written(running: Running, path: Path) -> None:
    """Wait until a command has written into a file."""
    file = trio.Path(path)
    with trio.fail_after(LIMIT_S):
        while not (await file.exists() and (await file.stat()).st_size):  # a file tells of no event
            assert running.process.returncode is None, running.output
            await trio.sleep(0.01)


async def on_terminal(place: Place, *arguments: str) -> str:
    """Run `voxint models` on a terminal of 100 columns, and return all that it writes there."""
    near, far = os.openpty()
    shown: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # the terminal's end, when nobody has it open any more
            while data := os.read(near, 65536):
                shown.append(data)

    command = [sys.executable, "-c", place.program(), "models", *arguments]
    environment = os.environ | place.environment | {"COLUMNS": "100", "TERM": "xterm", "VOXINT_ASSETS": ""}
    process = await trio.lowlevel.open_process(
        command, stdin=far, stdout=far, stderr=far, cwd=place.folder, env=environment
    )
    os.close(far)
    try:
        with trio.fail_after(LIMIT_S):
            await trio.to_thread.run_sync(read)
            assert await process.wait() == 0
    finally:
        process.kill()
        os.close(near)
    return b"".join(shown).decode().replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo terminals")
async def test_a_terminal_gets_a_table_with_sums(tmp_path: Path) -> None:
    """And below it where files are looked for, and what is missing of the recommended ones."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        await place.run("pull", "voice")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", await on_terminal(place))
    lines = [line.split() for line in plain.splitlines()]
    assert ["name", "for", "size", "licence", "where"] in lines
    assert ["voice", "a", "test", "1.0", "MB", "MIT", "cache"] in lines
    assert ["kokoro:", "2", "files", "2.0", "MB", "1", "of", "2"] in lines
    assert f"cache: {place.cache}" in plain.replace("\n", "")
    assert "1 of the recommended files are missing, 1.0 MB: `voxint models pull` fetches them" in plain


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo terminals")
async def test_a_terminal_shows_how_a_file_comes(tmp_path: Path) -> None:
    """By a bar that goes when the file is there; its line stays."""
    async with open_server(serving) as server:
        place = Place(tmp_path, server)
        shown = await on_terminal(place, "pull")
    assert "━" in shown
    assert "1.0/1.0 MB" in shown
    assert shown.endswith(f"model fetched from 127.0.0.1, 1.0 MB: {place.cache / 'model.bin'}\n")
