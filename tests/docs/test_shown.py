"""The commands of a page, run one after another, print what the page shows.

A console block under ``<!-- run -->`` is run to its end, one under ``<!-- run until shown -->`` until it has printed
the block below it, and goes on until the page ends. A block under ``<!-- prints -->`` is a part of what the commands
before it print. In one under ``<!-- transcript -->`` a line that begins with ``$`` is a command, and what follows is
what it prints. What differs from run to run is masked (`masks.py`).
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from attrs import define

from tests.cli.process import LIMIT_S, Running
from tests.docs.masks import agree, masked
from tests.docs.pages import PAGES, ROOT, Block, blocks, page_id
from tests.docs.twins import TWINS
from tests.providers.spoken import say
from voxint.cli.sound import WavWriter
from voxint.testing.sim.script import STORY, STORY_ZH

RUN, UNTIL_SHOWN, TRANSCRIPT = "run", "run until shown", "transcript"

INSTALL = re.compile(r"^python3 -m venv \.venv && \.venv/bin/pip install \S+ \S+ && \.venv/bin/")
"""How a page begins: the tests run where this has been done."""

SHIMS = {
    "voxint": """
case "$1" in
  demo) exec {python} -m voxint demo --port 0 --llm sim ;;
  *) exec {python} -m voxint "$@" ;;
esac""",
    "python": 'exec {python} "$@"',
    "curl": """
for last; do :; done
exec {python} -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "$last" """,
}
"""The commands that pages use, as the tests have them: no port is taken, and nothing has to be on the machine."""

ONCE = [page for page in PAGES if page not in TWINS.values()]
"""What is run: a Chinese page shows to the letter what its English one does (test_chinese.py)."""

FIRST = ROOT / "docs" / "tutorial" / "first-conversation.md"


@define(eq=False)
class Shell:
    """Where a page's commands run: a folder of their own, and the port that the page calls 8765."""

    folder: Path
    nursery: trio.Nursery
    port: str = "8765"

    def _line(self, command: str) -> list[str]:
        line = INSTALL.sub("", command.strip()).replace(":8765", f":{self.port}")
        url = f"--url ws://127.0.0.1:{self.port}/ws/agent/stream"
        return ["bash", "-c", re.sub(r"^voxint say ", f"voxint say {url} ", line, flags=re.MULTILINE)]

    @property
    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VOXINT_")}
        return kept | {"PATH": f"{self.folder / 'bin'}:{os.defpath}", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)}

    async def run(self, command: str) -> str:
        """Run command lines to their end, and return what they print on both streams."""
        with trio.fail_after(LIMIT_S):
            done = await trio.run_process(
                self._line(command),
                cwd=self.folder,
                env=self._environment,
                check=False,
                capture_stdout=True,
                stderr=subprocess.STDOUT,
            )
        return done.stdout.decode()

    async def start(self, command: str) -> Running:
        """Start a command that runs until the page ends."""
        process = await trio.lowlevel.open_process(
            self._line(command),
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        running = Running(process, self.nursery)
        self.nursery.start_soon(self._hold, running)
        return running

    async def _hold(self, running: Running) -> None:
        process = running.process
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with process.stdout, process.stderr, trio.open_nursery() as nursery:
                nursery.start_soon(running.read, process.stdout)
                nursery.start_soon(running.read, process.stderr)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with trio.move_on_after(LIMIT_S, shield=True):
                await process.wait()


@asynccontextmanager
async def open_shell(folder: Path) -> AsyncGenerator[Shell]:
    """Make a folder with the commands that pages use; what still runs at the end of the block is killed."""
    (folder / "bin").mkdir()
    (folder / ".venv").symlink_to(folder)
    for name, script in SHIMS.items():
        shim = folder / "bin" / name
        shim.write_text(f"#!/bin/bash\n{script.format(python=shlex.quote(sys.executable))}\n")
        shim.chmod(0o755)
    async with trio.open_nursery() as nursery:
        yield Shell(folder, nursery)
        nursery.cancel_scope.cancel()


async def until_shown(shell: Shell, command: str, shown: str) -> str:
    """Start a command, wait until it has printed what the page shows, and note on which port it listens."""
    running = await shell.start(command)
    printed = await running.wait_until(lambda output: masked(shown) in masked(output))
    if found := re.search(r"127\.0\.0\.1:(\d+)", printed):
        shell.port = found[1]
    return printed


def pairs(page: Path) -> Iterator[tuple[Block, str]]:
    """Yield each block of commands that is run, with what the page shows of it: nothing, or the block below it."""
    shown = [block for block in blocks(page) if block.marker]
    for block, below in pairwise([*shown, Block("", "", "")]):
        if block.marker in (RUN, UNTIL_SHOWN):
            yield block, below.code if below.marker == "prints" else ""


WITH_COMMANDS = [page for page in ONCE if list(pairs(page))]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=page_id)
async def test_a_page_shows_what_its_commands_print(page: Path, tmp_path: Path) -> None:
    """In the order in which a reader runs them, with the demo or the simulated upstream that the page starts."""
    pcm = await say("tell me a story")  # in place of the reader
    writer = WavWriter(tmp_path / "question.wav", 16_000)
    writer.write(pcm)
    writer.close()
    async with open_shell(tmp_path) as shell:
        for block, shown in pairs(page):
            if block.marker == UNTIL_SHOWN:
                await until_shown(shell, block.code, shown)
            else:
                printed = await shell.run(block.code)
                assert masked(shown) in masked(printed), (
                    f"{block.code}printed:\n{printed}\nand the page shows:\n{shown}"
                )
                assert_is_of_the_story(printed)


def assert_is_of_the_story(text: str) -> None:
    """What is said to have been heard, in a page or in a run, is the beginning of what the demo tells."""
    for heard in re.findall(r"heard: “([^”]+)”", text):
        assert STORY.startswith(heard) or STORY_ZH.startswith(heard)


def transcripts(page: Path) -> list[str]:
    """Return the transcripts of a page, as one each."""
    return [block.code for block in blocks(page) if block.marker == TRANSCRIPT]


WITH_TRANSCRIPTS = [page for page in ONCE if transcripts(page)]

KEY_ID = re.compile(r"^[0-9a-f]{12}\b", re.MULTILINE)


@pytest.mark.parametrize("page", WITH_TRANSCRIPTS, ids=page_id)
async def test_a_transcript_is_what_a_run_prints(page: Path, tmp_path: Path) -> None:
    """Command by command; a key's id that the page made up, or the beginning of it, is the run's."""
    config = tmp_path / "voxint.toml"
    config.write_text(f'[server]\nkeys_file = "{tmp_path}/keys.jsonl"\n')
    async with open_shell(tmp_path) as shell:
        for transcript in transcripts(page):
            ids: dict[str, str] = {}
            for command, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", transcript, re.MULTILINE):
                line = command.replace("/etc/voxint", str(tmp_path))
                for made_up, real in ids.items():
                    line = re.sub(rf" {made_up[:4]}\w* ", f" {real} ", line)
                printed = (await shell.run(line)).replace(str(tmp_path), "/etc/voxint")
                assert agree(shown, printed), f"{command}\nprinted:\n{printed}\nand the page shows:\n{shown}"
                ids |= dict(zip(KEY_ID.findall(shown), KEY_ID.findall(printed), strict=True))


def test_there_are_commands_to_run() -> None:
    """The markers still mean what this module takes them for."""
    assert FIRST in WITH_COMMANDS
    assert WITH_TRANSCRIPTS


def test_the_tutorial_explains_the_receipt_that_it_shows() -> None:
    """Each figure with a unit that the explanation names stands in the receipt above it, and so do the words."""
    page = FIRST.read_text(encoding="utf-8")
    receipt = next(block.code for block in blocks(FIRST) if "  stages  " in block.code)
    explained = re.search(r"^## \d\. Read the receipt$.*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert explained is not None
    figures = re.findall(r"\b\d[\d.]* (?:ms|s|characters)\b", explained[0])
    assert len(figures) >= 5
    assert [figure for figure in figures if figure not in receipt] == ["0.3 s"]  # the bound
    assert all(words in receipt for words in re.findall(r"`([a-z]+(?: [a-z]+)+)`", explained[0]))
    assert_is_of_the_story(receipt)
    assert "heard: “" in receipt


def test_what_differs_from_run_to_run_is_masked() -> None:
    """And nothing else: another word, another stage or another end is told."""
    shown = "interrupted: stopped in 0.7 ms\n  tokens  72 (estimated)\n  text    heard: “One two”\n"
    assert agree("understood: Tell me a story.\n", "understood: tell me a story\n")
    assert not agree("understood: Tell me a story.\n", "understood: tell me a long story\n")
    held = "2026-11-30 16:09:16 [warning  ] the loop was held              by={} for_s=0.18 more=0\n"
    assert agree(shown, held.format("unknown") + shown)
    assert not agree(shown, held.format("story.py:8") + shown)
    assert agree(shown, shown.replace("0.7", "12").replace("72", "80").replace("two", "three"))
    assert not agree(shown, shown.replace("stopped", "ended"))
    assert not agree(shown, shown.replace("estimated", "provider"))
