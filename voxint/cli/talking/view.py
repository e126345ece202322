"""What the screen of a conversation shows, and its layout: from frozen data to something that rich draws."""

from __future__ import annotations

from attrs import field, frozen
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from voxint.cli.talking.states import State
from voxint.core.discreet import size_of
from voxint.core.level import QUIETEST_DB
from voxint.printable import printable

__all__ = ["HINTS", "STATES", "Picture", "layout", "named"]

STATES: dict[State, tuple[str, str]] = {
    "listening": ("listening", "green"),
    "hearing": ("hearing you", "bold red"),
    "thinking": ("thinking", "yellow"),
    "speaking": ("speaking", "bold cyan"),
    "held": ("held", "bold yellow"),
    "interrupted": ("interrupted", "magenta"),
}
"""What a person reads for each state, and its colour."""

HINTS = {
    "hands free": "speak to interrupt; space or Ctrl-C too; q quits",
    "push to talk": "space: begin and end to talk, also over an answer; Ctrl-C interrupts; q quits",
    "no keys": "speak to interrupt; Ctrl-C too, and again to quit",
}
"""What can be done, by how one talks."""

WORD_CELLS = 12  # the column of names: the longest state, and a space
METER_CELLS = 40  # at most; on a narrow terminal what is left
WIDE = 60  # columns from which figures stand beside the meter; ours
ANSWER_LINES = 6  # of an answer as it is written; all of it is printed when it is over. Ours


@frozen
class Picture:
    """What is shown of a conversation.

    Args:
        state: Where it stands.
        how: A key of `HINTS`.
        level_db: Of the microphone.
        transcript: What was understood so far; it may change.
        answer: What was written of the answer so far.
        dropped: Blocks of the microphone's that were lost.
    """

    state: State = "listening"
    how: str = "hands free"
    level_db: float = QUIETEST_DB
    transcript: str = field(default="", repr=size_of)
    answer: str = field(default="", repr=size_of)
    dropped: int = 0


def layout(view: Picture, width: int, *, plain: bool = False) -> RenderableType:
    """Return the moving part of the screen.

    Args:
        view: What is shown.
        width: Columns of the terminal.
        plain: Whether the terminal has ASCII alone.
    """
    words, style = STATES[view.state]
    rows: list[RenderableType] = [
        Text.assemble((words.ljust(WORD_CELLS), style), _meter(view, width, plain=plain)),
        *([named("you", _last(view.transcript, width), "dim")] if view.transcript else []),
        *([named("voxint", _last(view.answer, width))] if view.answer else []),
        Text(HINTS[view.how], style="dim"),
    ]
    if view.dropped:
        rows.append(Text(f"{view.dropped} pieces of the microphone were lost: this machine is busy", style="yellow"))
    return Group(*rows)


def _meter(view: Picture, width: int, *, plain: bool) -> Text:
    figures = f" {view.level_db:4.0f} dB" if width >= WIDE else ""
    cells = max(4, min(METER_CELLS, width - WORD_CELLS - len(figures) - 1))
    full = round(cells * (1 - view.level_db / QUIETEST_DB))
    style = "red" if view.level_db > -3 else "green"
    on, off = ("#", ".") if plain else ("━", "╌")
    return Text.assemble((on * full, style), (off * (cells - full), "dim"), (figures, "dim"))


def named(who: str, words: str, style: str = "") -> RenderableType:
    """Return what somebody says, in a column beside a name."""
    table = Table.grid(padding=0)
    table.add_column(width=WORD_CELLS, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(who, style="bold"), Text(printable(words.replace("\n", " ")), style=style))
    return table


def _last(words: str, width: int) -> str:
    """Return the end of an answer that is written, as much as has room."""
    room = max(8, (width - WORD_CELLS - 1) * ANSWER_LINES)
    if cell_len(words) <= room:
        return words
    kept = words[3 - room :]
    while cell_len(kept) > room - 3:
        kept = kept[1 + (cell_len(kept) - room + 3) // 2 :]
    return f"...{kept}"
