"""Whom a server may serve at all: from where, and of which web page."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from voxint.errors import ConfigError
from voxint.net.http_request import HttpError, RequestHead
from voxint.server.config import ServerConfig

__all__ = ["OriginFault", "check_exposure", "check_origin", "is_loopback", "is_open", "origin_fault"]

OriginFault = Literal["several", "unlisted", "foreign", "misnamed"]
"""What is wrong with where a request comes from: more than one origin; one that `allowed_origins` does not have; where
no key is asked for, another machine's; or, there, a name of the server that is not this machine's."""

_TOLD: dict[OriginFault, str] = {
    "several": "a page has one origin",
    "unlisted": "this page's origin is not among allowed_origins",
    "foreign": "without a key, pages of this machine only: set api_keys or allowed_origins",
    "misnamed": "without a key, by a name of this machine only: set api_keys or allowed_origins",
}


def is_open(config: ServerConfig) -> bool:
    """Return whether no key, no file of keys and no account is configured."""
    return not config.api_keys and not config.keys_file and not config.accounts


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
            "this address can be reached from other machines: set api_keys or keys_file, or listen on 127.0.0.1",
        )


def origin_fault(config: ServerConfig, head: RequestHead) -> OriginFault | None:
    """Return why a web page may not have what it asks for, a WebSocket or a page; None: it may.

    A browser lets any page open one to any address, this machine's included, and says by `Origin` whose page it is.
    Where a key is asked for a page needs to know it; where none is, only this machine's own pages may come in, and
    only by a name of this machine: a stranger's name that leads here serves a stranger's page. Clients that are no
    browser send no `Origin`.
    """
    if len(head.values("origin")) > 1:
        return "several"
    origin = head.header("origin")
    if config.allowed_origins:
        return "unlisted" if origin and origin not in config.allowed_origins else None
    if not is_open(config):
        return None
    if origin and not _leads_home(origin):
        return "foreign"
    return None if _leads_home(f"//{head.header('host')}") else "misnamed"


def check_origin(config: ServerConfig, head: RequestHead) -> None:
    """Refuse over HTTP what `origin_fault` finds.

    Raises:
        HttpError: 403.
    """
    if (fault := origin_fault(config, head)) is not None:
        raise HttpError(403, _TOLD[fault])


def _leads_home(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
