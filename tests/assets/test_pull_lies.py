"""Servers that lie, lead astray or say nothing, and disks that refuse."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import httpx
import pytest
import trio

from tests.assets.https_server import CONTENT, Script, Visit, client_tls, open_server, whole
from tests.assets.test_pull import begin, files_of
from voxint.assets.pull import open_puller
from voxint.errors import ConfigError, UpstreamError


async def refused(script: Script, *, stall_s: float = 30.0) -> tuple[UpstreamError, list[int]]:
    """Return the error of a fetch from a server, and where each of its requests began."""
    async with open_server(script) as server, open_puller(verify=client_tls(), stall_s=stall_s) as puller:
        with pytest.raises(UpstreamError) as told:
            await puller.pull(server.entry())
    return told.value, server.starts


async def wrong_bytes(visit: Visit) -> None:
    """Send a file of the right size that is another."""
    await whole(visit, b"!" * len(CONTENT))


async def wrong_length(visit: Visit) -> None:
    """Announce another size."""
    await visit.answer("200 OK", CONTENT[:-1])


async def absurd_length(visit: Visit) -> None:
    """Announce a size that no number is made of."""
    await visit.answer("206 Partial Content", b"x", content_range=f"bytes 0-1/{'9' * 5000}")


async def too_many(visit: Visit) -> None:
    """Announce nothing and send a byte more."""
    await visit.answer("200 OK", CONTENT + b"!", content_length=None)


async def endless(visit: Visit) -> None:
    """Announce nothing and send for ever."""
    await visit.answer("200 OK", content_length=None)
    while True:
        await visit.stream.send_all(CONTENT)


async def compressed(visit: Visit) -> None:
    """Send what nobody asked for."""
    await visit.answer("200 OK", CONTENT, content_encoding="gzip")


async def other_range(visit: Visit) -> None:
    """Send a part that was not asked for."""
    await visit.answer("206 Partial Content", CONTENT[5:], content_range=f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (wrong_bytes, "it sent another file: the SHA-256 is "),
        (wrong_length, "its file has 1023999 bytes, and the right one has 1024000"),
        (absurd_length, "it sent another part of the file"),
        (too_many, "it sent more than the file has"),
        (endless, "it sent more than the file has"),
        (compressed, "it sent the file compressed"),
        (other_range, "it sent another part of the file"),
    ],
)
async def test_a_lie_is_told_and_nothing_of_it_is_kept(script: Script, words: str, cache: Path) -> None:
    """Each costs one request, and an endless one no more of the disk than the file."""
    error, starts = await refused(script)
    assert words in str(error)
    assert "127.0.0.1: " in str(error)
    assert starts == [0]
    assert files_of(cache) == {}


async def test_an_answer_that_ends_too_early_is_kept(cache: Path) -> None:
    """Without a size announced nobody can tell a short file from one that broke off; it ends after a few requests."""

    async def short(visit: Visit) -> None:
        await visit.answer("200 OK", CONTENT[:-1], content_length=None)

    error, starts = await refused(short)
    assert "it ended after 1,023,999 of 1,024,000 bytes" in str(error)
    assert starts == [0, 1_023_999]
    assert files_of(cache) == {"test-file.bin.part": CONTENT[:-1]}


async def test_redirects_are_followed(cache: Path) -> None:
    """Relative and absolute ones, and the range goes along."""

    async def moving(visit: Visit) -> None:
        port = visit.stream.transport_stream.socket.getsockname()[1]
        moves = {"/file": "/one", "/one": f"https://127.0.0.1:{port}/two"}
        if visit.target in moves:
            await visit.answer("302 Found", location=moves[visit.target])
        else:
            await whole(visit)

    begin(cache, CONTENT[:1000])
    async with open_server(moving) as server, open_puller(verify=client_tls()) as puller:
        await puller.pull(server.entry())
    assert [(visit.target, visit.start) for visit in server.visits] == [("/file", 1000), ("/one", 1000), ("/two", 1000)]
    assert files_of(cache) == {"test-file.bin": CONTENT}


@pytest.mark.parametrize(
    ("location", "words", "requests"),
    [
        ("http://127.0.0.1/file", "an address that is not https, which is not followed", 1),
        ("file:///etc/passwd", "an address that is not https, which is not followed", 1),
        ("/file", "it redirects more than 5 times", 6),
        ("https://x:y/", "it redirects to what is no address", 1),
    ],
)
async def test_a_redirect_that_leads_astray_is_not_followed(location: str, words: str, requests: int) -> None:
    """Never to what can be read and changed on the way, and not for ever."""

    async def leading(visit: Visit) -> None:
        await visit.answer("302 Found", location=location)

    error, starts = await refused(leading)
    assert words in str(error)
    assert len(starts) == requests


async def test_what_is_wrong_behind_a_redirect_is_told_with_where_that_is() -> None:
    """The one who was asked first is not at fault."""

    async def leading(visit: Visit) -> None:
        await visit.answer("302 Found", location="https://localhost:1/file")

    error, _ = await refused(leading)
    assert "127.0.0.1: it redirects to localhost, and it can't be reached" in str(error)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_silent_server_is_left(begun: bool, cache: Path) -> None:
    """After a bound on its silence, whether or not it has begun; what it sent is kept."""

    async def silent(visit: Visit) -> None:
        if begun and not visit.start:
            await visit.answer("200 OK", CONTENT[:1000], content_length=str(len(CONTENT)))
        await trio.sleep_forever()

    error, _ = await refused(silent, stall_s=0.2)
    assert "it has been silent for too long" in str(error)
    assert files_of(cache) == ({"test-file.bin.part": CONTENT[:1000]} if begun else {})


async def test_a_certificate_of_nobody_we_know_is_refused() -> None:
    """The bytes have their hash, but who is asked is nobody else's business."""
    async with open_server(whole) as server, open_puller(verify=httpx.create_ssl_context()) as puller:
        with pytest.raises(UpstreamError, match=r"can't be reached: .*certificate"):
            await puller.pull(server.entry())
    assert server.visits == []


async def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And told by its name where it is no way to the source."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    error, starts = await refused(whole)
    assert "the proxy that HTTPS_PROXY names is no way to it: 127.0.0.1:1 can't be reached" in str(error)
    assert starts == []


async def test_a_disk_without_room_is_told_before_the_first_byte(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is needed and what is free; nobody is asked for anything."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
        with pytest.raises(ConfigError, match=r"no room: test-file needs 1,024,000 bytes more, and 1,000 are free"):
            await puller.pull(server.entry())
    assert server.visits == []
    assert files_of(cache) == {}


async def test_a_disk_that_fills_keeps_what_has_come(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program took the room meanwhile: the file and the system's reason are told, and what came is sound."""
    half = len(CONTENT) // 2

    class Filling(io.FileIO):
        """A file on a disk with room for half of it."""

        def write(self, data: memoryview) -> int:  # type: ignore[override]  # bytes is all that comes
            if (room := half - self.tell()) <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data[:room])

    with monkeypatch.context() as patched:
        patched.setattr("voxint.assets.part.io.FileIO", Filling)
        async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
            with pytest.raises(ConfigError, match=r"it can't be written \(No space left on device\)"):
                await puller.pull(server.entry())
    assert files_of(cache) == {"test-file.bin.part": CONTENT[:half]}


async def test_a_folder_that_can_not_be_is_told(tmp_path: Path) -> None:
    """By its name, and with the option that names another."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file: this folder can't be written \(.*\): name another one by --folder"):
        async with open_puller(tmp_path / "file", verify=client_tls()):
            pass


async def test_a_folder_that_may_not_be_written_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason and its place; root may write anywhere, so the refusal is the test's."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    async with open_server(whole) as server, open_puller(verify=client_tls()) as puller:
        monkeypatch.setattr("voxint.assets.part.io.FileIO", refuse)
        with pytest.raises(ConfigError, match=r"test-file.bin.part: it can't be written \(Permission denied\)"):
            await puller.pull(server.entry())
