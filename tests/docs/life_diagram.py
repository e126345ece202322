"""The diagram of a request's life, made from the table of core/life.py.

``python -m tests.docs.life_diagram`` writes it into docs/explanation/architecture.md, in the place of the one there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.docs.pages import ROOT
from voxint.core.life import LIFE, LifeEvent, State

__all__ = ["BEGIN", "MARKER", "PAGE", "diagram", "with_diagram"]

PAGE = ROOT / "docs" / "explanation" / "architecture.md"

MARKER = "made by: python -m tests.docs.life_diagram"
"""What stands in the comment above the diagram."""

BEGIN: State = "live"
"""Where a life begins: a request is live from its acceptance on."""

_BLOCK = re.compile(rf"(<!-- {re.escape(MARKER)} -->\n```mermaid\n).*?(```\n)", re.DOTALL)


def diagram(life: Mapping[tuple[State, LifeEvent], State]) -> str:
    """Return a table as a Mermaid diagram: an arrow for each change of state, in the table's order.

    What changes nothing has no arrow.
    """
    arrows: dict[tuple[State, State], list[LifeEvent]] = {}
    for (state, event), after in life.items():
        if after != state:
            arrows.setdefault((state, after), []).append(event)
    last = {after for _, after in arrows} - {state for state, _ in arrows}
    lines = [
        "stateDiagram-v2",
        "    direction LR",
        f"    [*] --> {BEGIN}",
        *(f"    {state} --> {after}: {', '.join(events)}" for (state, after), events in arrows.items()),
        *(f"    {state} --> [*]" for state in sorted(last)),
    ]
    return "\n".join(lines) + "\n"


def with_diagram(page: str, drawn: str) -> str:
    """Return the page with `drawn` in the place of its diagram.

    Raises:
        ValueError: The page has no place for it, or several.
    """
    changed, places = _BLOCK.subn(lambda match: match[1] + drawn + match[2], page)
    if places != 1:
        raise ValueError(f"{places} diagrams under <!-- {MARKER} -->")
    return changed


if __name__ == "__main__":
    PAGE.write_text(with_diagram(PAGE.read_text(encoding="utf-8"), diagram(LIFE)), encoding="utf-8")
