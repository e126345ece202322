"""The page with one whole message of each kind, made from the classes that read and write them.

``python -m tests.docs.wire_messages`` writes docs/reference/wire-messages.md. Which fields an example must have
is found by leaving each out; what stands for the others is compared with what the codec makes of them, by the tests.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.docs.pages import ROOT
from tests.docs.wire_examples import FROM_CLIENT, SESSION_ID, TIMESTAMP, FromClient
from tests.docs.wire_examples_server import FROM_SERVER, FromServer
from tests.docs.wire_types import FieldRow, rows_of
from voxint.errors import WireError
from voxint.protocol import messages as m
from voxint.protocol.codec import binary_voice, decode_client, encode_server

__all__ = ["PAGE", "envelope", "page", "paths_of", "readable", "required", "without"]

PAGE = ROOT / "docs" / "reference" / "wire-messages.md"

BEFORE_REGISTER = ("REGISTER", "HEALTH_CHECK")
"""The messages that need not name a session."""

HEAD = """\
# Messages of the wire protocol 1.0

One whole message of each kind, and what each field may hold. [Wire protocol](wire.md) says what they do, and in which
order they come. This page is made from the code that reads and writes them.

- **required**: without it the message gets ERROR `MALFORMED_PAYLOAD`, and `error_detail` names the place. What stands
  in an object is required where the object is there.
- Any other field may be left out, or null. The last column says what counts then; empty: nothing. Unknown fields are
  ignored.
- *always*: it is in each such message, or in each such object.
- `[]` in a name is any member of a list, `<id>` any name in an object.
- **ext** is voxint's own; a client need not know it.
- The settings of a session are also read in camelCase: `requireTts`, `enableSrs`, `systemPrompt` with
  `roleDescription` and `responseRequirements`, `sceneContext`, `functionCalling`, `functionCallingOp`.

Of the envelope `version`, `msg_type` and `payload` are required, and `session_id` in all but REGISTER and HEALTH_CHECK.
`timestamp` is not looked at.
"""

BINARY = """\
## Binary frames

**From the client**: PCM alone, signed 16-bit little-endian, one channel, in frames of any size, behind the REQUEST that
begins an upload; with the feature `server_vad` **ext** all the time, and of no REQUEST.

**From the server**, with the feature `binary_audio` **ext**: a RESPONSE that carries nothing but voice. The speech
above, of `{id}` with `voice_stream_seq` {seq}, in hexadecimal:

```text
{frame}
```

| bytes | |
|---|---|
| `01` | a frame of voice |
| `{size:02x}` | the length of the id, in bytes of UTF-8 |
| `{name}` | `{id}` |
| `{number}` | `voice_stream_seq`, big-endian |
| `{pcm}` | PCM |
"""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, "## From the client\n"]
    for msg_type, of_client in FROM_CLIENT.items():
        parts += [f"### {msg_type}\n", f"{of_client.about}\n", _table(_client_rows(of_client))]
        for does, payload in of_client.examples.items():
            whole = envelope(msg_type, payload)
            parts += [f"{does}:\n", _block(whole), f"Required of it: {_listed(required(whole))}.\n"]
    parts.append("## From the server\n")
    for msg_type, of_server in FROM_SERVER.items():
        parts += [f"### {msg_type}\n", f"{of_server.about}\n", _table(_server_rows(of_server))]
        for says, message in of_server.examples.items():
            parts += [f"{says}:\n", _block(json.loads(encode_server(message, SESSION_ID, TIMESTAMP)))]
    parts.append(_binary())
    return "\n".join(parts)


def envelope(msg_type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a client's whole message."""
    session_id = None if msg_type in BEFORE_REGISTER else SESSION_ID
    head: dict[str, Any] = {"version": "1.0", "msg_type": msg_type, "session_id": session_id}
    return {**head, "payload": dict(payload), "timestamp": TIMESTAMP}


def readable(whole: Mapping[str, Any]) -> bool:
    """Return whether the codec can use a message."""
    try:
        decode_client(json.dumps(whole))
    except WireError:
        return False
    return True


def required(whole: Mapping[str, Any]) -> list[str]:
    """Return the fields of a message's payload without which the codec can't use it."""
    return [path for path in paths_of(whole["payload"]) if not readable(without(whole, path))]


def paths_of(payload: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """Yield where each field of a payload stands; what is in lists is left out."""
    for name, value in payload.items():
        yield within + name
        if isinstance(value, Mapping):
            yield from paths_of(value, f"{within}{name}.")


def without(whole: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a message without a field of its payload."""
    left = copy.deepcopy(dict(whole))
    *way, name = path.split(".")
    inner = left["payload"]
    for step in way:
        inner = inner[step]
    del inner[name]
    return left


def _client_rows(told: FromClient) -> Iterator[tuple[str, str, str]]:
    rows = [row for row in rows_of(told.payload) if not row.path.startswith(tuple(f"{path}." for path in told.closed))]
    rows = [row for row in rows if not row.path.startswith(tuple(f"{path}[]." for path in told.closed))]
    needed = {row.path for row in rows if row.required}
    for row in sorted(rows, key=lambda row: row.path.partition(".")[0] not in needed):
        if row.required:
            stands = "**required**"
        else:
            stands = _default(told.defaults[row.path]) if row.path in told.defaults else ""
        yield _name(row, told.ext), told.types.get(row.path, row.type), stands


def _server_rows(told: FromServer) -> Iterator[tuple[str, str, str]]:
    for row in rows_of(told.payload, written=True):
        yield _name(row, told.ext), row.type, "always" if row.required else "where it applies"


def _name(row: FieldRow, ext: tuple[str, ...]) -> str:
    return f"`{row.path}`" + " **ext**" * (row.path in ext)


def _default(value: object) -> str:
    if isinstance(value, str) and value.startswith("["):
        return value.strip("[]")
    return f"`{json.dumps(value)}`"


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(["| field | type | |", "|---|---|---|", *lines]) + "\n"


def _block(whole: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(whole, indent=2, ensure_ascii=False)}\n```\n"


def _listed(paths: list[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths) or "nothing"


def _binary() -> str:
    speech = FROM_SERVER["RESPONSE"].examples["A piece of speech"]
    request_id, seq, pcm = "req_1", 17, bytes((0, 0, 1, 0, 2, 0))
    assert speech == m.Response(request_id=request_id, voice_stream_seq=seq, voice=pcm)
    frame = binary_voice(request_id, seq, pcm)
    assert frame is not None
    name = request_id.encode()
    return BINARY.format(
        id=request_id,
        seq=seq,
        frame=frame.hex(" "),
        size=len(name),
        name=name.hex(" "),
        number=frame[2 + len(name) : 6 + len(name)].hex(" "),
        pcm=pcm.hex(" "),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
