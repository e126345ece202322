"""The upgrade of an HTTP request to a WebSocket (RFC 6455, 4.2): refused for what is wrong with it, or granted."""

from __future__ import annotations

import binascii
from base64 import b64decode

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection

from voxint.net.http_request import HttpError, RequestHead

__all__ = ["check_upgrade", "grant_upgrade"]

VERSION = "13"
"""The only one there ever was, drafts aside."""

KEY_BYTES = 16


def check_upgrade(head: RequestHead) -> None:
    """Refuse a request for a WebSocket that can't become one.

    Raises:
        HttpError: 426 where it is of another version, which says the right one, and 400 for all else.
    """
    versions = head.values("sec-websocket-version")
    if not versions:
        raise HttpError(
            400, "a request for a WebSocket must have Sec-WebSocket-Version", [("sec-websocket-version", VERSION)]
        )
    if versions != (VERSION,):
        upgrade = [("sec-websocket-version", VERSION), ("upgrade", "websocket"), ("connection", "upgrade")]
        raise HttpError(426, f"this server speaks version {VERSION} of WebSocket: ask for that", upgrade)
    keys = head.values("sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise HttpError(
            400, f"a request for a WebSocket must have one Sec-WebSocket-Key, of {KEY_BYTES} bytes in base64"
        )
    if head.header("content-length", "0").strip("0") or head.values("transfer-encoding"):
        raise HttpError(400, "a request for a WebSocket must have no body")


def grant_upgrade(head: RequestHead) -> tuple[WSConnection, bytes]:
    """Return the engine of an open WebSocket, and the answer to the request that asked for it.

    No subprotocol and no extension is granted. The engine is told what `check_upgrade` has found right, in the one
    spelling that it knows: it compares whole header lines, and reads the last of several.
    """
    engine = WSConnection(ConnectionType.SERVER)
    told = [
        ("host", "server"),
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", VERSION),
        ("sec-websocket-key", head.header("sec-websocket-key")),
    ]
    engine.initiate_upgrade_connection([(name.encode(), value.encode()) for name, value in told], "/")
    return engine, engine.send(AcceptConnection())


def _is_key(key: str) -> bool:
    try:
        return len(b64decode(key, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
