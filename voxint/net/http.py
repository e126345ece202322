"""The HTTP client of all providers: a stream ends with its block, and foreign errors become voxint's."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import httpcore
import httpx
import msgspec
import trio
from attrs import frozen

from voxint._version import __version__
from voxint.background import open_background
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.pool import Body, Pool, PoolStatistics

__all__ = ["HttpClient", "chunks", "open_http"]

_FOREIGN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


class HttpClient:
    """Sends requests through one pool of connections; made by `open_http`.

    It stands on httpcore, and uses httpx for its URL, request and response only: no cookies, which would be shared
    among all callers, no redirects, which would carry the key to another host, no retries.
    """

    def __init__(self, pool: Pool, timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | AsyncIterable[bytes] | None = None,
    ) -> AsyncGenerator[httpx.Response, None]:
        """Send a request and give its response once the head of it is here.

        Read the body with `chunks`. Leaving the block before the body's end, by an error, a cancellation or simply so,
        closes the TCP connection and dials a spare in the background; after the end it goes back to the pool. Only the
        dial and the wait for a free connection are bounded here; a scope of the caller's bounds the rest.

        Args:
            method: Such as ``POST``.
            url: Absolute, http or https.
            headers: Beside the ones that follow from the body.
            json: A body to encode as JSON; None is no body.
            content: A body as it is. An async iterable is sent in chunks as they come, all of them before the response
                is looked at: a server that refuses early is heard when the upload ends, or when writing to it fails.

        Raises:
            ConfigError: The URL is none.
            UpstreamError: The server could not be reached, broke off, or does not speak HTTP; also from `chunks`.
            UpstreamTimeout: It did not accept a connection in time, or no connection became free in time.
        """
        request, upload = _request(method, url, headers, json, content)
        target = _target(request.url)
        peer = _Peer(f"{request.url.host}:{target.origin.port}", self._timeout_s)
        try:
            limits = {"timeout": {"pool": self._timeout_s}}
            raw = await self._pool.handle_async_request(
                httpcore.Request(method, target, headers=request.headers.raw, content=upload, extensions=limits)
            )
        except _FOREIGN as error:
            raise peer.error(error) from _shown(error)
        except trio.Cancelled:
            self._pool.dial_spare(target.origin)
            raise
        body = Body(raw)
        try:
            yield httpx.Response(raw.status, headers=raw.headers, stream=_Incoming(body, peer), request=request)
        finally:
            await body.aclose()
            if not body.complete:
                self._pool.dial_spare(target.origin)

    def warm(self, url: str) -> None:
        """Dial a spare to where `url` leads, in the background, for a request that is about to come."""
        self._pool.dial_spare(_target(_parse(url)).origin)

    def statistics(self) -> PoolStatistics:
        """Return what the pool holds now."""
        return self._pool.statistics()


@asynccontextmanager
async def open_http(
    *,
    max_connections: int = 1000,
    connect_timeout_s: float = 5.0,
    verify: ssl.SSLContext | None = None,
) -> AsyncGenerator[HttpClient, None]:
    """Open the one HTTP client of the process; leaving the block closes every connection.

    The environment's proxy variables are not followed: a proxy between hides whether a cancelled stream was really
    closed, and would take requests to a model on this machine elsewhere. Its ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``
    are, where `verify` is None.

    Args:
        max_connections: Connections at once; a request beyond them waits for `connect_timeout_s`.
        connect_timeout_s: Bounds the wait for a free connection, and then name lookup, connect and TLS together.
        verify: The TLS context; None makes the default one on the first https request.
    """
    async with open_background() as spares:
        pool = Pool(spares, max_connections, connect_timeout_s, verify)
        try:
            yield HttpClient(pool, connect_timeout_s)
        finally:
            spares.cancel_scope.cancel(reason="the HTTP client closes")
            await pool.aclose()


def chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """Return the body of `response` as it comes, the cheapest way that is right.

    The client asks servers not to compress, so it is the plain stream, which adds to the socket's own cost half of
    what httpx's iterators add. It is no generator, so a reader may stop anywhere.
    """
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    return cast("_Incoming", response.stream)


class _Incoming(httpx.AsyncByteStream):
    """The body of a response as httpx wants it; an iterator, because trio warns of generators that are cut short."""

    def __init__(self, body: Body, peer: _Peer) -> None:
        self._body = body
        self._peer = peer

    def __aiter__(self) -> _Incoming:
        return self

    async def __anext__(self) -> bytes:
        try:
            data = await self._body.read()
        except _FOREIGN as error:
            raise self._peer.error(error) from _shown(error)
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """See `Body.aclose`."""
        await self._body.aclose()


class _Upload:
    """The body of a request in one piece; an iterator as `_Incoming` is."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __aiter__(self) -> _Upload:
        return self

    async def __anext__(self) -> bytes:
        if not self._content:
            raise StopAsyncIteration
        content, self._content = self._content, b""
        return content


def _request(
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    json: object,
    content: bytes | AsyncIterable[bytes] | None,
) -> tuple[httpx.Request, AsyncIterable[bytes]]:
    """Return the head of a request, and its body."""
    head = {"user-agent": f"voxint/{__version__}", "accept": "*/*", "accept-encoding": "identity"}
    if json is not None:
        content = msgspec.json.encode(json)
        head["content-type"] = "application/json"
    request = httpx.Request(
        method, _parse(url), headers=head | {k.lower(): v for k, v in (headers or {}).items()}, content=content
    )
    return request, _Upload(content or b"") if content is None or isinstance(content, bytes) else content


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        # The URL itself stays out of the message: some carry a key.
        raise ConfigError("URL of a provider", "an absolute URL that begins with http:// or https:// and names a host")
    return parsed


def _target(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


@frozen
class _Peer:
    """Who is at the other end, for the errors about it.

    Args:
        place: Host and port.
        timeout_s: What bounds the dial and the wait for a connection.
    """

    place: str
    timeout_s: float

    def error(self, foreign: Exception) -> UpstreamError:
        """Return the error to raise for httpcore's."""
        # h11 quotes what the peer sent after a colon; the words before it are its own.
        words = str(foreign).partition(":")[0] or type(foreign).__name__
        match foreign:
            case httpcore.ConnectTimeout():
                return UpstreamTimeout(
                    f"{self.place} did not accept a connection within {self.timeout_s:g} s: check the URL, the "
                    "network and whether the service is up"
                )
            case httpcore.PoolTimeout():
                return UpstreamTimeout(
                    f"no connection to {self.place} became free within {self.timeout_s:g} s: raise max_connections "
                    "or admit fewer requests"
                )
            case httpcore.ConnectError():
                return UpstreamError(
                    f"{self.place} cannot be reached: {foreign}; check the URL and whether the service is up"
                )
            case httpcore.LocalProtocolError():
                return UpstreamError(
                    f"the request to {self.place} is not legal HTTP: look for line breaks or spaces in headers and key",
                    retryable=False,
                )
            case httpcore.ProtocolError():
                return UpstreamError(f"{self.place} broke off or does not speak HTTP/1.1: {words}; try again")
            case _:
                return UpstreamError(f"{self.place} broke the connection off: {words}; try again")


def _shown(error: Exception) -> Exception | None:
    """Return the cause a traceback may show: h11 quotes an illegal header whole, and that may be the key."""
    return None if isinstance(error, httpcore.LocalProtocolError) else error
