from __future__ import annotations

import pytest

from tests.credentials import cheap_hash
from voxint.errors import ConfigError
from voxint.net.http_request import HttpError, RequestHead
from voxint.server.auth import check_exposure, check_origin, is_loopback
from voxint.server.config import ServerConfig

KEYED = ServerConfig(host="0.0.0.0", api_keys=("one", "two"), accounts={"ann": cheap_hash("pass")})


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("127.0.0.1.", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::FFFF:7F00:1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("localhost.", True),
        ("app.localhost", True),
        ("a.b.LOCALHOST.", True),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("box", False),
        ("", False),
        (".", False),
        ("localhost..", False),
        ("notlocalhost", False),
        ("localhost.evil.example", False),
    ],
)
def test_loopback_is_known_by_its_address_or_by_its_name(host: str, here: bool) -> None:
    """A name may lead anywhere, but for localhost and what is under it (RFC 6761)."""
    assert is_loopback(host) is here


def test_a_server_without_keys_stays_at_home() -> None:
    """Its error says what to do."""
    with pytest.raises(ConfigError, match="set api_keys or keys_file, or listen on 127"):
        check_exposure(ServerConfig(host="0.0.0.0"))
    check_exposure(KEYED)
    check_exposure(ServerConfig(host="0.0.0.0", keys_file="keys.jsonl"))
    check_exposure(ServerConfig())


def test_of_two_origins_none_is_believed() -> None:
    """A browser sends one; whoever reads the other is deceived."""
    here, strangers = (b"origin", b"http://localhost"), (b"origin", b"https://evil.example")
    for origins in ((here, strangers), (strangers, here)):
        with pytest.raises(HttpError, match="403"):
            check_origin(ServerConfig(), RequestHead("GET", "/", ((b"host", b"localhost"), *origins)))


CHOSEN = ("https://museum.example", "http://localhost:3000")


def knocks(config: ServerConfig, origin: str | None, host: str) -> bool:
    """Return whether a WebSocket with these headers is let in."""
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    try:
        check_origin(config, RequestHead("GET", "/ws/agent/stream", tuple(headers)))
    except HttpError as refusal:
        return refusal.status != 403
    return True


@pytest.mark.parametrize(("origin", "host", "open_door", "keyed"), [
    (None, "127.0.0.1:8765", True, True),
    (None, "localhost", True, True),
    (None, "[::1]:8765", True, True),
    (None, "localhost.", True, True),
    (None, "LOCALHOST:8765", True, True),
    (None, "[::ffff:127.0.0.1]:8765", True, True),
    ("http://app.localhost", "app.localhost:8765", True, True),
    ("http://LOCALHOST.:3000", "127.0.0.1", True, True),
    ("http://[::ffff:7f00:1]", "127.0.0.1", True, True),
    ("https://localhost.evil.example.", "127.0.0.1:8765", False, True),
    ("https://evillocalhost", "127.0.0.1:8765", False, True),
    (None, "app.localhost.evil.example", False, True),
    ("http://localhost:3000", "localhost:8765", True, True),
    ("http://[::1]", "[::1]:8765", True, True),
    ("https://evil.example", "127.0.0.1:8765", False, True),
    ("http://localhost.evil.example", "127.0.0.1:8765", False, True),
    ("http://localhost@evil.example", "127.0.0.1:8765", False, True),
    ("null", "127.0.0.1:8765", False, True),
    ("http://[", "127.0.0.1:8765", False, True),
    (None, "evil.example:8765", False, True),  # a name that was made to lead here
    (None, "", False, True),
])  # fmt: skip
def test_a_strangers_page_opens_nothing_where_no_key_is_asked_for(
    origin: str | None, host: str, open_door: bool, keyed: bool
) -> None:
    """Any page the operator visits could; a key is what it does not have."""
    assert knocks(ServerConfig(), origin, host) is open_door
    assert knocks(KEYED, origin, host) is keyed


@pytest.mark.parametrize(("origin", "admitted"), [
    (None, True),
    ("https://museum.example", True),
    ("http://localhost:3000", True),
    ("http://museum.example", False),
    ("https://museum.example:444", False),
    ("http://127.0.0.1:3000", False),
    ("null", False),
])  # fmt: skip
@pytest.mark.parametrize("keys", [(), ("one",)])
def test_the_origins_an_operator_names_are_the_only_ones(
    keys: tuple[str, ...], origin: str | None, admitted: bool
) -> None:
    """With a key and without; a client that is no browser sends no origin."""
    config = ServerConfig(api_keys=keys, allowed_origins=CHOSEN)
    assert knocks(config, origin, "museum.example") is admitted
