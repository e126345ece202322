"""SESSION_INFO: what a client may ask of its session, and by a name of its own a token for somebody else to join it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from voxint.core.session import Session
from voxint.protocol import messages as m
from voxint.server.store import SessionStore

__all__ = ["FIELDS", "session_info", "wanted_fields"]

JOIN_TOKEN = "join_token"
"""Told only where it is named: a secret, and made anew each time."""

FIELDS = frozenset(
    {
        "platform",
        "require_tts",
        "enable_srs",
        "voice",
        "language",
        "function_calling",
        "create_time",
        "remaining_seconds",
    }
)
"""All that are no secret."""


def wanted_fields(named: Collection[str]) -> frozenset[str]:
    """Return what a SESSION_QUERY asks for: of a question that waits nothing else is kept, however much it names.

    Args:
        named: What it names; nothing: all that is no secret.
    """
    return (FIELDS | {JOIN_TOKEN}).intersection(named) if named else FIELDS


def session_info(store: SessionStore, session: Session, wanted: frozenset[str], remaining_s: float) -> m.SessionInfo:
    """Return the answer to a SESSION_QUERY.

    Args:
        store: Where the session is kept.
        session: Which.
        wanted: The fields, as `wanted_fields` has them.
        remaining_s: How long the client may go on saying nothing.
    """
    settings = session.settings
    data: dict[str, Any] = {
        "platform": settings.platform,
        "require_tts": settings.require_tts,
        "enable_srs": settings.enable_srs,
        "voice": settings.voice,
        "language": settings.language,
        "function_calling": [
            {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
            for tool in settings.tools
        ],
        "create_time": int(store.created(session) * 1000),
        "remaining_seconds": max(0, int(remaining_s)),
    }
    chosen = {name: value for name, value in data.items() if name in wanted}
    if JOIN_TOKEN in wanted and (token := store.join_token(session)) is not None:
        chosen[JOIN_TOKEN] = token
    return m.SessionInfo(status="SUCCESS", message="", session_data=chosen)
