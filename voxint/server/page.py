"""A page: its status, body and headers, and what every page tells a browser not to do with it."""

from __future__ import annotations

import msgspec
from attrs import frozen

__all__ = ["TEXT", "Page", "json_page", "security_headers"]

TEXT = "text/plain; charset=utf-8"

SECURITY_HEADERS = (
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), payment=(), usb=(), microphone=(self)"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),  # for browsers that don't know frame-ancestors
)

TLS_ONLY = ("strict-transport-security", "max-age=31536000")
"""A year, as is usual; without the names below this one, which may be served by others."""


@frozen
class Page:
    """An answer: its status, body, media type and further headers."""

    status: int
    body: bytes
    media_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


def json_page(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> Page:
    """Return a page that a program reads."""
    return Page(status, msgspec.json.encode(value) + b"\n", "application/json", headers)


def security_headers(*, tls: bool) -> tuple[tuple[str, str], ...]:
    """Return the headers of every page.

    Args:
        tls: Whether it goes out under TLS, so that a browser may be told to ask for nothing else from now on.
    """
    return (*SECURITY_HEADERS, TLS_ONLY) if tls else SECURITY_HEADERS
