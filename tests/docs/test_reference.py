"""The reference pages list what there is: limits, errors, metrics, public names."""

from __future__ import annotations

import re

from attrs import asdict

import voxint
from tests.docs.pages import ROOT
from voxint import errors
from voxint.core.agent import Limits
from voxint.server.metrics import Metrics

REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    """Return the text of a page of the reference."""
    return (REFERENCE / name).read_text(encoding="utf-8")


def listed(text: str) -> set[str]:
    """Return what stands in code type in the first cell of a table's rows."""
    cells = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def section(text: str, heading: str) -> str:
    """Return the part of a page under a heading of the second level."""
    [found] = re.findall(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_library_page_has_every_limit() -> None:
    """With its default, in the order that the page chose."""
    text = section(page("library.md"), "Agent")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([\d.]+(?:, [\d.]+)*) \|", text, re.MULTILINE)
    shown = {
        name: float(value)
        for names, values in rows
        for name, value in zip(re.findall(r"\w+", names), values.split(", "), strict=True)
    }
    assert shown == {name: float(value) for name, value in asdict(Limits()).items()}


def test_the_errors_page_has_every_error() -> None:
    """The base apart, which stands above the table."""
    assert listed(page("errors.md")) >= set(errors.__all__) - {"VoxintError"}


def test_the_metrics_page_has_every_metric_and_no_other() -> None:
    """By the names under which Prometheus gets them."""
    metrics = {
        family.name + "_total" * (family.type == "counter") + "_info" * (family.type == "info")
        for family in Metrics().registry.collect()
        if family.name.startswith("voxint_")
    }
    assert {name for name in listed(page("metrics.md")) if name.startswith("voxint_")} == metrics


def test_every_public_name_is_told_of() -> None:
    """Somewhere in the library's page or that of the errors."""
    text = page("library.md") + page("errors.md")
    assert [name for name in voxint.__all__ if not re.search(rf"\b{name}\b", text)] == ["__version__"]


def test_a_table_is_read_by_its_first_cells() -> None:
    """By what is in code type there, whatever else stands in a row."""
    assert listed("| name | |\n|---|---|\n| `one`, `two` | `three` |\nprose `four`\n") == {"one", "two"}
