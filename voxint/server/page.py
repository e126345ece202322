"""A page: its status, body and headers, and what every page tells a browser not to do with it."""

from __future__ import annotations

import msgspec
from attrs import frozen

__all__ = ["ANY_ORIGIN", "TEXT", "Page", "front_policy", "json_page", "security_headers"]

TEXT = "text/plain; charset=utf-8"

CSP = "content-security-policy"

NOTHING = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What no page needs, and none may have."""

SECURITY_HEADERS = (
    ("cache-control", "no-store"),
    (CSP, f"default-src 'none'; {NOTHING}"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
)
"""Of everything that is served."""

DOCUMENT_HEADERS = (
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), payment=(), usb=(), microphone=(self)"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),  # for browsers that don't know frame-ancestors
)
"""Of what a browser may show by itself; some seventy files that a page is made of go without."""

TLS_ONLY = (("strict-transport-security", "max-age=31536000"),)
"""A year, as is usual; without the names below this one, which may be served by others."""


ANY_ORIGIN = (("access-control-allow-origin", "*"), ("cross-origin-resource-policy", "cross-origin"))
"""Of what anybody's page may read, and whoever has this program has anyway."""


@frozen
class Page:
    """An answer: its status, body, media type and further headers, which stand for those that every page has.

    `part`: It is a file of a page, and no page itself.
    """

    status: int
    body: bytes
    media_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()
    part: bool = False


def json_page(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> Page:
    """Return a page that a program reads."""
    return Page(status, msgspec.json.encode(value) + b"\n", "application/json", headers)


def front_policy(authority: str) -> tuple[str, str]:
    """Return the policy of the page at `/`: what is this server's own, and its WebSocket.

    Args:
        authority: The server's name and port, as the visitor has written them; empty: they are of a form that a
            policy can't hold. Browsers of today take `'self'` for the WebSocket, too; older ones want its address.
    """
    sockets = f" ws://{authority} wss://{authority}" if authority else ""
    allowed = (
        "script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'{sockets}; font-src 'none'"
    )
    return (CSP, f"default-src 'none'; {allowed}; {NOTHING}")


def security_headers(*, tls: bool, part: bool = False) -> tuple[tuple[str, str], ...]:
    """Return the headers of every page.

    Args:
        tls: Whether it goes out under TLS, so that a browser may be told to ask for nothing else from now on.
        part: Whether it is a file of a page, and no page itself.
    """
    return (*SECURITY_HEADERS, *(() if part else DOCUMENT_HEADERS), *(TLS_ONLY if tls else ()))
