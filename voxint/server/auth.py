"""Whom a server may serve at all: from where, and of which web page."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from attrs import frozen

from voxint.errors import ConfigError
from voxint.net.http_request import HttpError, RequestHead
from voxint.printable import printable
from voxint.server.config import ServerConfig

__all__ = [
    "REASON_BYTES",
    "OriginFault",
    "check_exposure",
    "check_origin",
    "host_fault",
    "is_loopback",
    "is_open",
    "origin_fault",
    "reason_with",
]

REASON_BYTES = 123
"""Longest reason of a Close frame, in UTF-8 (RFC 6455, 5.5)."""

NAME_IT = "if the page is yours, name its origin in allowed_origins"


@frozen
class OriginFault:
    """What is wrong with where a request comes from.

    Args:
        reason: In words, for who asked; it fits a Close frame.
        remedy: What the operator can do.
    """

    reason: str
    remedy: str


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
        return OriginFault("a page has one origin", "none: no browser sends two")
    origin = head.header("origin")
    if config.allowed_origins:
        return _unlisted(origin) if origin and origin not in config.allowed_origins else None
    if not is_open(config):
        return None
    if origin and not _leads_home(origin):
        return _foreign(origin)
    return host_fault(config, head)


def host_fault(config: ServerConfig, head: RequestHead) -> OriginFault | None:
    """Return what is wrong with the name by which a server is asked that anybody may use; None: nothing.

    A stranger's name that leads to this machine makes a stranger's page this server's own to a browser, which then
    says nothing of its origin.
    """
    if config.allowed_origins or not is_open(config):
        return None
    return None if _leads_home(f"//{(host := head.header('host'))}") else _misnamed(host)


def _unlisted(origin: str) -> OriginFault:
    """Return what is wrong with an origin that `allowed_origins` does not have."""
    if origin == "null":
        return OriginFault(
            "origin null (a page from disk?) may not connect: serve the page at one of allowed_origins",
            "serve the page over HTTP, at one of allowed_origins",
        )
    reason = reason_with("origin ", origin, " may not connect: it is not in the server's allowed_origins")
    return OriginFault(reason, NAME_IT)


def _foreign(origin: str) -> OriginFault:
    """Return what is wrong, where no key is asked for, with a page that is not this machine's."""
    if origin == "null":
        return OriginFault(
            "origin null (a page from disk?) may not connect: serve it at http://localhost, or set api_keys",
            "serve the page over HTTP on this machine, or set api_keys",
        )
    return OriginFault(reason_with("origin ", origin, " may not connect: set allowed_origins, or api_keys"), NAME_IT)


def _misnamed(host: str) -> OriginFault:
    """Return what is wrong, where no key is asked for, with a name of the server that is not this machine's."""
    return OriginFault(
        reason_with("by the name ", host, " only with a key: set allowed_origins, or api_keys"),
        "connect by localhost, or set api_keys or allowed_origins",
    )


def reason_with(before: str, shown: str, after: str) -> str:
    """Return a reason, short enough for a Close, of which `shown`, whoever wrote it, is cut and spelt out as needed."""
    room = REASON_BYTES - len((before + after).encode())
    words = printable(shown)
    if len(words.encode()) > room:
        words = words.encode()[: room - len("…".encode())].decode(errors="ignore") + "…"
    return before + words + after


def check_origin(config: ServerConfig, head: RequestHead) -> None:
    """Refuse over HTTP what `origin_fault` finds.

    Raises:
        HttpError: 403.
    """
    if (fault := origin_fault(config, head)) is not None:
        raise HttpError(403, fault.reason)


def _leads_home(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
