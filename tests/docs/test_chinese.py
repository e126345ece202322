"""A page and its Chinese twin say the same: whoever changes one has to change the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks, page_id
from tests.docs.twins import TWINS, differences, in_chinese, line_of, lines, without_comments

README = ROOT / "README.md"
"""It has a test of its own (tests/test_readme.py): its tables have sentences where these pages have names."""

ENGLISH = [page for page in TWINS if page != README]

in_both = pytest.mark.parametrize("page", ENGLISH, ids=page_id)


def first_cells(page: Path) -> list[str]:
    """Return the first cell of each row of a page's tables; of a heading nothing, which is in the page's language."""
    text = lines(page)
    rows = [line for line, below in zip(text, [*text[1:], ""], strict=True) if not below.startswith("|--")]
    return [row.split("|")[1].strip() for row in rows if row.startswith("| ")]


@in_both
def test_each_page_leads_to_the_other(page: Path) -> None:
    """On the line below the title."""
    tops = [file.read_text(encoding="utf-8").splitlines()[1:4] for file in (page, TWINS[page])]
    assert tops == [["", f"[中文]({TWINS[page].name})", ""], ["", f"[English]({page.name})", ""]]


@in_both
def test_both_have_the_same_lines(page: Path) -> None:
    """Headings of the same levels, items of lists, rows with as many cells, and paragraphs, in the same order."""
    assert [line_of(line).kind for line in lines(page)] == [line_of(line).kind for line in lines(TWINS[page])]


@in_both
def test_both_show_the_same_code(page: Path) -> None:
    """Commands, configurations and outputs agree to the letter, comments aside."""

    def shown(file: Path) -> list[Block]:
        return [Block(block.marker, block.language, without_comments(block.code)) for block in blocks(file)]

    assert shown(page) == shown(TWINS[page])


@in_both
def test_tables_list_the_same_things(page: Path) -> None:
    """Fields, messages, log lines and codes are the same, in the same order."""
    assert first_cells(page) == first_cells(TWINS[page])


@in_both
def test_each_line_says_the_same(page: Path) -> None:
    """As many sentences, with the same links, names, figures and emphasis, and the same in code type.

    A link to a page, or to a heading, that is there in Chinese leads to that.
    """
    pairs = zip((in_chinese(line, page) for line in lines(page)), lines(TWINS[page]), strict=True)
    unlike = [(one, other, found) for one, other in pairs if (found := differences(one, other))]
    assert not unlike, "\n\n".join(f"{one}\n{other}\n{found}" for one, other, found in unlike)


def test_every_chinese_page_is_compared() -> None:
    """None is without its English page."""
    assert {page for page in PAGES if page.name.endswith(".zh-CN.md")} == {*TWINS.values()}
    assert len(ENGLISH) >= 3


@pytest.mark.parametrize(
    "other",
    [
        "INTERRUPT 在 250 毫秒内得到 `stop_ms`（[回执](wire.zh-CN.md)）",
        "- INTERRUPT 在 2 毫秒内得到 `stop_ms`（[回执](wire.zh-CN.md)）",
        "- INTERRUPT 在 250 毫秒内得到 `stop`（[回执](wire.zh-CN.md)）",
        "- REQUEST 在 250 毫秒内得到 `stop_ms`（[回执](wire.zh-CN.md)）",
        "- INTERRUPT 在 250 毫秒内得到 `stop_ms`（[回执](wire.md)）",
        "- INTERRUPT 在 **250 毫秒**内得到 `stop_ms`（[回执](wire.zh-CN.md)）",
        "- INTERRUPT 在 250 毫秒内得到 `stop_ms`。见[回执](wire.zh-CN.md)。",
    ],
)
def test_a_line_that_says_something_else_is_found(other: str) -> None:
    """Another kind of line, figure, name or link is told, or another sentence; another order of the words is not."""
    english = "- `stop_ms` ([receipt](wire.zh-CN.md)) answers an INTERRUPT within 250 ms"
    assert not differences(english, "- INTERRUPT 在 250 毫秒内得到 `stop_ms`（[回执](wire.zh-CN.md)）")
    assert len(differences(english, other)) == 1


def test_a_link_is_turned_to_the_heading_in_the_same_place() -> None:
    """Within a page and from another; what has no twin stays as it is."""
    page = ROOT / "docs" / "reference" / "wire.md"
    assert in_chinese("[a](#the-receipt) [b](errors.md#logs)", page) == "[a](#回执) [b](errors.md#logs)"
    assert in_chinese("[c](docs/reference/wire.md#the-receipt)", README) == "[c](docs/reference/wire.zh-CN.md#回执)"
    assert in_chinese("![d](docs/explanation/barge-in.svg)", README) == "![d](docs/explanation/barge-in.zh-CN.svg)"
    assert in_chinese('<img src="docs/explanation/interruption.svg">', README).count("interruption.svg") == 1


def test_comments_are_in_the_pages_language() -> None:
    """What they say is not compared, where they stand is."""
    assert without_comments("run  # now\n# all\nsay '#1'\n") == "run  #\n#\nsay '#1'\n"
