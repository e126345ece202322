"""What really went over a page's WebSockets, seen by the browser and not by the client under test."""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field
from playwright.sync_api import Page, WebSocket

__all__ = ["Wire"]

VOICE = 1
"""The first byte of a binary frame with speech."""


@define(eq=False)
class Wire:
    """The frames of a page's WebSockets, from now on.

    Attributes:
        stopped: Requests of which an acknowledgement has said that they have stopped.
        stale: Frames behind it that bear the id of such a request.
        chunks: Frames with speech, by request.
        opened: WebSockets that were opened.
    """

    page: Page
    stopped: set[str] = field(factory=set)
    stale: list[str] = field(factory=list)
    chunks: dict[str, list[int]] = field(factory=dict)
    opened: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.page.on("websocket", lambda socket: self._socket(socket))

    def _socket(self, socket: WebSocket) -> None:
        self.opened.append(socket.url)
        socket.on("framereceived", lambda payload: self._received(payload))

    def _received(self, payload: str | bytes) -> None:
        if isinstance(payload, bytes):
            end = 2 + payload[1]
            assert payload[0] == VOICE
            request_id, seq = payload[2:end].decode(), int.from_bytes(payload[end : end + 4], "big")
            self.chunks.setdefault(request_id, []).append(seq)
            self._bears(request_id, f"speech {seq}")
            return
        envelope: dict[str, Any] = json.loads(payload)
        body = envelope["payload"]
        if envelope["msg_type"] == "INTERRUPT_ACK":
            self.stopped.update(
                request_id for request_id, outcome in body.get("outcomes", {}).items() if outcome == "stopped"
            )
        elif request_id := body.get("request_id"):
            self._bears(request_id, envelope["msg_type"])

    def _bears(self, request_id: str, what: str) -> None:
        if request_id in self.stopped:
            self.stale.append(f"{what} of {request_id}")
