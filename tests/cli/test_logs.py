from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from voxint.cli.logs import configure_logs
configure_logs({level!r}, {log_format!r})
structlog.contextvars.bind_contextvars(session_id="s1")
log = structlog.get_logger("x")
log.debug("quiet", req_id="r1")
log.info("语音", req_id="r1")
try:
    transcript = "persimmon"
    raise ValueError(f"could not parse {{transcript}}")
except ValueError as error:
    log.error("failed", exc_info=error)
"""


def logged(level: str, log_format: str) -> tuple[str, str]:
    """Return standard output and error of a process that logs a little; it has no terminal."""
    program = PROGRAM.format(level=level, log_format=log_format)
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", program], capture_output=True, timeout=60, check=True)
    return done.stdout.decode(), done.stderr.decode()


def test_without_a_terminal_each_line_is_json_on_standard_error() -> None:
    """With level, time and the bound ids; Chinese stays readable; standard output is left to answers."""
    out, err = logged("info", "auto")
    assert out == ""
    first, second = (json.loads(line) for line in err.splitlines())
    assert first.pop("timestamp").endswith("Z")
    assert first == {"event": "语音", "level": "info", "session_id": "s1", "req_id": "r1"}
    assert "语音" in err
    assert second["event"] == "failed"


def test_an_exception_is_logged_by_its_lines_never_by_its_words() -> None:
    """Its text may quote what a person said."""
    for log_format in ("json", "console"):
        _, err = logged("debug", log_format)
        assert "persimmon" not in err
        assert "ValueError at <string>:11" in err


@pytest.mark.parametrize(("level", "events"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 1)])
def test_the_level_is_the_least_that_is_written(level: str, events: int) -> None:
    """Of a debug, an info and an error line."""
    assert len(logged(level, "json")[1].splitlines()) == events


def test_the_console_format_has_no_colours_without_a_terminal() -> None:
    """As `--log-format console` into a file."""
    _, err = logged("info", "console")
    assert "[info     ] 语音" in err
    assert "\x1b" not in err


BROKEN_PIPE = """
from voxint.cli.logs import configure_logs
from voxint.logs import get_logger
configure_logs("info")
for _ in range(1000):
    get_logger().warning("request failed", error="x" * 1000)
print("goes on")
"""


def test_a_closed_pipe_costs_the_lines_and_nothing_else() -> None:
    """Whoever collected the log has died; the server goes on."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_PIPE], stdout=subprocess.PIPE, stderr=writer, timeout=60, check=False
    )
    os.close(writer)
    assert done.stdout == b"goes on\n"


LIBRARIES = """
import logging
from voxint.cli.logs import configure_logs
configure_logs("info", "json")
class Left:
    def __del__(self):
        raise ValueError("persimmon")
Left()
log = logging.getLogger("trio.something")
try:
    raise KeyError("persimmon")
except KeyError:
    log.exception("Exception ignored of %r", "persimmon")
log.warning("persimmon")
log.info("persimmon")
"""


def test_what_libraries_say_past_the_log_is_told_without_their_words() -> None:
    """By the standard library's log, and of exceptions that can be raised nowhere: Python would show the words."""
    done = subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, timeout=60, check=True)
    assert "persimmon" not in done.stderr.decode()
    ignored, failed, warned = (json.loads(line) for line in done.stderr.splitlines())
    assert ignored["event"] == "an exception was ignored"
    assert ignored["trace"] == ["ValueError at <string>:7"]
    assert (failed["event"], failed["logger"]) == ("a library logged", "trio.something")
    assert (failed["template"], failed["trace"]) == ("Exception ignored of %r", ["KeyError at <string>:11"])
    assert (warned["template"], warned["trace"]) == (None, None)
