"""The page of the log lists every line that there is, with its level and its fields."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from attrs import frozen

from tests.docs.pages import ROOT

LEVELS = {"debug", "info", "warning", "error"}

OF_A_REQUEST = frozenset({"req_id", "session_id"})
"""What the page says once, for all lines of a request."""

SPREAD = {
    "_ids(request)": OF_A_REQUEST,
    "principal.shown": {"key"},
    "connection.principal.shown": {"key"},
    "_described(config)": {"access", "llm", "stt", "tts"},
    "_present(line)": set[str](),  # read from the dictionaries of its function
}
"""What a call's `**` holds, by how it is written."""

VALUES = {"keys", "certificate", "resume_s"}
"""What the table names that is no field."""


@frozen
class Line:
    """A line of the log: what it is called, how grave it is, and the fields that it may have."""

    event: str
    level: str
    fields: frozenset[str]


def logged(source: str) -> Iterator[Line]:
    """Yield every line that a source logs in so many words."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                args=[ast.Constant(value=str() as event)],
                keywords=keywords,
            ) if level in LEVELS:
                yield Line(event, level, frozenset(fields_of(keywords)))


def fields_of(keywords: list[ast.keyword]) -> Iterator[str]:
    """Yield the names of a call's fields."""
    for keyword in keywords:
        if keyword.arg is not None:
            yield keyword.arg
        else:
            yield from SPREAD[ast.unparse(keyword.value)]


def outcome() -> frozenset[str]:
    """Return the fields of the line that a request ends with, of one that failed too."""
    source = (ROOT / "voxint" / "server" / "telemetry.py").read_text(encoding="utf-8")
    [function] = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "_log_outcome"
    ]
    keys = [key for node in ast.walk(function) if isinstance(node, ast.Dict) for key in node.keys]
    return frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant))


def all_logged() -> list[Line]:
    """Return every line of the package; those of an ended request, whose level depends on its end, by their fields."""
    sources = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "voxint").rglob("*.py")))
    lines = [line for source in sources for line in logged(source) if line.event != "request finished"]
    failed = {"code", "error_id", "stage", "error", "detail", "cause"}
    return [
        *lines,
        Line("request finished", "info", outcome() - failed),
        Line("request failed", "warning", frozenset(failed)),  # the page says "the same, and"
    ]


def shown() -> list[Line]:
    """Return the lines of the page's table."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \| (debug|info|warning|error) \| ([^|]*)\|$", page, re.MULTILINE)
    return [
        Line(event, level, frozenset(re.findall(r"`(\w+)`", fields)) - VALUES)
        for events, level, fields in rows
        for event in re.findall(r"`([^`]+)`", events)
    ]


def told(lines: list[Line]) -> dict[tuple[str, str], frozenset[str]]:
    """Return the fields of each event and level, those apart that every line of a request has."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for line in lines:
        key = (line.event, line.level)
        found[key] = found.get(key, frozenset()) | (line.fields - OF_A_REQUEST)
    return found


def test_the_page_has_every_line_of_the_log_and_no_other() -> None:
    """With its level and every field: what a person looks for in the log is found on the page."""
    assert told(shown()) == told(all_logged())


def test_who_registered_is_among_them() -> None:
    """The line by which an operator finds a session: it is read out of the source as it stands."""
    [line] = [line for line in all_logged() if line.event == "registered"]
    assert line.fields == {"session_id", "key", "platform", "features", "resumed"}


def test_lines_are_read_out_of_a_source() -> None:
    """A call's own words, and those of a dictionary that is spread into it; other calls are none."""
    source = "log.info('one', place=1, **_ids(request))\nlog.error(text)\nother.info('two')\n"
    assert list(logged(source)) == [Line("one", "info", frozenset({"place", "req_id", "session_id"}))]
