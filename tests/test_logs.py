"""The log of a library."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from voxint.logs import get_logger


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
