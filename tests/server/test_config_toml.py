"""A configuration file that is no TOML is told by its line, with what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxint.errors import ConfigError
from voxint.server.config_file import load_config


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("[llm]\nprovider = openai_chat\n", 2, 'write text in quotation marks, as in key = "text"'),
        ("[llm]\nprovider: x\n", 2, "write each line as key = value, or as a [section]"),
        ("[llm]\nprovider\n", 2, "write each line as key = value, or as a [section]"),
        ('[llm]\na = "x" b = "y"\n', 2, "write one key = value in a line"),
        ('[llm]\na = "x"\na = "y"\n', 3, "the key stands above already; keep one of them"),
        ("[llm]\n[stt]\n[llm]\n", 3, "the section stands above already; keep its keys together"),
        ('[llm]\na = "x\n', 2, "close each text with a quotation mark in its line"),
        ("[llm\n", 1, "close the name of a section by ]"),
    ],
)
def test_a_fault_that_many_make_is_told_with_its_remedy(tmp_path: Path, text: str, line: int, hint: str) -> None:
    """And nothing of the line itself, which may hold a key."""
    path = tmp_path / "voxint.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.place == f"{path}:{line}"
    assert caught.value.expected.startswith("this is no TOML (")
    assert caught.value.expected.endswith(f": {hint}")


def test_a_file_that_ends_too_early_is_told(tmp_path: Path) -> None:
    """Its fault is at no line."""
    path = tmp_path / "voxint.toml"
    path.write_text('[llm]\na = """x')
    with pytest.raises(ConfigError, match="close each text with a quotation mark"):
        load_config(path, {})
