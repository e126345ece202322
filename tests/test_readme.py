"""README's commands work as they stand, and its Chinese twin says the same."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import click
import msgspec
import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks, page_id
from tests.docs.twins import in_chinese
from voxint.cli import main
from voxint.protocol.receipt import FramedReceipt

ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
SHOWN = ("console", "python", "js", "text", "json")


def command(readme: Path, marker: str) -> str:
    """Return the one command under a marker."""
    [found] = [block.code for block in blocks(readme) if block.marker == marker]
    return found.strip()


def extracted(script: str) -> str:
    """Return the test command as a line of .ci/run finds it."""
    [line] = [line for line in script.splitlines() if line.startswith("test_command=")]
    done = subprocess.run(
        ["bash", "-c", f'set -euo pipefail; {line}\nprintf "%s" "$test_command"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout


def subcommands() -> set[str]:
    """Return the command line's commands."""
    assert isinstance(main, click.Group)
    return set(main.list_commands(click.Context(main)))


@pytest.mark.parametrize("marker", ["demo command", "test command"])
def test_a_command_is_one_line(marker: str) -> None:
    """Each of the two commands can be pasted whole, and installs into a virtual environment."""
    line = command(ENGLISH, marker)
    assert "\n" not in line
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_the_extras_of_the_commands_exist() -> None:
    """What the commands install is what pyproject.toml offers."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {
        name
        for marker in ("demo command", "test command")
        for name in re.findall(r"\.\[(\w+)\]", command(ENGLISH, marker))
    }
    assert named == {"speech", "test"}
    assert named <= extras.keys()


def test_ci_runs_the_test_command_of_readme() -> None:
    """.ci/run takes the command out of README.md, so that what is promised is what is tested."""
    assert extracted((ROOT / ".ci" / "run").read_text()) == command(ENGLISH, "test command")


def test_ci_can_be_run() -> None:
    """.ci/run is executable, and bash finds no fault in it."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True, timeout=10)


def test_both_languages_show_the_same() -> None:
    """Commands, programs, their output and the receipt are the same in both READMEs."""

    def shown(readme: Path) -> list[Block]:
        return [block for block in blocks(readme) if block.language in SHOWN]

    assert shown(ENGLISH) == shown(CHINESE)


def test_both_languages_have_the_same_shape() -> None:
    """Headings, rows of tables, figures and links agree, so that neither README runs ahead of the other.

    The Chinese one leads to the pages that are there in Chinese.
    """

    def shape(text: str) -> dict[str, list[str]]:
        return {
            "headings": re.findall(r"^(#+) ", text, re.MULTILINE),
            "rows": ["|" * line.count("|") for line in text.splitlines() if line.startswith("|")],
            "figures": re.findall(r"\d[\d.]* / \d[\d.]*", text),
            "links": sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.zh-CN.md"}),
        }

    english, chinese = (readme.read_text(encoding="utf-8") for readme in (ENGLISH, CHINESE))
    assert shape(in_chinese(english, ENGLISH)) == shape(chinese)


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=page_id)
def test_the_receipt_is_explained_by_its_own_figures(readme: Path) -> None:
    """It has the fields of a receipt, and the sentence below it names its figures, rounded."""
    [receipt] = [json.loads(block.code) for block in blocks(readme) if block.language == "json"]
    assert set(receipt) == {field.name for field in msgspec.structs.fields(FramedReceipt) if field.required}
    stop_ms, text = round(receipt["stop_ms"], 1), receipt["text"]
    below = readme.read_text(encoding="utf-8").partition('"last": ')[2].partition("##")[0]
    for figure in (stop_ms, text["generated_chars"], len(text["heard"])):
        assert re.search(rf"(?<![\d.]){re.escape(str(figure))}(?![\d.]*\d)", below), figure


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_the_commands_that_pages_name_exist(page: Path) -> None:
    """Every `voxint something` in a page's commands and prose is a command."""
    text = page.read_text(encoding="utf-8")
    shells = "\n".join(block.code for block in blocks(page) if block.language in ("console", "ini"))
    prose = "\n".join(re.findall(r"`(voxint [^`\n]+)`", text))
    named = set(re.findall(r"(?:^|/|[ `])voxint ([a-z]+)\b", shells + "\n" + prose, re.MULTILINE))
    assert named <= subcommands()
