"""Where a conversation stands, and what each event makes of it: a table, from which nothing is left out silently."""

from __future__ import annotations

from typing import Literal

__all__ = ["TABLE", "Action", "Event", "State", "after"]

State = Literal["listening", "hearing", "thinking", "speaking", "held", "interrupted"]
"""`listening`: nobody speaks; `hearing`: the person does; `thinking`: an answer is asked for; `speaking`: it is heard;
`held`: it pauses, for somebody may want to interrupt it; `interrupted`: a key has cut it off, and the receipt is still
to come."""

Event = Literal[
    "onset",
    "nothing",
    "asked",
    "held",
    "released",
    "answer",
    "over",
    "cut",
    "stopped",
    "space",
    "talk",
    "ctrl_c",
    "quit",
]
"""The server's ears: `onset`: somebody speaks; `nothing`: it was no question; `asked`: it is; `held`, `released`: the
answer. Any answer's: `answer`: its first sound; `over`: it was heard to its end; `cut`: the server has ended it, for it
was interrupted or has failed; `stopped`: the receipt of what a key interrupted is here. Keys: `space`, hands free;
`talk`: the same key where one pushes to talk; `ctrl_c`, `quit`."""

Action = Literal["open", "end", "pause", "resume", "flush", "interrupt", "quit"]
"""`open`: begin to send an utterance; `end`: it is complete; `pause`, `resume`: the loudspeaker; `flush`: it is silent,
and what it still had is thrown away; `interrupt`: the same, and the server is told; `quit`."""

TABLE: dict[tuple[State, Event], tuple[State, tuple[Action, ...]]] = {
    ("listening", "onset"): ("hearing", ()),
    ("listening", "asked"): ("thinking", ()),  # it had to wait for the end of an answer, or another client asks
    ("listening", "talk"): ("hearing", ("open",)),
    ("listening", "ctrl_c"): ("listening", ("quit",)),
    ("hearing", "nothing"): ("listening", ()),
    ("hearing", "asked"): ("thinking", ()),
    ("hearing", "talk"): ("thinking", ("end",)),
    ("hearing", "over"): ("listening", ("end",)),  # the server has ended it: it heard enough, or can't hear
    ("hearing", "cut"): ("listening", ("end",)),
    ("hearing", "ctrl_c"): ("hearing", ("quit",)),
    ("thinking", "asked"): ("thinking", ("flush",)),
    ("thinking", "held"): ("held", ("pause",)),
    ("thinking", "answer"): ("speaking", ()),
    ("thinking", "over"): ("listening", ()),
    ("thinking", "cut"): ("listening", ("flush",)),
    ("thinking", "space"): ("interrupted", ("interrupt",)),
    ("thinking", "talk"): ("hearing", ("interrupt", "open")),
    ("thinking", "ctrl_c"): ("interrupted", ("interrupt",)),
    ("speaking", "asked"): ("thinking", ("flush",)),
    ("speaking", "held"): ("held", ("pause",)),
    ("speaking", "over"): ("listening", ()),
    ("speaking", "cut"): ("listening", ("flush",)),
    ("speaking", "space"): ("interrupted", ("interrupt",)),
    ("speaking", "talk"): ("hearing", ("interrupt", "open")),
    ("speaking", "ctrl_c"): ("interrupted", ("interrupt",)),
    ("held", "asked"): ("thinking", ("flush",)),  # it had been sent to its end, so that nothing else ends it
    ("held", "released"): ("thinking", ("resume",)),
    ("held", "over"): ("listening", ()),  # its last sample was on its way already
    ("held", "cut"): ("listening", ("flush",)),
    ("held", "space"): ("interrupted", ("interrupt",)),
    ("held", "ctrl_c"): ("interrupted", ("interrupt",)),
    ("interrupted", "onset"): ("hearing", ()),
    ("interrupted", "asked"): ("thinking", ()),
    ("interrupted", "stopped"): ("listening", ()),
    ("interrupted", "talk"): ("hearing", ("open",)),
    ("interrupted", "ctrl_c"): ("interrupted", ("quit",)),
}
"""State and event to the next state, and what is to be done; `quit` always quits, any other pair changes nothing.

An answer that goes on after `released` is `thinking` until its `answer` says that it has sounded already."""


def after(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """Return the next state, and what is to be done in this order."""
    if event == "quit":
        return state, ("quit",)
    return TABLE.get((state, event), (state, ()))
