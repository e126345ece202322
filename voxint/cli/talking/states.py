"""Where a conversation stands, and what each event makes of it: a table, from which nothing is left out silently."""

from __future__ import annotations

from typing import Literal

__all__ = ["TABLE", "Action", "Event", "State", "after"]

State = Literal["listening", "hearing", "thinking", "speaking", "interrupted"]
"""`listening`: nobody speaks; `hearing`: the person does; `thinking`: an answer is asked for; `speaking`: it is heard;
`interrupted`: it has been cut off, and the receipt is still to come."""

Event = Literal["speech", "silence", "answer", "over", "stopped", "space", "talk", "ctrl_c", "quit"]
"""`speech`, `silence`: the detector's; `answer`: its first sound; `over`: its end, heard or failed; `stopped`: the
receipt is here; `space`: the key, hands free; `talk`: the same key where one pushes to talk; `ctrl_c`, `quit`: keys."""

Action = Literal["open", "end", "interrupt", "quit"]
"""`open`: begin to send an utterance; `end`: it is complete; `interrupt`: cut off the request that is live; `quit`."""

TABLE: dict[tuple[State, Event], tuple[State, tuple[Action, ...]]] = {
    ("listening", "speech"): ("hearing", ("open",)),
    ("listening", "space"): ("hearing", ("open",)),
    ("listening", "talk"): ("hearing", ("open",)),
    ("listening", "ctrl_c"): ("listening", ("quit",)),
    ("hearing", "silence"): ("thinking", ("end",)),
    ("hearing", "space"): ("thinking", ("end",)),
    ("hearing", "talk"): ("thinking", ("end",)),
    ("hearing", "over"): ("listening", ("end",)),  # the server has ended it: it heard enough, or can't hear
    ("hearing", "ctrl_c"): ("hearing", ("quit",)),
    ("thinking", "speech"): ("hearing", ("interrupt", "open")),
    ("thinking", "answer"): ("speaking", ()),
    ("thinking", "over"): ("listening", ()),
    ("thinking", "space"): ("interrupted", ("interrupt",)),
    ("thinking", "talk"): ("hearing", ("interrupt", "open")),
    ("thinking", "ctrl_c"): ("interrupted", ("interrupt",)),
    ("speaking", "speech"): ("hearing", ("interrupt", "open")),
    ("speaking", "over"): ("listening", ()),
    ("speaking", "space"): ("interrupted", ("interrupt",)),
    ("speaking", "talk"): ("hearing", ("interrupt", "open")),
    ("speaking", "ctrl_c"): ("interrupted", ("interrupt",)),
    ("interrupted", "speech"): ("hearing", ("open",)),
    ("interrupted", "stopped"): ("listening", ()),
    ("interrupted", "space"): ("hearing", ("open",)),
    ("interrupted", "talk"): ("hearing", ("open",)),
    ("interrupted", "ctrl_c"): ("interrupted", ("quit",)),
}
"""State and event to the next state, and what is to be done; `quit` always quits, any other pair changes nothing."""


def after(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """Return the next state, and what is to be done in this order."""
    if event == "quit":
        return state, ("quit",)
    return TABLE.get((state, event), (state, ()))
