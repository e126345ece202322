"""Who may register."""

from __future__ import annotations

import hmac
import ipaddress

from voxint.errors import ConfigError
from voxint.protocol.messages import Auth
from voxint.server.config import ServerConfig

__all__ = ["admits", "check_exposure", "is_loopback"]


def admits(config: ServerConfig, auth: Auth) -> bool:
    """Return whether `auth` opens a session.

    Every key is compared, each in constant time, so that the time says neither how much of a key is right nor which.
    """
    if is_open(config):
        return True
    if auth.type == "API_KEY":
        given = (auth.api_key or "").encode()
        return sum(hmac.compare_digest(given, key.encode()) for key in config.api_keys) > 0
    account, password = (auth.account or "").encode(), (auth.password or "").encode()
    matches = (
        hmac.compare_digest(account, name.encode()) & hmac.compare_digest(password, secret.encode())
        for name, secret in config.accounts.items()
    )
    return sum(matches) > 0


def is_open(config: ServerConfig) -> bool:
    """Return whether no key and no account is configured."""
    return not config.api_keys and not config.accounts


def is_loopback(host: str) -> bool:
    """Return whether `host` can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(config: ServerConfig) -> None:
    """Refuse to serve everybody without a key.

    Raises:
        ConfigError: The address can be reached from elsewhere and no key and no account is configured.
    """
    if is_open(config) and not is_loopback(config.host):
        raise ConfigError(
            f"[server] host = {config.host!r}",
            "this address can be reached from other machines: set api_keys, or listen on 127.0.0.1",
        )
