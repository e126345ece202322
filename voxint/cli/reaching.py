"""The server that `say` and `bench` talk to: its address as a person gave it, and its refusal of a key."""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from voxint.client.client_socket import Address
from voxint.errors import ConfigError, ServerError

__all__ = ["checked_url", "place_of_url", "refused_key"]

SHAPE = "write ws://HOST:PORT/ws/agent/stream, or wss:// for TLS"

_HARMLESS = re.compile(r"(?:[a-z]{1,8}://)?(?:[\w.-]{1,253}|\[[0-9a-fA-F:.]{1,45}\])(?::\d{1,9})?(?:/[\w./-]{0,100})?")
"""An address that is shown: no user, password or query, of which one may be a key."""


def place_of_url(flag: str) -> str:
    """Return where the running command has its `url` from: the environment, or `flag`."""
    source = click.get_current_context().get_parameter_source("url")
    return "environment VOXINT_URL" if source is ParameterSource.ENVIRONMENT else flag


def checked_url(url: str, place: str) -> str:
    """Return `url`, which is a WebSocket's.

    Raises:
        ConfigError: It is not; says what was given, as far as nothing of it can be a secret, and what to write.
    """
    try:
        Address.of(url)
    except ConfigError:
        _refuse(url, place)
    return url


def _refuse(url: str, place: str) -> NoReturn:
    scheme, mark, _ = url.partition("://")
    harmless = _HARMLESS.fullmatch(url) is not None
    if not mark:
        given = url if harmless and ":" in url else "what is given"
        raise ConfigError(place, f"{given} has no ws:// in front: {SHAPE}")
    shown = url if harmless else f"{scheme}://…" if re.fullmatch(r"[a-z]{1,8}", scheme) else "this"
    if scheme not in ("ws", "wss"):
        raise ConfigError(place, f"{shown} is no WebSocket's address: {SHAPE}")
    try:
        _ = urlsplit(url).port
    except ValueError:
        port = "write one from 1 to 65535, as in ws://HOST:PORT/ws/agent/stream"
        raise ConfigError(place, f"{shown} has no port that can be: {port}") from None
    raise ConfigError(place, f"{shown} names no host: {SHAPE}")


def refused_key(error: ServerError, *, given: bool, also: str = "") -> ServerError | ConfigError:
    """Return what a person is told of an error of the server's: of a refused key, where to put another.

    Args:
        error: As it came.
        given: Whether a key or an account was given.
        also: Another way than a key, as the end of the sentence.
    """
    if error.code != "AUTH_FAILED":
        return error
    where = f"--api-key, or VOXINT_API_KEY{also}"
    if not given:
        return ConfigError("--api-key", f"the server wants a key: give it by {where}")
    return ConfigError(
        "--api-key",
        f"the server does not know what was given, or it has expired, or may not talk (scope `talk`): "
        f"ask its operator, and give another by {where}",
    )
