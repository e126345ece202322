"""Where a client comes from: its own address, or what a proxy that is trusted says of it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from voxint.net.http_request import RequestHead

__all__ = ["Network", "client_address", "is_trusted", "networks", "one_address"]

Network = IPv4Network | IPv6Network

IPV6_PREFIX = 64
"""Of IPv6 the network counts as one address: whoever has one address has all of it (RFC 6177)."""

MOST_HOPS = 32
"""Of a chain of proxies; longer ones are none."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks that `texts` name, such as ``10.0.0.0/8`` or ``127.0.0.1``; raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


def one_address(text: str) -> str:
    """Return what counts as one address: that of IPv4, also where IPv6 holds it, and the network of one of IPv6."""
    address = _read(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> (128 - IPV6_PREFIX) << (128 - IPV6_PREFIX), IPV6_PREFIX)))
    return "" if address is None else str(address)


def is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    """Return whether an address is that of a proxy whose word counts."""
    address = _read(text)
    return address is not None and any(address in network for network in trusted)


def client_address(head: RequestHead, peer: str, trusted: Sequence[Network]) -> str:
    """Return where the client of a request comes from, as `one_address`.

    X-Forwarded-For is read from its end, which the nearest proxy wrote, as far as the proxies are trusted: what stands
    in front of the first that is not, anybody may have written.

    Args:
        head: The request's head.
        peer: Who is connected.
        trusted: Where the operator's proxies are.
    """
    if not is_trusted(peer, trusted):
        return one_address(peer)
    hops = ",".join(head.values("x-forwarded-for")).split(",")[-MOST_HOPS:]
    for hop in reversed([hop.strip() for hop in hops]):
        if _read(hop) is None:
            break
        peer = hop
        if not is_trusted(hop, trusted):
            break
    return one_address(peer)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])  # without the interface of a link-local one
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
