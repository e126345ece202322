"""Variables that nobody set: what Kubernetes and Docker inject beside a service, in names like our settings'.

A Service named voxint-tts puts ``VOXINT_TTS_PORT=tcp://10.0.0.1:80`` and its like into every pod of its namespace, and
a Docker link of that alias into its container. The names are those of options, so the values have to tell.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

__all__ = ["injected"]

ADDRESS = re.compile(r"(tcp|udp|sctp)://(?:\[[0-9a-f:.]+\]|[0-9.]+):(\d+)")
"""The value of ``…_PORT`` and ``…_PORT_80_TCP``: an address by number, never by name."""

PORT = re.compile(r"(.+)_PORT")
PORT_BY_NUMBER = re.compile(r"(.+)_PORT_(\d+)_(TCP|UDP|SCTP)")

DETAIL = re.compile(
    r"_SERVICE_(?P<host>HOST)|_SERVICE_(?P<port>PORT)(?:_[A-Z0-9_]+)?"
    r"|_PORT_\d+_(?:TCP|UDP|SCTP)_"
    r"(?:(?P<proto>PROTO)|(?P<addr>ADDR)|(?P<number>PORT)(?:_START|_END)?|(?P<range>START|END))"
    r"|_(?P<name>NAME)|_(?P<env>ENV)_.+"
)
"""What else such a service brings, behind its name; the last two come with Docker's links."""


def injected(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the variables that come from a service beside this process.

    A service is known by its address, which is always there, in the form in which nobody writes a setting; of its
    further variables those count that hold what such a variable holds.
    """
    told = (_service(name, value) for name, value in environ.items())
    services = {service for service in told if service is not None}
    return frozenset(name for name, value in environ.items() if _belongs(name, value, services))


def _service(name: str, value: str) -> str | None:
    """Return the service whose address a variable tells; None where it tells none."""
    address = ADDRESS.fullmatch(value)
    if address is None:
        return None
    if port := PORT.fullmatch(name):
        return port[1]
    numbered = PORT_BY_NUMBER.fullmatch(name)
    if numbered is None or (numbered[3].lower(), numbered[2]) != address.groups():
        return None
    return numbered[1]


def _belongs(name: str, value: str, services: set[str]) -> bool:
    if _service(name, value) is not None:
        return True
    details = (DETAIL.fullmatch(name.removeprefix(service)) for service in services if name.startswith(f"{service}_"))
    return any(detail is not None and _fits(detail, value) for detail in details)


def _fits(detail: re.Match[str], value: str) -> bool:
    match detail.lastgroup:
        case "host" | "addr":
            return _is_ip(value)
        case "port" | "number":
            return value.isascii() and value.isdigit()
        case "proto":
            return value in ("tcp", "udp", "sctp")
        case "range":
            return ADDRESS.fullmatch(value) is not None
        case "name":
            return re.fullmatch(r"/[\w.-]+/[\w.-]+", value) is not None
        case _:
            return True  # a variable of the linked container's own, of which nothing is known


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
