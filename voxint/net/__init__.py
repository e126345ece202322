"""Bytes on the network: HTTP client and its pool, HTTP front of the one port, server-sent events; nothing of voice."""

from __future__ import annotations

__all__: list[str] = []
