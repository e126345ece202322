"""Bytes on the network: HTTP client and its pool, HTTP and WebSocket of the one port, server-sent events; no voice."""

from __future__ import annotations

__all__: list[str] = []
