"""Nothing that others wrote commands the terminal of a command."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import cast

import click
import pytest
import trio
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cli.process import run_cli
from tests.cli.test_say import NO_PLAYER, serving
from tests.test_printable import CLIPBOARD, NASTY, TEXTS, forbidden
from voxint.cli.failures import run
from voxint.cli.shown_answer import ShownAnswer
from voxint.cli.speakers import Mute
from voxint.cli.terminal import Commands, echo, note
from voxint.client import RemoteReply
from voxint.core.agent import Agent
from voxint.core.events import Called, Ended, Event, Text, Understood
from voxint.errors import ConfigError, ServerError, UpstreamError
from voxint.testing.stages import ScriptedModel

CLI = Path(__file__).parent.parent.parent / "voxint" / "cli"


def printed(print_it: Callable[[], object]) -> str:
    """Return what goes to standard output and error."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        print_it()
    return out.getvalue()


class SentReply:
    """A reply whose events are known, as far as `say` shows them."""

    t_input_end = t_first_text = t_first_voice = None

    def __init__(self, events: list[Event]) -> None:
        self._events = iter(events)

    def __aiter__(self) -> SentReply:
        return self

    async def __anext__(self) -> Event:
        return next(self._events)


@given(st.lists(TEXTS, min_size=1, max_size=6), TEXTS)
@example(["\x1b", "]52;c;eA==", "\x07"], "\x9b")
def test_say_prints_an_answer_that_commands_nothing(deltas: list[str], words: str) -> None:
    """In whatever pieces it comes, with what was understood, a function's name and the server's reason beside it."""
    events: list[Event] = [Understood(words, is_final=True), *map(Text, deltas), Called(words, {}, "c")]
    events.append(Ended(interrupted=True, reason=words))
    answer = ShownAnswer(cast("RemoteReply", SentReply(events)), Mute())
    shown = printed(lambda: trio.run(answer.attend))
    assert forbidden(shown, but="\n\t") == set()
    assert shown.count("\n") == 4 + sum(delta.count("\n") for delta in deltas)


@given(TEXTS)
def test_an_errors_line_is_one_line(words: str) -> None:
    """Whoever's words are in it: a server's, a provider's, a file's name."""
    for error in (
        ServerError("INTERNAL_ERROR", words, words),
        UpstreamError(words, operator_detail=words),
        ConfigError(words, words),
        OSError(words),
    ):

        async def fail(error: Exception = error) -> None:
            raise error

        def ended(fail: Callable[[], object] = fail) -> None:
            with suppress(SystemExit):
                run(fail)  # type: ignore[arg-type]  # it is awaitable

        shown = printed(ended)
        assert forbidden(shown.removesuffix("\n")) == set()
        assert shown.startswith("voxint: ")


@given(TEXTS)
def test_a_note_is_one_line_and_an_echo_as_many_as_it_has(words: str) -> None:
    """Colours are ours alone."""
    assert forbidden(printed(lambda: note(words)).removesuffix("\n")) == set()
    assert forbidden(printed(lambda: echo(words, bold=True)), but="\n\t") == set()


async def test_a_hostile_model_and_server_reach_no_terminal(tmp_path: Path) -> None:
    """As a process, end to end, and on a terminal whose encoding has no Chinese."""
    words = [text.encode("utf-8", "ignore").decode() for text in NASTY]  # the wire has no lone surrogates
    async with serving(Agent(llm=ScriptedModel("你好 ", *words))) as server:
        env = NO_PLAYER | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
        done = await run_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=env)
    assert done.code == 0
    assert "\\u4f60\\u597d" in done.out
    assert "\\x1b]52;c;" in done.out
    assert forbidden(done.out + done.err, but="\n\t") == set()


async def test_a_request_refused_by_a_hostile_server_is_one_harmless_line(tmp_path: Path) -> None:
    """A message that quotes what it was sent, and a URL that holds controls."""
    done = await run_cli("say", "--url", f"ws://127.0.0.1:1/{CLIPBOARD}", "Hello", cwd=tmp_path, env=NO_PLAYER)
    assert done.code != 0
    assert forbidden(done.out + done.err, but="\n") == set()


async def test_a_configuration_that_is_at_fault_is_told_harmlessly(tmp_path: Path) -> None:
    """Of a key and a value that a script filled in."""
    for command in ("check", "serve"):
        done = await run_cli(command, "--set", f"llm.{CLIPBOARD}=\u202e", "--set", CLIPBOARD, cwd=tmp_path)
        assert done.code == 2
        assert forbidden(done.err, but="\n") == set()


@click.group(cls=Commands)
def commands() -> None:
    """Commands that fail."""


@commands.command()
@click.option("--kind", default="usage")
def fails(kind: str) -> None:
    """Quote what it was given."""
    error = {"usage": click.UsageError, "click": click.ClickException}[kind]
    raise error(f"what is {CLIPBOARD}?")


def test_usage_errors_are_printable() -> None:
    """Of the group, of a command's options, and those that a command raises; the exit codes are click's."""
    told = {}
    for name, arguments in {
        "group": [CLIPBOARD],
        "option": ["fails", f"--{CLIPBOARD}"],
        "usage": ["fails"],
        "click": ["fails", "--kind", "click"],
    }.items():
        done = CliRunner().invoke(commands, arguments)
        told[name] = done.exit_code
        assert "52;c;" in done.output
        assert forbidden(done.output, but="\n") == set()
    assert told == {"group": 2, "option": 2, "usage": 2, "click": 1}


BUG = """
import sys
from voxint.cli.terminal import Commands
import click
@click.group(cls=Commands)
def main(): pass
@main.command()
def bug(): raise ValueError("\\x1b]52;c;eA==\\x07 \\u202e")
main(["bug"])
"""


async def test_a_traceback_is_printable(tmp_path: Path) -> None:
    """The words of an exception may be anybody's, and a bug shows them."""
    done = await trio.run_process([sys.executable, "-c", BUG], capture_stderr=True, capture_stdout=True, check=False)
    told = done.stderr.decode()
    assert done.returncode == 1
    assert "ValueError: \\x1b]52;c;eA==\\x07 \\u202e" in told
    assert forbidden(told, but="\n") == set()


def written_in(source: str) -> list[str]:
    """Return what a module writes to a terminal by itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="click"), attr="echo" | "secho" | "style" | "prompt")):
                found.append(f"line {node.lineno}: click")
            case ast.Call(func=ast.Name(id="print")):
                found.append(f"line {node.lineno}: print")
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="sys")), attr="write")):
                found.append(f"line {node.lineno}: write")
    return found


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_commands_write_through_one_module(path: Path) -> None:
    """So that what is new is printable without anybody's thinking of it."""
    if path.name != "terminal.py":
        assert written_in(path.read_text(encoding="utf-8")) == []


def test_a_module_that_writes_by_itself_is_found() -> None:
    """The test above can fail."""
    source = "import click, sys\nclick.echo('x')\nprint('x')\nsys.stdout.write('x')\n"
    assert written_in(source) == ["line 2: click", "line 3: print", "line 4: write"]
