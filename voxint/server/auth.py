"""Who may register."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from voxint.errors import ConfigError
from voxint.net.http_request import HttpError, RequestHead
from voxint.protocol.messages import Auth
from voxint.server.config import ServerConfig

__all__ = ["admits", "check_exposure", "check_origin", "is_loopback", "is_open"]


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
    """Return whether `host` can be reached from this machine alone.

    An address can if it is a loopback address, also where IPv6 holds one of IPv4; a name if it is localhost or ends so
    (RFC 6761, 6.3). Names are compared without case, and with the dot of the root or without.
    """
    name = host.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


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


def check_origin(config: ServerConfig, head: RequestHead) -> None:
    """Refuse a WebSocket that a stranger's web page opens.

    A browser lets any page open one to any address, this machine's included, and says by `Origin` whose page it is.
    Where a key is asked for a page needs to know it; where none is, only this machine's own pages may come in, and
    only by a name of this machine: a stranger's name that leads here serves a stranger's page. Clients that are no
    browser send no `Origin`.

    Raises:
        HttpError: 403.
    """
    if len(head.values("origin")) > 1:
        raise HttpError(403, "a page has one origin")
    origin = head.header("origin")
    if config.allowed_origins:
        if origin and origin not in config.allowed_origins:
            raise HttpError(403, "this page's origin is not among allowed_origins")
    elif is_open(config):
        if origin and not _leads_home(origin):
            raise HttpError(403, "without a key, pages of this machine only: set api_keys or allowed_origins")
        if not _leads_home(f"//{head.header('host')}"):
            raise HttpError(403, "without a key, by a name of this machine only: set api_keys or allowed_origins")


def _leads_home(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
