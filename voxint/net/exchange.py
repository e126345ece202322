"""One request and the head of its response, over a connection; the body of the response comes after it.

h11 says what the heads mean and frames what is sent. What lies behind the response's head goes past it: a model's
stream is a chunk for each token, and h11's general reader takes longer for one than everything else between the socket
and the caller together.
"""

from __future__ import annotations

import re

import h11
import httpx
import trio

from voxint.background import open_background
from voxint.net.framing import BodyDecoder, decoder_of, keeps_alive
from voxint.net.link import READ_BYTES, Link
from voxint.net.request_body import RequestBody

__all__ = ["HttpExchange"]

HEAD_BYTES = 16_384
"""Of a response's head, the informational ones before it included: twice what a common proxy takes from its server."""

HEADER_LINES = 100
"""Of a response's head, the informational ones before it included; the bound of Python's own client."""

_HEAD_ENDS = re.compile(rb"\n\r?\n")


class HttpExchange:
    """Sends one request over a link and hears the head of its response.

    Args:
        link: A connection that no other request uses.
        request: What to send; its body is given to `run`.

    Attributes:
        heard: Whether a single byte came back.
        response: The response's head, once `run` has returned.
        decoder: What reads the response's body.
        ahead: The bytes that came with the head.
        reusable: Whether the connection may be used again, if nothing comes behind the body's end.
    """

    response: h11.Response
    decoder: BodyDecoder
    ahead: bytes
    reusable: bool

    def __init__(self, link: Link, request: httpx.Request) -> None:
        self._link = link
        self._request = request
        # h11 bounds only what is not complete yet, so the bound is kept below, and h11's own lies out of its reach.
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES + READ_BYTES)
        self._received = 0
        self._unread = bytearray()  # what came of a head that h11 has not read

    @property
    def heard(self) -> bool:
        """Whether a single byte came back."""
        return self._received > 0

    async def run(self, body: RequestBody) -> None:
        """Send the request and return once the response's head is here; on any other end the link is to be closed.

        A head and a small body, or the first piece of a larger one, leave as one segment. The rest is sent while the
        answer is listened for: a refusal (any status from 300 on) ends the upload, and any other answer waits for it.

        Raises:
            httpx.LocalProtocolError: The request is not legal HTTP.
            httpx.RemoteProtocolError: The response is not, or is none at all.
            httpx.NetworkError: The connection was lost.
            httpx.TimeoutException: The link's own bounds were passed.
        """
        opening = self._opening(body)
        if body.in_one_piece:
            sent = await self._sent(opening)
            self.response = await self._hear()
        else:
            sent = await self._upload_and_hear(opening, body)
        self.ahead = self._http.trailing_data[0]
        self.decoder = decoder_of(self._request.method, self.response)
        self.reusable = sent and keeps_alive(self._request.headers.raw, self.response)

    def _opening(self, body: RequestBody) -> bytes:
        """Return the head of the request and the first piece of its body."""
        try:
            head = h11.Request(
                method=self._request.method.encode("ascii"),
                target=self._request.url.raw_path,
                headers=self._request.headers.raw,
            )
        except (h11.LocalProtocolError, UnicodeEncodeError):
            raise _illegal() from None
        parts = [self._framed(head)]
        if body.first:
            parts.append(self._framed(h11.Data(data=body.first)))
        if body.in_one_piece:
            parts.append(self._framed(h11.EndOfMessage()))
        return b"".join(parts)

    def _framed(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> bytes:
        try:
            return self._http.send(event)
        except h11.LocalProtocolError:
            raise _illegal() from None

    async def _sent(self, data: bytes) -> bool:
        """Send `data` and return whether it could be: a server that takes no more may have answered before."""
        try:
            await self._link.send(data)
        except httpx.WriteError:
            return False
        return True

    async def _upload_and_hear(self, opening: bytes, body: RequestBody) -> bool:
        """Send the request and hear the response's head at once; return whether all was sent."""
        heard: h11.Response | httpx.TransportError | None = None
        uploading = trio.CancelScope()

        async def hear() -> None:
            nonlocal heard
            try:
                heard = await self._hear()
            except httpx.TransportError as error:
                heard = error
            if isinstance(heard, httpx.TransportError) or heard.status_code >= 300:
                uploading.cancel(reason="the server wants no more of it")

        sent = False
        async with open_background() as nursery:
            nursery.start_soon(hear)
            with uploading:
                try:
                    sent = await self._upload(opening, body)
                except BaseException:
                    if not uploading.cancel_called:
                        self._link.close()  # in this very step, and not when `hear` has ended too
                    raise
        if isinstance(heard, httpx.TransportError):
            raise heard
        assert heard is not None
        self.response = heard
        return sent

    async def _upload(self, opening: bytes, body: RequestBody) -> bool:
        """Send the request; return whether all of it could be sent."""
        if not await self._sent(opening):
            return False
        while piece := await body.following():
            await trio.lowlevel.checkpoint()  # nothing else here need be one, and the answer has to be heard
            if not await self._sent(self._framed(h11.Data(data=piece))):
                return False
        return await self._sent(self._framed(h11.EndOfMessage()))

    async def _hear(self) -> h11.Response:
        """Return the head of the final response; informational ones before it are passed over."""
        lines = 0
        while True:
            self._bound(lines)
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
            if event is h11.NEED_DATA:
                data = await self._link.receive()
                if not data:
                    raise httpx.RemoteProtocolError("it closed the connection instead of answering")
                self._received += len(data)
                self._unread += data
                self._http.receive_data(data)
                continue
            if not isinstance(event, h11.Response | h11.InformationalResponse) or event.status_code == 101:
                raise httpx.RemoteProtocolError("it answered with another protocol")
            if isinstance(event, h11.Response):
                return event
            lines += len(event.headers) + 1  # its status line, so that empty ones have an end too
            self._unread = bytearray(self._http.trailing_data[0])

    def _bound(self, lines: int) -> None:
        """Refuse a head that is too large before h11 reads it, which takes a while for many lines.

        Args:
            lines: Of the informational heads before it.
        """
        end = _HEAD_ENDS.search(self._unread)
        size = len(self._unread) if end is None else end.end()
        if self._received - len(self._unread) + size > HEAD_BYTES:
            raise httpx.RemoteProtocolError(f"the head of its answer is longer than {HEAD_BYTES:,} bytes")
        if lines + self._unread.count(b"\n", 0, size if end is None else end.start()) > HEADER_LINES:
            raise httpx.RemoteProtocolError(f"the head of its answer has more than {HEADER_LINES} header lines")


def _illegal() -> httpx.LocalProtocolError:
    """Return the error of a request that cannot be sent; h11's own quotes a header whole, and that may be a key."""
    return httpx.LocalProtocolError("the request is not legal HTTP")
