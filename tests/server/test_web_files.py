"""The files that a browser loads: which there are, as what, and that no path leads to another."""

from __future__ import annotations

import gzip
import re
from importlib import resources
from pathlib import Path

import httpx
import pytest
import trio

from voxint.core.agent import Agent
from voxint.net.http_request import RequestHead
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.server.web_files import WebFile, file_page, front_page, read_files, web_files
from voxint.testing.stages import ScriptedModel

NAME = "/web/client/errors.js"

OPEN = ServerConfig(port=0)
CLOSED = ServerConfig(port=0, api_keys=("one",))
NARROW = ServerConfig(port=0, allowed_origins=("https://museum.example",))


def folder(path: Path, **files: str) -> Path:
    """Return a folder with these files; `__` in a name stands for a folder, and `_` for a dot."""
    for name, content in files.items():
        file = path / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return path


def test_what_a_browser_takes_is_in_the_table(tmp_path: Path) -> None:
    """Of the three folders and those in them, with its media type; no page, no source, nothing beside."""
    root = folder(
        tmp_path,
        client__a_js="1",
        client__deep__b_wasm="2",
        client__b_ts="source",
        page__index_html="page",
        page__c_css="3",
        page__d_svg="4",
        page__LICENSE="text",
        package_json="{}",
        secret__e_js="5",
    )
    assert {path: file.media_type for path, file in read_files(root).items()} == {
        "/web/client/a.js": "text/javascript; charset=utf-8",
        "/web/client/deep/b.wasm": "application/wasm",
        "/web/page/c.css": "text/css; charset=utf-8",
        "/web/page/d.svg": "image/svg+xml",
    }


def test_an_etag_is_of_the_content() -> None:
    """Two files of the same bytes have the same, others another."""
    one, same, other = WebFile.of("a.js", b"1"), WebFile.of("b.js", b"1"), WebFile.of("a.js", b"2")
    assert one.etag == same.etag != other.etag
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', one.etag)


@pytest.mark.parametrize(("given", "status"), [
    ((), 200),
    (('"{etag}"',), 304),
    (('W/"{etag}"',), 304),
    (('"x", "{etag}"',), 304),
    (('"x"', '"{etag}"'), 304),
    (("*",), 304),
    (('"x"',), 200),
    (("{etag}",), 200),
    (("",), 200),
])  # fmt: skip
def test_a_file_that_the_browser_has_is_not_sent(given: tuple[str, ...], status: int) -> None:
    """By any form of `If-None-Match`, and never without its etag."""
    file = WebFile.of("a.js", b"1")
    lines = tuple(
        (b"if-none-match", each.format(etag=file.etag.removeprefix("W/").strip('"')).encode()) for each in given
    )
    page = file_page(file, RequestHead("GET", "/a.js", lines), ())
    assert (page.status, page.body) == (status, b"1" if status == 200 else b"")
    assert dict(page.headers) == {"cache-control": "no-cache", "etag": file.etag, "vary": "accept-encoding"}


@pytest.mark.parametrize(("given", "packed"), [
    ((), False),
    (("gzip",), True),
    (("deflate, GZIP;q=0.5, br",), True),
    (("deflate", "gzip"), True),
    (("gzip;q=0",), False),
    (("gzip; q=0.0",), False),
    (("identity",), False),
    (("gzipped",), False),
])  # fmt: skip
def test_a_browser_that_takes_gzip_gets_it_packed(given: tuple[str, ...], packed: bool) -> None:
    """Packed once; by the same etag, which is a weak one; others get it as it is."""
    file = WebFile.of("a.js", b"1" * 1000)
    lines = tuple((b"accept-encoding", each.encode()) for each in given)
    page = file_page(file, RequestHead("GET", "/a.js", lines), ())
    assert ("content-encoding", "gzip") in page.headers if packed else page.body == file.content
    assert (gzip.decompress(page.body) if packed else page.body) == file.content


async def test_a_browser_asks_again_and_is_told_that_nothing_has_changed(nursery: trio.Nursery) -> None:
    """Over a socket that stays open: 200, 304 without a length, 200."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), OPEN)
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{server.port}") as http:
        for path, file in ((NAME, web_files()[NAME]), ("/", front_page())):
            first = await http.get(path)
            assert (first.status_code, first.content) == (200, file.content)
            assert first.headers["content-type"] == file.media_type
            assert first.headers["cache-control"] == "no-cache"
            second = await http.get(path, headers={"if-none-match": first.headers["etag"]})
            assert (second.status_code, second.content) == (304, b"")
            assert "content-length" not in second.headers
            assert second.headers["etag"] == first.headers["etag"]
            head = await http.head(path)
            assert (head.status_code, head.headers["content-length"]) == (200, str(len(file.packed)))
            assert (await http.post(path)).headers["allow"] == "GET, HEAD"
    server.shut_down()


@pytest.mark.parametrize("config", [OPEN, CLOSED, NARROW], ids=["open", "closed", "narrow"])
async def test_any_page_may_load_the_client(nursery: trio.Nursery, config: ServerConfig) -> None:
    """Whatever its origin, and by whatever name: the files hold no secret. No other page says so of itself."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), config)
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{server.port}") as http:
        for headers in ({}, {"origin": "https://evil.example"}, {"host": "evil.example"}):
            for path, status in ((NAME, 200), ("/web/nothing.js", 404)):
                answer = await http.get(path, headers=headers)
                assert answer.status_code == status
                assert answer.headers["access-control-allow-origin"] == "*"
                assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert "timing-allow-origin" not in answer.headers
        for path in ("/", "/healthz", "/readyz", "/metrics", "/v1/tokens"):
            assert "access-control-allow-origin" not in (await http.get(path)).headers
    server.shut_down()


@pytest.mark.parametrize("path", [
    "/web/", "/web", "/web/client", "/web/client/", "/web/__init__.py", "/web/package.json", "/web/page/index.html",
    "/web/client/../__init__.py", "/web/../server/keys.py", "/web/client/%2e%2e/__init__.py", "/web/client//errors.js",
    "/web//etc/passwd", "/web/client/errors.js/", "/web/client/errors.js%00", "/WEB/client/errors.js",
    "/web/client\\..\\__init__.py",
])  # fmt: skip
async def test_no_path_leads_out_of_the_table(nursery: trio.Nursery, path: str) -> None:
    """As it is written: a client that tidies paths would not show it."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), OPEN)
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with trio.fail_after(5):
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 404 ")
    server.shut_down()


def test_the_table_is_the_package() -> None:
    """Every script, style, picture and module of it is there as it is on the disk."""
    root = Path(str(resources.files("voxint.web")))
    on_disk = {path for path in root.rglob("*") if path.suffix in (".js", ".css", ".svg", ".wasm")}
    assert {f"/web/{path.relative_to(root).as_posix()}" for path in on_disk} == set(web_files())
    assert all(
        web_files()[f"/web/{path.relative_to(root).as_posix()}"].content == path.read_bytes() for path in on_disk
    )
