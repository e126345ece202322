"""Where a client comes from."""

from __future__ import annotations

import pytest

from voxint.net.http_request import RequestHead
from voxint.server.address import client_address, networks, one_address

PROXIES = networks(("127.0.0.1", "10.0.0.0/8", "::1"))


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("localhost", ""),
    ],
)
def test_what_counts_as_one_address(text: str, counted: str) -> None:
    """One of IPv4, however it is written; the network of one of IPv6, since whoever has one has all of it."""
    assert one_address(text) == counted


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", (), "192.0.2.7"),
        ("192.0.2.7", ("203.0.113.1",), "192.0.2.7"),
        ("127.0.0.1", (), "127.0.0.1"),
        ("127.0.0.1", ("203.0.113.1",), "203.0.113.1"),
        ("::1", ("203.0.113.1",), "203.0.113.1"),
        ("127.0.0.1", ("198.51.100.9, 203.0.113.1",), "203.0.113.1"),
        ("127.0.0.1", ("198.51.100.9, 203.0.113.1, 10.1.2.3",), "203.0.113.1"),
        ("127.0.0.1", ("198.51.100.9", "203.0.113.1"), "203.0.113.1"),
        ("127.0.0.1", ("203.0.113.1, unknown",), "127.0.0.1"),
        ("127.0.0.1", ("203.0.113.1, unknown, 10.1.2.3",), "10.1.2.3"),
        ("127.0.0.1", (", ".join(["10.0.0.1"] * 10_000),), "10.0.0.1"),
    ],
)
def test_a_proxy_that_is_trusted_says_where_its_client_comes_from(
    peer: str, forwarded: tuple[str, ...], client: str
) -> None:
    """Its last word counts, and that of each proxy before it that is trusted too; what clients write does not."""
    headers = tuple((b"x-forwarded-for", value.encode()) for value in forwarded)
    assert client_address(RequestHead("GET", "/", headers), peer, PROXIES) == client
