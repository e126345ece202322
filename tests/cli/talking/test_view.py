from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from voxint.cli.talking.states import State
from voxint.cli.talking.view import STATES, Picture, layout


def drawn(view: Picture, width: int = 80, *, plain: bool = False) -> str:
    """Return what a terminal shows, without its colours."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(layout(view, width, plain=plain))
    assert isinstance(console.file, io.StringIO)
    return re.sub(" +$", "", console.file.getvalue(), flags=re.MULTILINE)


def test_the_screen_of_80_columns() -> None:
    """State, meter, what is understood so far, and what can be done."""
    view = Picture("hearing", level_db=-30.0, transcript="tell me a")
    assert drawn(view) == (
        f"hearing you {'━' * 20}{'╌' * 20}  -30 dB\n"
        "you         tell me a\n"
        "speak to interrupt; space or Ctrl-C too; q quits\n"
    )


def test_an_answer_that_is_written_shows_its_end() -> None:
    """In six lines at most, so that it never fills the screen; Chinese takes two columns a character."""
    for text in ("word " * 500 + "the end", "从前" * 500 + "the end"):
        for width in (80, 40):
            lines = drawn(Picture("speaking", answer=text), width).splitlines()
            answer = "".join(line[12:] for line in lines[1:8])
            assert lines[1].startswith("voxint      ...")
            assert "the end" in answer
            assert len(lines) <= 10


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_nothing_is_wider_than_the_terminal(state: State, width: int) -> None:
    """A narrow one has no figures, and a shorter meter."""
    view = Picture(state, "push to talk", -3.0, "what " * 20, "yes " * 99, dropped=3)
    lines = drawn(view, width).splitlines()
    assert max(map(len, lines)) <= width
    assert ("dB" in lines[0]) == (width >= 60)


def test_a_terminal_that_has_ascii_alone_gets_that() -> None:
    """The meter needs no lines."""
    assert drawn(Picture(level_db=-30.0), plain=True).isascii()


def test_what_others_wrote_commands_no_terminal() -> None:
    """Neither a transcript nor an answer."""
    shown = drawn(Picture("speaking", transcript="a\x1b]0;title\x07", answer="[bold]b\x9b2J[/bold]\nc"))
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert r"a\x1b]0;title\x07" in shown
    assert r"[bold]b\x9b2J[/bold] c" in shown


def test_lost_sound_is_told() -> None:
    """The machine is too busy to listen."""
    assert "3 pieces of the microphone were lost" in drawn(Picture(dropped=3))
