"""Where to open the page of a server, and whether it will have a microphone there."""

from __future__ import annotations

import sys

from voxint.cli.terminal import is_terminal, note
from voxint.server.auth import is_loopback
from voxint.server.config import ServerConfig
from voxint.server.serve import Server

__all__ = ["NO_MICROPHONE", "opening", "page_url", "say_where"]

EVERY_ADDRESS = ("", "0.0.0.0", "::")
"""Hosts that stand for all addresses of a machine, and that no browser can go to."""

NO_MICROPHONE = (
    "From another machine the page has no microphone, since a browser gives none without TLS: "
    "set tls_cert and tls_key, or put a proxy with TLS in front."
)


def page_url(config: ServerConfig, port: int) -> str:
    """Return the address of a server's page, as somebody at this machine can open it.

    Args:
        config: The server's settings.
        port: Where it listens.
    """
    host = "localhost" if config.host in EVERY_ADDRESS else config.host
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if config.tls_cert else 'http'}://{shown}:{port}/"


def opening(config: ServerConfig, port: int) -> tuple[str, ...]:
    """Return what to tell a person who may want to open the page, a line each.

    Args:
        config: The server's settings.
        port: Where it listens.
    """
    where = f"Open {page_url(config, port)} in a browser."
    return (where,) if config.tls_cert or is_loopback(config.host) else (where, NO_MICROPHONE)


def say_where(config: ServerConfig, server: Server) -> None:
    """Tell whoever sits at the terminal where the page is; the log tells it to everybody else."""
    if is_terminal(sys.stderr):
        note(*opening(config, server.port))
