"""The HTTP client of all providers: a stream ends with its block, and foreign errors become voxint's."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from inspect import isasyncgen

import httpx
import msgspec
import trio
from attrs import frozen

from voxint._version import __version__
from voxint.arguments import check_arguments, check_type
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.inside_trio import Block, require_trio, within_block, within_trio
from voxint.net.coding import CodingError, ContentDecoder
from voxint.net.link import Origin
from voxint.net.pool import PoolStatistics
from voxint.net.transport import Body, HttpTransport, open_transport

__all__ = ["HttpClient", "chunks", "open_http"]

BLOCK_ENDED = "the block of open_http() has ended: send requests within it, which lasts as long as the program"


class HttpClient:
    """Sends requests through one transport, and so one pool of connections; made by `open_http`.

    Of httpx it uses URL, request and response, and not the client: no cookies, which would be shared among all callers,
    no redirects, which would carry the key to another host, no retries of what the server has begun to answer.
    """

    def __init__(self, transport: HttpTransport, timeout_s: float, block: Block) -> None:
        self._transport = transport
        self._timeout_s = timeout_s
        self._block = block

    @within_block
    @check_arguments
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
            content: A body as it is. An async iterable is sent in chunks as they come, the first of them with the head.
                A server that refuses before the end is heard at once, and nothing more is taken from the iterable;
                any other answer is given when all has been sent. A generator is closed when no more of it is wanted.

        Raises:
            ConfigError: The URL is none.
            UpstreamError: The server could not be reached, broke off, or does not speak HTTP; also from `chunks`.
            UpstreamTimeout: It did not accept a connection in time, or no connection became free in time.
            TypeError: An argument is of another type.
            ValueError: There are two bodies, `json` and `content`.
            trio.ClosedResourceError: The block of `open_http` has ended.
        """
        if json is not None and content is not None:
            raise ValueError("json and content are each a whole body: give one of them")
        parsed = _parse(url)
        peer = _Peer.of(parsed, self._timeout_s)
        try:
            request = _request(method, parsed, headers, json, content)
        except UnicodeEncodeError:
            raise peer.illegal() from None  # its own words quote the whole header, and that may be the key
        try:
            received = await self._transport.send(request)
        except httpx.TransportError as error:
            raise peer.error(error) from _shown(error)
        finally:
            if isasyncgen(content):
                await content.aclose()
        head, body = received.head, received.body
        try:
            coding, fields = _coding_apart(head.headers.raw_items())
            incoming = _Incoming(body, peer) if coding is None else _Unpacked(body, peer, coding)
            yield httpx.Response(head.status_code, headers=fields, stream=incoming, request=request)
        finally:
            body.close()

    @within_block
    def warm(self, url: str) -> None:
        """Dial a spare to where `url` leads, in the background, for a request that is about to come.

        Raises:
            ConfigError: The URL is none.
            trio.ClosedResourceError: As `stream`.
        """
        check_type(url, str, "url")
        self._transport.dial_spare(Origin.of(_parse(url)))

    @within_trio
    def statistics(self) -> PoolStatistics:
        """Return what the pool holds now."""
        return self._transport.statistics()


@check_arguments
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

    Raises:
        TypeError: An argument is of another type.
    """
    require_trio("open_http")
    async with open_transport(
        max_connections=max_connections, connect_timeout_s=connect_timeout_s, verify=verify
    ) as transport:
        with Block(BLOCK_ENDED) as block:
            yield HttpClient(transport, connect_timeout_s, block)


def chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """Return the body of a response of `HttpClient.stream` as it comes, the cheapest way that is right.

    Servers are asked not to compress; what comes compressed all the same is unpacked. It is no generator, so a reader
    may stop anywhere, and what httpx's iterators add to the socket's own cost is not paid.

    Raises:
        TypeError: It is no such response.
    """
    check_type(response, httpx.Response, "response")
    if not isinstance(response.stream, _Incoming):
        raise TypeError("response is none of HttpClient.stream: httpx's own have aiter_bytes()")
    return response.stream


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
        except httpx.TransportError as error:
            raise self._peer.error(error) from _shown(error)
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """See `Body.close`."""
        self._body.close()


class _Unpacked(_Incoming):
    """The body of a response that came compressed, unpacked."""

    def __init__(self, body: Body, peer: _Peer, coding: str) -> None:
        super().__init__(body, peer)
        self._decoder = ContentDecoder(coding)
        self._broken: CodingError | None = None

    async def __anext__(self) -> bytes:
        try:
            while True:
                if self._broken is not None:
                    raise self._broken
                if self._decoder.pending:
                    await trio.lowlevel.checkpoint()  # a little of what was read can be a long work
                    packed = b""
                else:
                    packed = await self._packed()
                if content := self._decoder.feed(packed):
                    return content
        except CodingError as error:
            if error.before and self._broken is None:
                self._broken = error  # behind what is sound, whose reader may need no more
                return error.before
            raise self._peer.miscoded(error) from None

    async def _packed(self) -> bytes:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            self._decoder.finish()
            raise


def _coding_apart(fields: list[tuple[bytes, bytes]]) -> tuple[str | None, list[tuple[bytes, bytes]]]:
    """Return the content coding, None where there is none, and the other header fields, which are then true.

    httpx's response would unpack the body itself, raise errors of its own, and pass over a coding that it cannot read.
    """
    values = b",".join(value for name, value in fields if name.lower() == b"content-encoding")
    codings = [coding.strip() for coding in values.decode("latin-1").lower().split(",")]
    coding = ",".join(coding for coding in codings if coding not in ("", "identity"))
    if not coding:
        return None, fields
    return coding, [field for field in fields if field[0].lower() not in (b"content-encoding", b"content-length")]


def _request(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str] | None,
    json: object,
    content: bytes | AsyncIterable[bytes] | None,
) -> httpx.Request:
    """Return the request that the arguments of `HttpClient.stream` say."""
    head = {"user-agent": f"voxint/{__version__}", "accept": "*/*", "accept-encoding": "identity"}
    if json is not None:
        content = msgspec.json.encode(json)
        head["content-type"] = "application/json"
    head |= {name.lower(): value for name, value in (headers or {}).items()}
    return httpx.Request(method, url, headers=head, content=content)


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        # The URL itself stays out of the message: some carry a key.
        raise ConfigError(
            "URL of a provider", "write a whole URL, which begins with http:// or https:// and names a host"
        )
    return parsed


@frozen
class _Peer:
    """Who is at the other end, for the errors about it.

    Args:
        place: Host and port.
        timeout_s: What bounds the dial and the wait for a connection.
    """

    place: str
    timeout_s: float

    @classmethod
    def of(cls, url: httpx.URL, timeout_s: float) -> _Peer:
        """Return who is at `url`."""
        return cls(f"{url.host}:{Origin.of(url).port}", timeout_s)

    def error(self, foreign: httpx.TransportError) -> UpstreamError:
        """Return the error to raise for the transport's."""
        # h11 quotes what the peer sent after a colon; the words before it are its own.
        words = str(foreign).partition(":")[0] or type(foreign).__name__
        match foreign:
            case httpx.ConnectTimeout():
                return UpstreamTimeout(
                    "the provider did not accept a connection in time; try again later",
                    operator_detail=f"{self.place} did not accept a connection within {self.timeout_s:g} s: check the "
                    "URL, the network and whether the service is up",
                )
            case httpx.PoolTimeout():
                return UpstreamTimeout(
                    "this service has too many requests to its provider; try again later",
                    operator_detail=f"no connection to {self.place} became free within {self.timeout_s:g} s: raise "
                    "max_connections or admit fewer requests",
                )
            case httpx.ConnectError():
                return UpstreamError(
                    "the provider can't be reached; try again later",
                    operator_detail=f"{self.place} cannot be reached: {foreign}; check the URL and whether the service "
                    "is up",
                )
            case httpx.LocalProtocolError():
                return self.illegal()
            case httpx.ProtocolError():
                return self._broke_off(f"{self.place} broke off or does not speak HTTP/1.1: {words}")
            case _:
                return self._broke_off(f"{self.place} broke the connection off: {words}")

    def _broke_off(self, detail: str) -> UpstreamError:
        return UpstreamError("the provider broke the connection off; try again", operator_detail=detail)

    def illegal(self) -> UpstreamError:
        """Return the error of a request that cannot be sent."""
        return UpstreamError(
            "this service can't send its request to the provider; tell its operator",
            retryable=False,
            operator_detail=f"the request to {self.place} is not legal HTTP: look for line breaks, spaces or letters "
            "beyond ASCII in headers and key",
        )

    def miscoded(self, error: CodingError) -> UpstreamError:
        """Return the error of a body that cannot be unpacked."""
        return UpstreamError(
            "the provider sent what is no answer; tell the operator of this service",
            retryable=False,
            operator_detail=f"{self.place} was asked for an uncompressed answer, and its answer {error}: the fault is "
            "its own, or that of a proxy before it; report it to whoever runs it",
        )


def _shown(error: Exception) -> Exception | None:
    """Return the cause a traceback may show: h11 quotes an illegal header whole, and that may be the key."""
    return None if isinstance(error, httpx.LocalProtocolError) else error
