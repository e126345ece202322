"""The log of a library."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from voxint.logs import Seldom, get_logger, places


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def test_an_embedding_program_hears_only_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody has configured structlog, INFO is silent and a warning is told."""
    get_logger().info("registered")
    get_logger().warning("stage overran")
    told = capsys.readouterr().out
    assert "stage overran" in told
    assert "registered" not in told


def test_a_configured_program_hears_what_it_asked_for() -> None:
    """The host's own configuration decides, whenever it was made."""
    log = get_logger()
    structlog.configure()
    with capture_logs() as lines:
        log.info("registered")
    assert [line["event"] for line in lines] == ["registered"]


def test_a_log_that_cannot_be_written_raises_nothing() -> None:
    """As on a full disk, at a closed pipe, or where a processor of the host has a bug."""
    log = get_logger()
    written: list[str] = []
    for broken in (OSError(28, "No space left on device"), ValueError("I/O operation on closed file"), TypeError()):

        def fail(logger: object, method: str, event: object, error: Exception = broken) -> str:
            written.append(method)
            raise error

        structlog.configure(processors=[fail])
        log.debug("one")
        log.info("two")
        log.warning("three")
        log.error("four")
    assert written == ["debug", "info", "warning", "error"] * 3


def _slip() -> None:
    raise ValueError("persimmon")


def test_an_exception_is_told_by_type_and_place() -> None:
    """Each one of a group, at the line that raised it, and without its words."""
    errors: list[Exception] = []
    for function in (_slip, lambda: 1 / 0):
        try:
            function()
        except (ValueError, ZeroDivisionError) as error:
            errors.append(error)
    group = ExceptionGroup("persimmon", [errors[0], ExceptionGroup("persimmon", [errors[1], KeyError("persimmon")])])
    told = places(group)
    assert "persimmon" not in str(told)
    first, second, third = told
    assert first == f"ValueError at {__file__}:{_slip.__code__.co_firstlineno + 1}"
    assert second.startswith(f"ZeroDivisionError at {__file__}:")
    assert third == "KeyError"  # it was never raised


def test_what_comes_again_and_again_is_told_once_in_a_while() -> None:
    """Of each kind by itself, on whichever clock is asked; the next line says how many were not told."""
    seldom = Seldom(10.0)
    assert [seldom.due("one", now) for now in (-100.0, -95.0, -90.1)] == [0, None, None]
    assert seldom.due("two", -95.0) == 0
    assert [seldom.due("one", now) for now in (-90.0, -80.0, 1e6)] == [2, 0, 0]
