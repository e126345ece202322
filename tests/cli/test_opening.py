"""Where the page is, as a person is told."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import cast

import pytest

from voxint.cli import opening as module
from voxint.cli.opening import NO_MICROPHONE, opening, say_where
from voxint.server.config import ServerConfig
from voxint.server.serve import Server

KEYS = ("one",)


@pytest.mark.parametrize(("config", "url", "warned"), [
    (ServerConfig(), "http://127.0.0.1:9/", False),
    (ServerConfig(host="localhost"), "http://localhost:9/", False),
    (ServerConfig(host="::1"), "http://[::1]:9/", False),
    (ServerConfig(host="0.0.0.0", api_keys=KEYS), "http://localhost:9/", True),
    (ServerConfig(host="::", api_keys=KEYS), "http://localhost:9/", True),
    (ServerConfig(host="192.0.2.7", api_keys=KEYS), "http://192.0.2.7:9/", True),
    (ServerConfig(host="192.0.2.7", api_keys=KEYS, tls_cert="c", tls_key="k"), "https://192.0.2.7:9/", False),
    (ServerConfig(tls_cert="c", tls_key="k"), "https://127.0.0.1:9/", False),
])  # fmt: skip
def test_it_is_told_where_a_browser_can_go(config: ServerConfig, url: str, warned: bool) -> None:
    """By an address that there is; and that there will be no microphone, where a browser gives none."""
    assert opening(config, 9) == (f"Open {url} in a browser.", *((NO_MICROPHONE,) if warned else ()))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_person_is_told(terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the log; where nobody looks, the log's first line says it."""
    monkeypatch.setattr(module, "is_terminal", lambda stream: terminal and stream is sys.stderr)
    say_where(ServerConfig(), cast("Server", SimpleNamespace(port=9)))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "Open http://127.0.0.1:9/ in a browser.\n" if terminal else "")
