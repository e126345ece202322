"""The page as a server sends it, over an agent that plays scenes instead of talking to anybody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["FACTS", "KEYED", "WEB", "serve_fake_page"]

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "voxint" / "web"
FAKE = ROOT / "tests" / "web" / "page" / "fake-agent.js"

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

FACTS = {
    "version": "0.9.0",
    "ws_path": "/ws/agent/stream",
    "state": "ready",
    "asks": "nothing",
    "hears": True,
    "speaks": True,
    "listens": True,
    "voices": [
        {"name": "af_heart", "language": "en"},
        {"name": "bm_george", "language": "en"},
        {"name": "zf_xiaobei", "language": "zh"},
    ],
    "languages": ["en", "zh"],
    "features": ["binary_audio", "hold", "marks", "server_vad", "transcripts"],
}
"""What GET /v1/agent says, unless a scene says something else."""

KEYED = {**FACTS, "asks": "key_or_account"}


class Handler(BaseHTTPRequestHandler):
    """Answers with the files of the package, and with the scenes' agent for the real one."""

    def do_GET(self) -> None:
        """Send a file, with the policy that the server sends."""
        path = self.path.partition("?")[0]
        if path == "/v1/agent":
            return self._send(json.dumps(FACTS).encode(), "application/json")
        file = WEB / "page" / "index.html" if path == "/" else WEB / path.removeprefix("/voxint").removeprefix("/web/")
        # The scenes' agent stands elsewhere than it is served: what it imports by its own place begins with /voxint.
        if path == "/web/client/voice-agent.js":
            file = FAKE
        if not file.is_file():
            return self.send_error(404)
        return self._send(file.read_bytes(), KINDS.get(file.suffix, "application/octet-stream"))

    def _send(self, body: bytes, kind: str) -> None:
        authority = self.headers["host"]
        policy = (
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
            f"connect-src 'self' ws://{authority} wss://{authority}; font-src 'none'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )
        self.send_response(200)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def serve_fake_page() -> Iterator[str]:
    """Serve it on a free port of this machine while the block lasts; gives its address, without a slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
