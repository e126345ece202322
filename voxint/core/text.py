"""What a provider wrote, made fit for the wire."""

from __future__ import annotations

__all__ = ["encodable"]


def encodable(text: str) -> str:
    """Return `text` without half surrogates: a provider that cuts an emoji in two must not stop the writer."""
    return text if text.isascii() else text.encode(errors="replace").decode()
