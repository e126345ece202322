"""The configurations that the documentation shows are configurations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import PAGES, blocks, page_id
from voxint.server.config_file import load_config

SHOWN = [(page, block.code) for page in PAGES for block in blocks(page) if block.marker == "configuration"]


@pytest.mark.parametrize(("page", "text"), SHOWN, ids=[page_id(page) for page, _ in SHOWN])
def test_a_configuration_of_a_page_is_read(page: Path, text: str, tmp_path: Path) -> None:
    """A block under ``<!-- configuration -->`` is read by the server without complaint, and names a model."""
    file = tmp_path / "voxint.toml"
    file.write_text(text, encoding="utf-8")
    assert load_config(file, {}).llm.provider


def test_there_is_a_configuration_to_read() -> None:
    """The marker still means what this module takes it for."""
    assert "docs/howto/run-the-server.md" in {page_id(page) for page, _ in SHOWN}
