"""What the page about barge-in by voice says in figures is what the code has.

Its tables of settings are compared in tests/server/test_config_ears.py, its picture in test_barge_in_timeline.py.
"""

from __future__ import annotations

import re

import attrs
import pytest

from tests.docs import barge_in_scenes as scenes
from tests.docs.pages import ROOT
from voxint.core.agent import Limits
from voxint.core.ears.endpointing import Endpointing
from voxint.core.ears.rules import EarRules

PAGE = (ROOT / "docs" / "explanation" / "barge-in.md").read_text(encoding="utf-8")

PARTS = (Limits(), *(getattr(EarRules(), each.name) for each in attrs.fields(EarRules)))

IN_SENTENCES = re.findall(r"([\d.]+) (ms|s|dB)\b[^(|\n\d]*\(`(\w+)`", PAGE)
"""A figure, its unit, and the setting in brackets behind it."""


@pytest.mark.parametrize(("figure", "unit", "key"), IN_SENTENCES)
def test_a_figure_with_its_setting_is_the_default(figure: str, unit: str, key: str) -> None:
    """In sentences as in tables; a key that two parts have may be either's."""
    defaults = {abs(getattr(part, key)) for part in PARTS if attrs.has(type(part)) and hasattr(part, key)}
    said = float(figure) * (1000 if unit == "s" and key.endswith("_ms") else 1)
    assert said in defaults


def test_there_are_such_figures() -> None:
    """The pattern still finds them."""
    assert len(IN_SENTENCES) >= 10


def test_the_silences_are_the_rules() -> None:
    """The table of the endpoint has the times in the order of the rules."""
    [table] = re.findall(r"^\| what was said \| silence \|\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    said = [
        float(figure) * (1000 if unit == "s" else 1) for figure, unit in re.findall(r"\| ([\d.]+) (ms|s) \|", table)
    ]
    rules = Endpointing()
    assert said == [rules.complete_ms, rules.open_ms, rules.incomplete_ms, rules.most_ms]


def test_the_limits_of_a_hold_are_the_defaults() -> None:
    """The last table of the page."""
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", PAGE.partition("### Limits of a hold")[2], re.MULTILINE)
    assert {key: float(value) for key, value in rows} == {key: getattr(Limits(), key) for key, _ in rows}
    assert {"hold_s", "held_chars"} == {key for key, _ in rows}


def test_the_text_beside_the_picture_says_what_it_shows() -> None:
    """The times of the scenes in its description, and how late everybody is in the sentence below it."""
    [described] = re.findall(r'<img src="barge-in.svg"[^>]* alt="([^"]*)"', PAGE)
    meant, not_meant = scenes.interruption(), scenes.backchannel()
    shown = (meant.held, meant.committed, meant.decided, not_meant.held, not_meant.released)
    assert re.findall(r"(\d+) ms", described) == [f"{each:g}" for each in shown]
    [below] = re.findall(r"^The picture is no sketch.*$", PAGE, re.MULTILINE)
    late_ms = (scenes.HEARD_LATE_MS, scenes.QUIET_LATE_MS, scenes.WORD_LATE_MS)
    late_s = (scenes.FIRST_TOKEN_S, scenes.FIRST_SOUND_S)
    assert re.findall(r"(\d+) ms", below) == [f"{each:g}" for each in (*late_ms, *(s * 1000 for s in late_s))]
