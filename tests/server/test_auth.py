from __future__ import annotations

import pytest

from voxint.errors import ConfigError
from voxint.protocol.messages import Auth
from voxint.server.auth import admits, check_exposure, is_loopback
from voxint.server.config import ServerConfig

KEYED = ServerConfig(host="0.0.0.0", api_keys=("one", "two"), accounts={"ann": "pass"})


def key(value: str | None) -> Auth:
    """Return what a client with an API key sends."""
    return Auth(type="API_KEY", api_key=value)


def account(name: str | None, password: str | None) -> Auth:
    """Return what a client with an account sends."""
    return Auth(type="ACCOUNT", account=name, password=password)


@pytest.mark.parametrize("auth", [key("one"), key("two"), account("ann", "pass")])
def test_who_is_known_is_admitted(auth: Auth) -> None:
    """By any of the keys, or an account with its password."""
    assert admits(KEYED, auth)


@pytest.mark.parametrize(
    "auth",
    [
        key(None),
        key(""),
        key("on"),
        key("onee"),
        key("ö"),
        account("ann", "wrong"),
        account("bob", "pass"),
        account("ann", None),
        account(None, None),
        Auth(type="ACCOUNT", api_key="one"),
        Auth(type="API_KEY", account="ann", password="pass"),
    ],
)
def test_who_is_not_known_is_not_admitted(auth: Auth) -> None:
    """Each kind of proof goes for its own kind of registration."""
    assert not admits(KEYED, auth)


def test_without_keys_everybody_on_this_machine_is_admitted() -> None:
    """The default configuration listens on loopback and asks for nothing."""
    assert admits(ServerConfig(), key(None))


def test_accounts_alone_close_the_door_to_keys() -> None:
    """Where only accounts are configured no key is right."""
    assert not admits(ServerConfig(accounts={"ann": "pass"}), key(""))


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)],
)
def test_loopback_is_known_by_its_address(host: str, here: bool) -> None:
    """A name other than localhost may lead anywhere."""
    assert is_loopback(host) is here


def test_a_server_without_keys_stays_at_home() -> None:
    """Its error says what to do."""
    with pytest.raises(ConfigError, match="set api_keys, or listen on 127"):
        check_exposure(ServerConfig(host="0.0.0.0"))
    check_exposure(KEYED)
    check_exposure(ServerConfig())
