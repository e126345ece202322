"""The files that a browser loads: read and packed once, in a table by their paths: no path leads anywhere else."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from attrs import frozen

from voxint.net.http_request import RequestHead
from voxint.server.page import Page

__all__ = ["FOLDERS", "WEB", "WebFile", "file_page", "front_page", "read_files", "web_files"]

WEB = "/web/"
"""Where they are."""

FOLDERS = ("client", "page", "embed")
"""Of `voxint/web`, what is served of it."""

MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
"""What a browser takes; a source such as a `.ts` is for people."""

ETAG_DIGITS = 32
"""Of a SHA-256; ours: as many as no two files share by chance."""

REVALIDATED = ("cache-control", "no-cache")
"""A browser keeps a file and asks each time whether it is still the one: after an upgrade none is older than another.
"""


@frozen
class WebFile:
    """A file as it is sent.

    Args:
        content: Its bytes.
        packed: The same by gzip.
        media_type: What it is.
        etag: By its content, packed or not: a weak one.
    """

    content: bytes
    packed: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> WebFile:
        """Return a file with this name's media type.

        Raises:
            KeyError: A browser has no use for such a file.
        """
        media_type = MEDIA_TYPES["." + name.rpartition(".")[2]]
        etag = f'W/"{hashlib.sha256(content).hexdigest()[:ETAG_DIGITS]}"'
        return cls(content, gzip.compress(content, mtime=0), media_type, etag)


def read_files(root: Traversable) -> dict[str, WebFile]:
    """Return every file that is served below `WEB`, by its path.

    A page of HTML is not among them: at `/` it has a policy of its own, and below `WEB` it would do without.

    Args:
        root: The folder `voxint/web`.
    """
    found: dict[str, WebFile] = {}
    for folder in FOLDERS:
        for path, file in _walk(root / folder, f"{WEB}{folder}"):
            suffix = "." + path.rpartition(".")[2]
            if suffix in MEDIA_TYPES and suffix != ".html":
                found[path] = WebFile.of(path, file.read_bytes())
    return found


def file_page(file: WebFile, head: RequestHead, headers: tuple[tuple[str, str], ...]) -> Page:
    """Return a file; without its body where the browser has it already.

    Args:
        file: Which.
        head: The request for it.
        headers: Those that go with such a file.
    """
    every = (*headers, REVALIDATED, ("etag", file.etag), ("vary", "accept-encoding"))
    if _has(head, file.etag):
        return Page(304, b"", file.media_type, every)
    if _takes_gzip(head):
        return Page(200, file.packed, file.media_type, (*every, ("content-encoding", "gzip")))
    return Page(200, file.content, file.media_type, every)


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    if not folder.is_dir():
        return
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            yield from _walk(each, f"{path}/{each.name}")
        else:
            yield f"{path}/{each.name}", each


def _has(head: RequestHead, etag: str) -> bool:
    """Return whether a browser has this version (RFC 9110, 13.1.2: the comparison is weak)."""
    given = [each.strip(" \t").removeprefix("W/") for each in ",".join(head.values("if-none-match")).split(",")]
    return etag.removeprefix("W/") in given or "*" in given


def _takes_gzip(head: RequestHead) -> bool:
    """Return whether gzip is named as understood, and not as refused (RFC 9110, 12.5.3)."""
    for each in ",".join(head.values("accept-encoding")).split(","):
        coding, _, weight = each.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


ROOT = resources.files("voxint.web")


@cache
def web_files() -> Mapping[str, WebFile]:
    """Return every file by its path; call it as the server starts, for a file may keep whoever reads it waiting."""
    return read_files(ROOT)


@cache
def front_page() -> WebFile:
    """Return what is at `/`; call it as the server starts."""
    return WebFile.of("index.html", (ROOT / "page" / "index.html").read_bytes())
