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


def keys_of(path: str, function: str) -> frozenset[str]:
    """Return the names in the dictionaries of a function."""
    source = (ROOT / "voxint" / path).read_text(encoding="utf-8")
    [found] = [each for each in functions(source) if each.name == function]
    keys = [key for node in ast.walk(found) if isinstance(node, ast.Dict) for key in node.keys]
    return frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant))


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of a source, methods too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


OF_A_FAILURE = keys_of("core/failure_line.py", "failure_fields")

SPREAD = {
    "_ids(request)": OF_A_REQUEST,
    "principal.shown": {"key"},
    "connection.principal.shown": {"key"},
    "_described(config)": {"access", "listens", "llm", "stt", "tts", "vad", "turns"},
    "failure_fields(failure)": OF_A_FAILURE,
    "held": {"by"},
    "_present(line)": set[str](),  # read from the dictionaries of its function
    "fields": set[str](),  # of a request that has failed: what `all_logged` adds
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
    """Yield every line that a source logs in so many words; of one whose level is chosen, one for each level."""
    for function in functions(source):
        chosen = {name: levels for node in ast.walk(function) for name, levels in levels_of(node)}
        for node in ast.walk(function):
            match node:
                case ast.Call(func=func, args=[ast.Constant(value=str() as event)], keywords=keywords):
                    told_at = chosen.get(func.id, ()) if isinstance(func, ast.Name) else (level_of(func),)
                    yield from (Line(event, level, frozenset(fields_of(keywords))) for level in told_at if level)


def level_of(expression: ast.expr) -> str | None:
    """Return the level of `log.warning`; None of anything else."""
    match expression:
        case ast.Attribute(value=ast.Name(id="log"), attr=level) if level in LEVELS:
            return level
    return None


def levels_of(node: ast.AST) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    """Yield the name and the levels of `tell = log.warning if it_is_long else log.info`."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.IfExp(body=one, orelse=other)) if level_of(one):
            yield name, (level_of(one), level_of(other))


def fields_of(keywords: list[ast.keyword]) -> Iterator[str]:
    """Yield the names of a call's fields."""
    for keyword in keywords:
        if keyword.arg is not None:
            yield keyword.arg
        else:
            yield from SPREAD[ast.unparse(keyword.value)]


def all_logged() -> list[Line]:
    """Return every line of the package; those of an ended request are told apart by their fields."""
    sources = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "voxint").rglob("*.py")))
    lines = [line for source in sources for line in logged(source) if line.event != "request finished"]
    failed = OF_A_FAILURE | OF_A_REQUEST | {"code"}  # the page says "the same, and"
    finished = keys_of("server/telemetry.py", "_log_outcome")
    return [
        *lines,
        Line("request finished", "info", finished),
        *(Line("request failed", level, failed) for level in ("warning", "error")),
    ]


def shown() -> list[Line]:
    """Return the lines of the page's table, one for each level of a row."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \| ((?:debug|info|warning|error)[^|]*) \| ([^|]*)\|$", page, re.MULTILINE)
    return [
        Line(event, level, frozenset(re.findall(r"`(\w+)`", fields)) - VALUES)
        for events, levels, fields in rows
        for event in re.findall(r"`([^`]+)`", events)
        for level in re.findall(r"debug|info|warning|error", levels)
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
    calls = "log.info('one', place=1, **_ids(request))", "log.error(text)", "other.info('two')"
    chosen = "tell = log.error if ours else log.info", "tell('three', by=1)"
    source = "def f():\n" + "\n".join(f"    {line}" for line in (*calls, *chosen))
    assert list(logged(source)) == [
        Line("one", "info", frozenset({"place", "req_id", "session_id"})),
        Line("three", "error", frozenset({"by"})),
        Line("three", "info", frozenset({"by"})),
    ]
