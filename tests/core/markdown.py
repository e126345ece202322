"""Replies of a model, drawn at random from what Markdown is made of."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["FENCE", "markdown"]

FENCE = "```"

_SNIPPETS = [
    *["word ", "Dr. ", "重点", "。", "，", ". ", "! ", "?", "\n", "\n\n", " ", "5", "x", "😊"],
    *["**", "*", "_", "~~", "~", "`", "``", f"{FENCE}py\n", f"{FENCE}\n", "# ", "- ", "- [x] ", "1. ", "> ", "---\n"],
    *["[", "]", "](", "](u)", "![", "(", ")", "|", "|--|--|\n", "<b>", "<br>", "<!--", "-->", "&amp;"],
    *["$", "$$", "\\(", "\\[", "\\frac{1}{2}", "^2", "\\*", "a_b", "->"],
    *["https://a.example/x", "a@b.example", "[^1]", "[docs](https://a.example)", "**bold** ", "`code` "],
]

markdown = st.lists(st.sampled_from(_SNIPPETS), max_size=30).map("".join)
