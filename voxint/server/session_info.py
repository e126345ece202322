"""SESSION_INFO: what a client may ask of its session, and by a name of its own a token for somebody else to join it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from voxint.core.session import Session
from voxint.protocol import messages as m
from voxint.server.store import SessionStore

__all__ = ["session_info"]

JOIN_TOKEN = "join_token"
"""Told only where it is named: a secret, and made anew each time."""


def session_info(store: SessionStore, session: Session, fields: Collection[str], remaining_s: float) -> m.SessionInfo:
    """Return the answer to a SESSION_QUERY.

    Args:
        store: Where the session is kept.
        session: Which.
        fields: Those that are asked for; none: all that are no secret.
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
    chosen = {name: value for name, value in data.items() if not fields or name in fields}
    if JOIN_TOKEN in fields and (token := store.join_token(session)) is not None:
        chosen[JOIN_TOKEN] = token
    return m.SessionInfo(status="SUCCESS", message="", session_data=chosen)
