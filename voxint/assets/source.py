"""One https request for a file: the redirects it follows, and where in the file its answer begins."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import h11
import httpx
from attrs import frozen

from voxint._version import __version__
from voxint.errors import UpstreamError, UpstreamTimeout
from voxint.net.transport import Body, HttpTransport

__all__ = ["Download", "open_download"]

REDIRECTS = 5
"""Most redirects of a request; ours: the vendors' hosts send a caller on once or twice."""

MOVED = (301, 302, 303, 307, 308)


@frozen
class Download:
    """What a server answered, its body still unread.

    Args:
        body: What it sends, to be read to its end or left.
        start: The place in the file at which the body begins; None: there is nothing from the place that was asked for.
    """

    body: Body
    start: int | None


@asynccontextmanager
async def open_download(
    transport: HttpTransport, url: str, start: int, size: int, stall_s: float
) -> AsyncGenerator[Download, None]:
    """Ask for a file from `start` on, and give the answer; a failure of the network within the block is told too.

    Args:
        transport: What sends the request.
        url: The address, https.
        start: How many bytes are there already.
        size: How many the file has.
        stall_s: Bounds each wait for the server's next bytes.

    Raises:
        UpstreamError: The server can't be reached, broke off, has no such file, or one of another size, or sends the
            caller to where it isn't safe. `retryable` says whether the same request may work at once.
        UpstreamTimeout: It was silent for too long.
    """
    place, at = httpx.URL(url), ""
    fields = {"user-agent": f"voxint/{__version__}", "accept": "*/*", "accept-encoding": "identity"}
    if start:
        fields["range"] = f"bytes={start}-"
    for _ in range(REDIRECTS + 1):
        if place.scheme != "https" or not place.host:
            raise UpstreamError(
                "it sends the caller to an address that is not https, which is not followed", retryable=False
            )
        bounds = {"timeout": {"read": stall_s, "write": stall_s}}
        try:
            received = await transport.send(httpx.Request("GET", place, headers=fields, extensions=bounds))
            try:
                location = _field(received.head, b"location")
                if received.head.status_code not in MOVED or not location:
                    yield Download(received.body, _begins(received.head, start, size, at))
                    return
                place = _next(place, location)
                at = f"it redirects to {place.host}, and "
            finally:
                received.body.close()
        except httpx.TransportError as error:
            raise _told(error, at) from None
    raise UpstreamError(f"it redirects more than {REDIRECTS} times", retryable=False)


def _field(head: h11.Response, name: bytes) -> str:
    """The value of a header field; empty where there is none."""
    return next((value.decode("latin-1") for each, value in head.headers if each == name), "")


def _next(place: httpx.URL, location: str) -> httpx.URL:
    try:
        return place.join(location)
    except httpx.InvalidURL:
        raise UpstreamError("it redirects to what is no address", retryable=False) from None


def _begins(head: h11.Response, start: int, size: int, at: str) -> int | None:
    """Where in the file a body begins, by the head alone."""
    status = head.status_code
    if status == 416 and start:
        return None
    if status not in (200, 206):
        again = status in (408, 425, 429) or status >= 500
        what = "it has no such file" if status in (404, 410) else "it does not give the file"
        raise UpstreamError(f"{at}{what} (status {status})", retryable=again, status=status)
    if _field(head, b"content-encoding").lower() not in ("identity", ""):
        raise UpstreamError(f"{at}it sent the file compressed although that was not asked for", retryable=False)
    begin, whole = 0, _field(head, b"content-length")
    if status == 206:
        found = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)", _field(head, b"content-range"))
        if found is None or int(found[1]) != start:
            raise UpstreamError(f"{at}it sent another part of the file than was asked for", retryable=False)
        begin, whole = start, found[2]
    if whole.isdecimal() and whole != str(size):
        raise UpstreamError(f"{at}its file has {whole[:15]} bytes, and the right one has {size}", retryable=False)
    return begin


def _told(error: httpx.TransportError, at: str) -> UpstreamError:
    match error:
        case httpx.ConnectTimeout():
            return UpstreamTimeout(f"{at}it did not accept a connection in time", retryable=False)
        case httpx.TimeoutException():
            return UpstreamTimeout(f"{at}it has been silent for too long")
        case httpx.ProxyError():
            return UpstreamError(f"{at}the proxy that HTTPS_PROXY names is no way to it: {error}", retryable=False)
        case httpx.ConnectError():
            return UpstreamError(f"{at}it can't be reached: {error}", retryable=False)
        case _:
            return UpstreamError(f"{at}it broke off")
