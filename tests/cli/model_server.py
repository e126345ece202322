"""Model servers on loopback for the demo to find, and whatever else may listen where they do."""

from __future__ import annotations

import json
from collections.abc import Sequence

from attrs import define, field

from tests.net.loopback import Conversation
from tests.providers.chat import DONE, text

__all__ = ["ModelServer", "listing"]


def listing(*names: str, owner: str = "someone") -> bytes:
    """Return a list of models as servers write it."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name in names]
    return json.dumps({"object": "list", "data": data}).encode()


@define
class ModelServer:
    """One that lists models and answers; `script` is what `tests.net.loopback.serve` serves.

    Args:
        models: The body of its list.
        tags: The body of `/api/tags`; None: it has no such page.
        said: The pieces of each answer.
        status: That of each answer.
        key: What it wants as authorization.
        asked: The bodies of the questions that it got.
        seen: The paths that it was asked for, with the authorization.
    """

    models: bytes
    tags: bytes | None = None
    said: Sequence[str] = ("I am a ", "real one.")
    status: int = 200
    key: str = ""
    asked: list[dict[str, object]] = field(factory=list)
    seen: list[tuple[str, str]] = field(factory=list)

    async def script(self, conversation: Conversation) -> None:
        """Answer one connection's requests."""
        while (request := await conversation.request()) is not None:
            head, body = request
            path = head.target.decode()
            key = dict(head.headers).get(b"authorization", b"").decode()
            self.seen.append((path, key))
            if self.key and key != self.key:
                await conversation.answer(b"{}", 401, "application/json")
            elif path == "/v1/models":
                await conversation.answer(self.models, 200, "application/json")
            elif path == "/api/tags" and self.tags is not None:
                await conversation.answer(self.tags, 200, "application/json")
            elif path == "/v1/chat/completions":
                self.asked.append(json.loads(body))
                answer = b"".join(text(piece) for piece in self.said) + text(None, "stop") + DONE
                await conversation.answer(answer if self.status == 200 else b"{}", self.status)
            else:
                await conversation.answer(b"not here", 404, "text/plain")
