"""A web site beside the voice server: the tests' own bare page, and whatever a test writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["PAGES", "WEB", "Site"]

PAGES = Path(__file__).with_name("pages")
WEB = Path(__file__).parents[3] / "voxint" / "web"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".wasm": "application/wasm",
    ".css": "text/css; charset=utf-8",
}


class Site:
    """Serves `/web/` out of the package, everything else out of `pages` and `written`; a context manager.

    Args:
        written: Pages by their path, which come first.
        answers: What answers a POST, by its path, in JSON.
    """

    def __init__(
        self, written: dict[str, str] | None = None, answers: dict[str, Callable[[], object]] | None = None
    ) -> None:
        self.written = dict(written or {})
        self.answers = dict(answers or {})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def origin(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def content(self, path: str) -> tuple[bytes, str] | None:
        """Return what stands at a path, with its type; None: nothing."""
        path = path.partition("?")[0]
        kind = TYPES.get(Path(path).suffix, TYPES[".html"])
        if path in self.written:
            return self.written[path].encode(), kind
        folder, name = (
            (WEB, path.removeprefix("/web/")) if path.startswith("/web/") else (PAGES, path.removeprefix("/"))
        )
        file = folder / name
        if not name or ".." in name or not file.is_file():
            return None
        return file.read_bytes(), kind

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(site.content(self.path))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                answer = site.answers.get(self.path)
                self._send(None if answer is None else (json.dumps(answer()).encode(), "application/json"))

            def _send(self, found: tuple[bytes, str] | None) -> None:
                body, kind = found or (b"nothing is here", "text/plain")
                self.send_response(200 if found else 404)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.send_header("cache-control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: what is missing is the page's error, and the tests look at those."""

        return Handler
