"""The head of a request on its way in: bounded before it is parsed, refused where two readers could read it two ways.

Such a head is how a request is smuggled past a proxy: it ends for the one where it goes on for the other.
"""

from __future__ import annotations

import re

import h11

from voxint.net.http_request import HttpError, HttpLimits, RequestHead

__all__ = ["find_head", "head_of"]

HEAD_END = b"\r\n\r\n"
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
ABSOLUTE = re.compile(r"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
AUTHORITY = re.compile(r"[^\s/?#@\\]*")


def find_head(raw: bytes, limits: HttpLimits) -> int | None:
    """Return where the head at the begin of `raw` ends, or None where it does not yet.

    Raises:
        HttpError: 431 where it is larger than the limits, and 400 where it can be read in two ways.
    """
    found = raw.find(HEAD_END)
    end = len(raw) if found < 0 else found + len(HEAD_END)
    if end > limits.head_bytes:
        raise HttpError(431, f"the headers are larger than {limits.head_bytes} bytes")
    if raw.count(b"\n", 0, end) - 2 > limits.head_lines:  # the request line's, and the empty line's
        raise HttpError(431, f"the headers have more than {limits.head_lines} lines")
    if BARE_LINE_FEED.search(raw, 0, end):
        raise HttpError(400, "each line of the request must end in CR LF, not in LF alone")
    if found < 0:
        return None
    _check_framing(raw[:found])
    return end


def head_of(request: h11.Request) -> RequestHead:
    """Return what a request's head says.

    A whole URL as its target is what a proxy would be sent; its authority takes the place of Host (RFC 9112, 3.2.2).

    Raises:
        HttpError: 400, where Host or the URL's authority is none.
    """
    target, headers = request.target.decode("latin-1"), tuple(request.headers)
    if (absolute := ABSOLUTE.fullmatch(target)) is not None:
        host, rest = absolute.groups()
        target = rest if rest.startswith("/") else f"/{rest}"
        headers = (*(pair for pair in headers if pair[0] != b"host"), (b"host", host.encode("latin-1")))
        if not host:
            raise HttpError(400, "a URL that is asked for must have a host")
    head = RequestHead(request.method.decode("ascii"), target, headers, request.http_version.decode("ascii"))
    if AUTHORITY.fullmatch(head.header("host")) is None:
        raise HttpError(400, "the request must have one Host, with the name of a host")
    return head


def _check_framing(head: bytes) -> None:
    """Refuse what leaves it open where the body ends (RFC 9112, 5.2 and 6.3)."""
    request_line, *lines = head.split(b"\r\n")
    if any(line.startswith((b" ", b"\t")) for line in lines):
        raise HttpError(400, "each header must be in one line")
    named = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in lines)]
    codings = [value.strip().lower() for name, value in named if name == b"transfer-encoding"]
    if not codings:
        return
    if any(name == b"content-length" for name, _ in named):
        raise HttpError(400, "the request must not have both Content-Length and Transfer-Encoding")
    if request_line.endswith(b"HTTP/1.0"):
        raise HttpError(400, "a request of HTTP/1.0 must have no Transfer-Encoding")
    if b",".join(codings).rpartition(b",")[2].strip() != b"chunked":
        raise HttpError(400, "the last Transfer-Encoding must be chunked, or the body has no end")
