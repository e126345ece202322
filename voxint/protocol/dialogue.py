"""The conversation as the model sees it, cut back to what was heard."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

__all__ = ["ChatMessage", "Role"]

Role = Literal["system", "user", "assistant"]


@frozen
class ChatMessage:
    """One message of the conversation, in the form chat models take."""

    role: Role
    content: str
