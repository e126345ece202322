"""One https request for a file: the redirects it follows, and where in the file its answer begins."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from attrs import frozen

from voxint.errors import UpstreamError, UpstreamTimeout

__all__ = ["Answer", "open_answer"]

REDIRECTS = 5
"""Most redirects of a request; ours: the vendors' hosts send a caller on once or twice."""

MOVED = (301, 302, 303, 307, 308)


@frozen
class Answer:
    """What a server answered, its body still unread.

    Args:
        response: The response; read it by `aiter_raw`.
        start: The place in the file at which the body begins; None: there is nothing from the place that was asked for.
    """

    response: httpx.Response
    start: int | None


@asynccontextmanager
async def open_answer(client: httpx.AsyncClient, url: str, start: int, size: int) -> AsyncGenerator[Answer, None]:
    """Ask for a file from `start` on, and give the answer; a failure of the network within the block is told too.

    Args:
        client: What sends the request; it may know a proxy.
        url: The address, https.
        start: How many bytes are there already.
        size: How many the file has.

    Raises:
        UpstreamError: The server can't be reached, broke off, has no such file, or one of another size, or sends the
            caller to where it isn't safe. `retryable` says whether the same request may work at once.
        UpstreamTimeout: It was silent for too long.
    """
    place = httpx.URL(url)
    headers = {"accept": "*/*", "accept-encoding": "identity"}
    if start:
        headers["range"] = f"bytes={start}-"
    for _ in range(REDIRECTS + 1):
        if place.scheme != "https" or not place.host:
            raise UpstreamError(
                "it sends the caller to an address that is not https, which is not followed", retryable=False
            )
        try:
            async with client.stream("GET", place, headers=headers, follow_redirects=False) as response:
                if response.status_code not in MOVED or "location" not in response.headers:
                    yield Answer(response, _begins(response, start, size))
                    return
                place = _next(place, response.headers["location"])
        except httpx.TransportError as error:
            raise _told(error) from None
    raise UpstreamError(f"it redirects more than {REDIRECTS} times", retryable=False)


def _next(place: httpx.URL, location: str) -> httpx.URL:
    try:
        return place.join(location)
    except httpx.InvalidURL:
        raise UpstreamError("it redirects to what is no address", retryable=False) from None


def _begins(response: httpx.Response, start: int, size: int) -> int | None:
    """Where in the file a body begins, by the head of the response alone."""
    status = response.status_code
    if status == 416 and start:
        return None
    if status not in (200, 206):
        again = status in (408, 425, 429) or status >= 500
        what = "it has no such file" if status in (404, 410) else "it does not give the file"
        raise UpstreamError(f"{what} (status {status})", retryable=again, status=status)
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise UpstreamError("it sent the file compressed although that was not asked for", retryable=False)
    begin, whole = 0, response.headers.get("content-length", "")
    if status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
        if found is None or int(found[1]) != start:
            raise UpstreamError("it sent another part of the file than was asked for", retryable=False)
        begin, whole = start, found[2]
    if whole.isdecimal() and int(whole) != size:
        raise UpstreamError(
            f"its file has {int(whole):,} bytes, and the right one has {size:,}: it is another", retryable=False
        )
    return begin


def _told(error: httpx.TransportError) -> UpstreamError:
    match error:
        case httpx.ConnectTimeout():
            return UpstreamTimeout("it did not accept a connection in time", retryable=False)
        case httpx.TimeoutException():
            return UpstreamTimeout("it has been silent for too long")
        case httpx.ProxyError():
            return UpstreamError(f"the proxy of HTTPS_PROXY refused: {error}", retryable=False)
        case httpx.ConnectError():
            return UpstreamError(f"it can't be reached: {error}", retryable=False)
        case _:
            return UpstreamError("it broke off")
