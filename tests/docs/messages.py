"""Every message that a user can meet, on one page, made from the sources.

``python -m tests.docs.messages`` writes docs/reference/messages.md. What makes a message is a call of a few names
(`MAKERS`), or stands in a module of nothing else (`SENTENCES`); `{name}` shows where something is filled in.
"""

from __future__ import annotations

import ast
import builtins
import errno
import re
import socket
import ssl
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from attrs import frozen

from tests.docs.message_texts import Names, called, nodes, texts, top
from tests.docs.pages import ROOT
from tests.protocol.malformed_frames import MALFORMED
from voxint.client.refused import (
    CLOSES,
    REDIRECTS,
    STATUSES,
    no_websocket,
    refused,
    tls_failed,
    unreachable,
    why_closed,
)

__all__ = ["PAGE", "SECTIONS", "Message", "made_in", "messages", "page"]

PAGE = ROOT / "docs" / "reference" / "messages.md"

SOURCES = ROOT / "voxint"

SECTIONS = {
    "Command line": "On standard error, behind `voxint:`; the exit code is 1, or 2 where a flag or a setting is wrong.",
    "Configuration": "A `ConfigError`: where it stands, a colon, and what to write there. The command line shows it as"
    " one line, with exit code 2; a program gets it raised.",
    "Over the wire": "The `error_msg` of an ERROR, behind its code where one is fixed; the reasons of a Close, of"
    " SHUTDOWN and SESSION_WARN, and the message of an INTERRUPT_ACK.",
    "Client": "A `Disconnected`, a `ServerError` or a `ValueError` in a program that connects; behind the server's"
    " address where the connection is at fault. `voxint say` and `voxint bench` show the same.",
    "Library": "What a program that runs its agent itself gets raised: a `RequestFailed`, or an error of Python's own"
    " kinds where an argument is wrong. Of a failed request a client gets the same words, but for a bug of voxint's.",
    "Providers": "An `UpstreamError` of a provider or of the HTTP client. What stands behind the dash is for who runs"
    " the server, in its log; a client never gets it.",
    "Log": "The event of a line, and its fields. [Metrics and logs](metrics.md#the-log) says what each means.",
    "HTTP": "The body of an answer, with its status.",
}

LEVELS = ("debug", "info", "warning", "error")

MAKERS: dict[str, tuple[int, ...]] = {
    "ConfigError": (0, 1),
    "WireError": (0, 1),
    "RegisterRefused": (1, 2),
    "Refusal": (1,),
    "close": (0, 1),
    "_too_large": (0,),
    "wrong": (1,),
    "SessionWarn": (),
    "Shutdown": (),
    "HttpError": (0, 1),
    "TokenRefused": (0, 1),
    "Page": (0, 1),
    "Readiness": (1,),
    "RequestRefused": (1,),
    "Failure": (1,),
    "fail": (1,),
    "UpstreamError": (0,),
    "UpstreamTimeout": (0,),
    "_too_much": (0,),
    "BadCall": (0,),
    "Unreadable": (0,),
    "ServerError": (0, 1),
    "Disconnected": (1,),
    "disconnected": (0,),
    "_gone": (0,),
    "ReplyOverflow": (0,),
    "UsageError": (0,),
    "OSError": (0,),
    "ValueError": (0,),
    "TypeError": (0,),
    "RuntimeError": (0,),
    "AttributeError": (0,),
    "BusyResourceError": (0,),
    "Block": (0,),
    "evolve": (),
    "ConnectError": (0,),
    "ConnectTimeout": (0,),
    "ProxyError": (0,),
    "PoolTimeout": (0,),
    "ReadError": (0,),
    "ReadTimeout": (0,),
    "WriteTimeout": (0,),
    "RemoteProtocolError": (0,),
    "UnsupportedProtocol": (0,),
    "ChunkError": (0,),
    "CodingError": (0,),
}
"""By the name that is called: which of its arguments are shown."""

BY_NAME = ("message", "operator_detail", "reason", "expected", "error_msg")
"""Arguments by name that are shown as well."""

SENTENCES = ("server/words.py",)
"""Modules of nothing but messages: each text in them is one."""

ASKED = ("client/refused.py", "protocol/malformed.py")
"""Modules that put messages together: these are asked for what they say (`_asked`)."""

FRAGMENTS = {
    "BadCall": "… sent ",
    "Unreadable": "… sent an event that is no chunk of a completion: ",
    "ProxyError": "… the proxy that HTTPS_PROXY names is no way to it: ",
    "ChunkError": "… its answer is damaged: ",
    "CodingError": "… its answer ",
    "_too_much": "the provider ",
    "_too_large": "PAYLOAD_TOO_LARGE: the message must have ",
}
"""What stands before the words of an error that is a part of another's."""

INTERNAL = {"providers", "net", "protocol"}
"""Folders whose Python's own errors are caught by others of ours, and told in their words."""

WIRE = {"WireError", "RegisterRefused", "Refusal", "close", "_too_large", "wrong", "SessionWarn", "Shutdown"}
HTTP = {"HttpError", "TokenRefused", "Page", "Readiness"}

UNREACHABLE = (
    ConnectionRefusedError(),
    socket.gaierror(),
    TimeoutError(),
    ConnectionResetError(),
    OSError(errno.EHOSTUNREACH, ""),
    OSError(errno.EMFILE, ""),
)

_VERSION, _OTHER, _UNTRUSTED = ssl.SSLError(), ssl.SSLError(), ssl.SSLCertVerificationError()
_VERSION.reason, _OTHER.reason, _UNTRUSTED.verify_message = "WRONG_VERSION_NUMBER", "NO_SHARED_CIPHER", "self-signed"
TLS_FAILURES = (_UNTRUSTED, _VERSION, _OTHER, EOFError())

FOLDERS = {
    "assets": "Command line",
    "cli": "Command line",
    "client": "Client",
    "measure": "Client",
    "providers": "Providers",
    "net": "Providers",
    "server": "Over the wire",
    "protocol": "Over the wire",
}


@frozen(order=True)
class Message:
    """A message.

    Args:
        section: Where a user meets it.
        source: The file that makes it, in the repository.
        line: Its line there.
        text: The message.
    """

    section: str
    source: str
    line: int
    text: str


def messages() -> list[Message]:
    """Return all messages of the sources, by section, file and line; of those that are said alike the first."""
    order = [*SECTIONS]
    found = [*_asked(), *(each for path in sorted(SOURCES.rglob("*.py")) for each in made_in(path))]
    first: dict[tuple[str, str, str], Message] = {}
    for each in sorted(found, key=lambda message: (order.index(message.section), message.source, message.line)):
        first.setdefault((each.section, each.source, each.text), each)
    elsewhere = [each.text for each in first.values() if not each.source.endswith(SENTENCES)]
    return [
        each
        for each in first.values()
        if not (each.source.endswith(SENTENCES) and any(text.endswith(each.text) for text in elsewhere))
    ]


def _asked() -> Iterator[Message]:
    """Yield what the modules say that put messages together, by having them say it."""
    for wrong in MALFORMED:
        yield Message("Over the wire", "voxint/protocol/malformed.py", 0, f"MALFORMED_PAYLOAD: {wrong.message}")
    moved = [(b"location", b"https://voice.example/ws/agent/stream")]
    said = [
        *(unreachable(error) for error in UNREACHABLE),
        *(tls_failed(error) for error in TLS_FAILURES),
        *(no_websocket(secure=secure, answered=answered) for answered in (False, True) for secure in (False, True)),
        refused(200),
        *(refused(status, moved) for status in REDIRECTS),
        *(refused(status) for status in (*STATUSES, 418)),
        refused(503, (), b"too many of this address have not registered yet; try again later"),
        *(why_closed(code, "") for code in (*CLOSES, 4000)),
        why_closed(1013, "the server is full: try again later"),
    ]
    yield from (Message("Client", "voxint/client/refused.py", number, text) for number, text in enumerate(said))


def made_in(path: Path, source: str | None = None) -> Iterator[Message]:
    """Yield the messages that a file makes; `source` is its text, where that is not read from it."""
    tree = ast.parse(path.read_text(encoding="utf-8") if source is None else source)
    inside = path.relative_to(SOURCES).as_posix()
    shown = path.relative_to(ROOT).as_posix()
    known = top(tree)
    for node, names in nodes(tree, known):
        if inside in SENTENCES and isinstance(node, ast.Constant | ast.JoinedStr):
            yield from (
                Message(_section(inside, ""), shown, node.lineno, text) for text in texts(node, names) if " " in text
            )
        elif isinstance(node, ast.Call) and inside not in (*SENTENCES, *ASKED):
            name = called(node.func)
            section = "Log" if _is_log(node) else _section(inside, name)
            if name.endswith("Error") and name in vars(builtins) and inside.partition("/")[0] in INTERNAL:
                continue
            before = FRAGMENTS.get(name, "")
            yield from (Message(section, shown, node.lineno, before + text) for text in _said(node, name, names))


def page() -> str:
    """Return the page."""
    lines = [
        "# Messages",
        "",
        "Every message that you can meet, by where you meet it, and the file that makes it. What is filled in stands in"
        " braces. A message says what is wrong, where, and what to do; none holds what a person said, a key or a"
        " prompt. [Errors](errors.md) has the classes and [wire protocol](wire.md#errors) the codes.",
        "",
        "<!-- made by: python -m tests.docs.messages -->",
    ]
    every = messages()
    for section, about in SECTIONS.items():
        lines += ["", f"## {section}", "", about, "", "| message | made in |", "|---|---|"]
        for each in every:
            if each.section == section:
                file = each.source.removeprefix("voxint/")
                lines.append(f"| {_code(each.text)} | [{file}](../../{each.source}) |")
    return "\n".join(lines) + "\n"


def _said(call: ast.Call, name: str, names: Names) -> Iterator[str]:
    """Yield what a call says, once for each way in which its parts can be said."""
    if _is_log(call):
        fields = ", ".join(each.arg or "..." for each in call.keywords)
        yield from (f"{text} ({fields})" if fields else text for text in texts(call.args[0], names))
        return
    if name not in MAKERS:
        return
    parts = [call.args[index] for index in MAKERS[name] if index < len(call.args)]
    parts += [each.value for each in call.keywords if each.arg in BY_NAME]
    told = [texts(part, names) for part in parts]
    behind = " — " if name in ("UpstreamError", "UpstreamTimeout") else ": "
    for parts_told in product(*told):
        whole = behind.join(part for part in parts_told if part).strip()
        # What is nothing but a code, or what is filled in, is made elsewhere.
        if any(" " in part.strip() and re.search("[a-z]{2}", re.sub(r"\{[^}]*\}", "", part)) for part in parts_told):
            yield whole


def _is_log(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="log"), attr=level):
            return level in LEVELS and bool(call.args)
    return False


def _section(inside: str, name: str) -> str:
    """Return where a message is met that a file of ours makes by calling `name`."""
    if name == "ConfigError":
        return "Configuration"
    if name in HTTP or inside in ("net/http_head.py", "net/httpd.py"):
        return "HTTP"
    if inside in ("server/config.py", "server/passwords.py"):
        return "Configuration"
    if name in WIRE and inside.startswith(("protocol/", "server/", "net/websocket")):
        return "Over the wire"
    return FOLDERS.get(inside.partition("/")[0], "Library")


def _code(text: str) -> str:
    """Return a text as code in a table, whatever marks are in it."""
    escaped = text.replace("|", "\\|")
    return f"`` {escaped} ``" if "`" in text else f"`{escaped}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
