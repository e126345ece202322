"""The examples of the documentation run, and print what the pages say they print.

A block under ``<!-- example: name.py -->`` is a whole program, kept as that file beside the page's other examples; one
named ``test_*.py`` is run by pytest. A block under ``<!-- prints -->`` is what the example before it prints, where
``...`` stands for anything, and durations and ports for any (`masks.py`). A program that prints has such a block.
A block under ``<!-- file: name -->`` is kept beside them, and one under ``<!-- tests -->`` is how the page runs all its
tests, with nothing but what it shows.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from tests.docs.browser_page import EMBED
from tests.docs.masks import agree
from tests.docs.pages import PAGES, ROOT, Block, blocks, page_id
from tests.docs.twins import TWINS

SECONDS = 60
"""For one example: the slowest speaks for a few seconds, and a busy machine starts Python slowly."""

MARK = r"^<!-- (?:example|file): (\S+) -->$"

PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "trio_mode=true")


@frozen
class Example:
    """A program of a page, and what the page says it prints; None: nothing is said."""

    name: str
    code: str
    prints: str | None = None


def examples(page: Path) -> list[Example]:
    """Return the examples of a page, in order."""
    found: list[Example] = []
    block_before = Block("", "", "")
    for block in blocks(page):
        if block.marker.startswith("example: "):
            found.append(Example(block.marker.removeprefix("example: "), block.code))
        elif block.marker == "prints" and block_before.marker.startswith("example: "):
            found[-1] = Example(found[-1].name, found[-1].code, block.code)
        if block.marker:
            block_before = block
    return found


WITH_EXAMPLES = [page for page in PAGES if examples(page) and page not in TWINS.values()]
"""A Chinese page has the programs of its English one, to the letter: tests compare them."""


def run(example: Example, folder: Path) -> str:
    """Run an example in the folder where its page's examples live, and return what it prints."""
    runner = PYTEST if example.name.startswith("test_") else ()
    return run_python([*runner, example.name], folder, example.name)


def run_python(arguments: list[str], folder: Path, name: str) -> str:
    """Run Python in a folder, and return what it prints; `name` is what fails where it does."""
    environment = {
        **os.environ,
        "PYTHONUTF8": "1",
        "PYTHONWARNINGS": "error",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "80",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{name} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=page_id)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    """Every example ends without an error, and prints what its page says; one that prints is not left without it."""
    command = command_of_tests(page)
    for example in examples(page):
        (tmp_path / example.name).write_text(example.code, encoding="utf-8")
        if command and example.name.startswith("test_"):
            continue  # that runs it
        printed = run(example, tmp_path)
        if example.prints is not None or not example.name.startswith("test_"):
            said = example.prints or ""
            assert agree(said, printed), f"{example.name} printed:\n{printed}\nand its page says:\n{said}"
    if command:
        for block in blocks(page):
            if block.marker.startswith("file: "):
                (tmp_path / block.marker.removeprefix("file: ")).write_text(block.code, encoding="utf-8")
        tests = sum(example.code.count("\nasync def test_") for example in examples(page))
        assert f"{tests} passed" in run_python(command, tmp_path, "the page's tests")


def command_of_tests(page: Path) -> list[str]:
    """Return what Python is to run for all tests of a page; empty where it says no such thing."""
    [command] = [block.code for block in blocks(page) if block.marker == "tests"] or [""]
    if not command:
        return []
    program, *arguments = shlex.split(command)
    assert program == "python"
    return arguments


RUN_ELSEWHERE = {page: ["file: own_site.py"] for page in (EMBED, TWINS[EMBED])}
"""Programs that end when they are killed: `tests/browser/test_own_site.py` runs this one."""

NAMED = [
    page for page in PAGES if page.is_relative_to(ROOT / "docs") and re.search(MARK, page.read_text("utf-8"), re.M)
]
"""The pages whose programs a reader saves; those of the README are shown by themselves."""


@pytest.mark.parametrize("page", NAMED, ids=page_id)
def test_a_reader_sees_the_name_of_each_file(page: Path) -> None:
    """In the text above its block: an example imports another by that name, and a comment of HTML is shown nowhere."""
    text = page.read_text(encoding="utf-8")
    for mark in re.finditer(MARK, text, re.MULTILINE):
        above = text[: mark.start()].rpartition("\n```\n")[2]
        assert f"`{mark[1]}`" in above, f"no visible text above {mark[1]} names it"


def test_the_how_to_for_providers_runs_its_own_tests() -> None:
    """All of them, by the command that it shows, without an option of ours."""
    assert command_of_tests(ROOT / "docs" / "howto" / "provider.md") == ["-m", "pytest"]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_python_block_is_an_example(page: Path) -> None:
    """No Python in the documentation is left unrun, and each output belongs to an example."""
    markers = [block.marker for block in blocks(page) if block.language == "python"]
    assert [marker for marker in markers if not marker.startswith("example: ")] == RUN_ELSEWHERE.get(page, [])


def test_there_are_examples_to_run() -> None:
    """The marker still means what this module takes it for: the pages have examples, README among them."""
    assert "README.md" in map(page_id, WITH_EXAMPLES)


def test_an_example_that_fails_is_told(tmp_path: Path) -> None:
    """A program that raises fails its page's test, and the message has its traceback."""
    (tmp_path / "wrong.py").write_text("raise KeyError('rotten')")
    with pytest.raises(AssertionError, match="rotten"):
        run(Example("wrong.py", ""), tmp_path)
