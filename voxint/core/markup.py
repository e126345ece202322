"""What in a model's text is markup and no words: Markdown, HTML, formulas, addresses, pictures.

Every expression is linear on any text: what may be long is bounded, possessive, or begins where nothing like it can
have begun before.
"""

from __future__ import annotations

import re

__all__ = [
    "COMMENT_END",
    "FORMULA_END",
    "LABEL_END",
    "LATE_MARKS",
    "MARKUP",
    "SNAKE",
    "SPEAKABLE",
    "SPECIAL",
    "TARGET_END",
    "URL_END",
    "fence_end",
]

SPEAKABLE = re.compile(r"[^\W_]")
"""What a synthesizer has a word for."""

_PICTURE = (
    "\u200b\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299\ufe0e\ufe0f\ufeff\u20e3"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f"
)
"""The inside of `[...]`: emoji, flags, skin tones, ticks and boxes, with what is invisible about them."""

_ARROW = "\u2190-\u21ff\u27f5-\u27ff"
_URL = r"[^\s<>\"`|{}\\^\[\]\u2018-\u201d\u2026\u3000-\u303f\u3400-\u9fff\uff00-\uff65]"
_TAG = (
    "a|abbr|b|blockquote|br|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|figure|font|h[1-6]|hr|i|img|ins|kbd"
    "|li|mark|ol|p|pre|q|s|samp|section|small|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u"
    "|ul|var"
)
"""Known tags only: `List<String>` is no tag, and a synthesizer may have its own, such as `<laugh>`."""

_LABEL = r"[^\[\]\n]{0,300}"

SNAKE = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9]*+_[A-Za-z0-9_]*+")
"""A name with underscores in code, where they may stand at its ends too."""

SPECIAL = re.compile(
    rf"[*_`~～#\[\]<>|\\$&^@•‣◦【{_ARROW}{_PICTURE}]|\n(?=\s*+\S)|://|www\.|\A[\s\-+=!?.,;:…。！？，、；：)”’」』）】]"
)
"""Whatever text needs a closer look; all other text is spoken as it is written."""

LATE_MARKS = re.compile(r"(?:[?.,;:…。！？，、；：)\]”’」』）】]|!(?!\[))*+")
"""What may belong to the piece before, at the beginning of one: marks that came late."""

MARKUP = re.compile(
    rf"""
    # The beginning of a line.
    ^[ \t>]*+(?P<fence>`{{3,}}+|~{{3,}}+)[^`\n]*+(?:\n|\Z)
    |^[ \t>]*+(?P<formula>\\\[|\$\$)
    |(?P<rule>^[ \t]*+(?:[-=*_|:+>][ \t]*+){{2,}}+(?=\r?\n|\Z))
    |(?P<definition>^[ \t]*+\[(?!\^)[^\[\]\n]{{1,100}}\]:[ \t]*+<?(?:https?://|www\.|mailto:|[/\#])[^\n]*+)
    |(?P<block>^[ \t]*+(?:>[ \t]*+|\#{{1,6}}[ \t]++|[-*+•‣◦][ \t]++)++)
    |(?P<box>(?<=[-*+.)>][ ])\[[ xX]\][ \t]++)
    |(?P<row>^[ \t]*+\|[ \t]*+)
    |(?P<indent>^[ \t]++)
    |(?P<newline>\n(?:[ \t\r]*+\n)*+)
    # Links and what looks like them.
    |(?P<image>!\[{_LABEL}(?=\]\())
    |(?P<note>
        \[\^[^\[\]\s]{{1,40}}\](?::[ \t]*+)?
        |\[\d{{1,3}}(?:[,–-][ ]?\d{{1,3}}){{0,8}}\](?!\()
        |【\d[^【】\n]{{0,60}}】
    )
    |(?P<label>\[(?={_LABEL}\][(\[]|{_LABEL}[。！？，、；：]\]\Z|!\[))
    |(?P<open_label>\[(?!{_LABEL}\]))
    |(?P<target>\](?:
        \((?:<[^<>\n]*+>|(?:[^\s()]++|\([^\s()]*+\))*+)(?:[ \t]++(?:"[^"\n]{{0,300}}"|'[^'\n]{{0,300}}'))?+[ \t]*+\)
        |\[[^\[\]\n]{{0,100}}\]
    ))
    |(?P<cut_target>\]\((?:[^\s()]++|\([^\s()]*+\))*+\Z)
    |(?P<cut_label>(?<=[。！？，、；：])\]\Z)
    |(?P<unlabel>\])
    |(?P<autolink><(?:[A-Za-z][\w+.-]{{0,20}}:[^\s<>]{{1,500}}|[\w.+-]{{1,64}}@[\w.-]{{1,255}})>)
    |(?P<url>(?i:https?|ftp)://{_URL}++|(?<![\w.@/-])www\.{_URL}++)
    |(?P<mail>(?:mailto:)?(?<![\w.%+-])[A-Za-z0-9][\w.%+-]{{0,63}}@[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}}){{1,8}})
    # HTML.
    |(?P<comment><!--)
    |(?P<tag></?(?i:{_TAG})(?:\s[^<>]{{0,500}})?/?>)
    |(?P<entity>&(?:\#\d{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z]{{2,31}}\d{{0,2}});)
    # Formulas.
    |(?P<fraction>\\[dt]?frac\{{[^{{}}\n]{{1,40}}\}}\{{[^{{}}\n]{{1,40}}\}})
    |(?P<root>\\sqrt\{{[^{{}}\n]{{1,40}}\}})
    |(?P<power>(?<=[\w)])\^(?:\{{[^{{}}\n]{{1,40}}\}}|\w))
    |(?P<index>(?<=[\w)])_\{{[^{{}}\n]{{1,40}}\}})
    |(?P<command>\\[A-Za-z]{{1,30}})
    |(?P<escape>\\[!-/:-@\[-`{{-~])
    |(?P<dollars>\$+)
    |(?P<times>(?<=\d)(?:\*|[ ]\*[ ])(?=\d))
    |(?P<range>(?<=\d)[~～](?=\d))
    |(?P<about>(?<![A-Za-z0-9~～])~(?=\d))
    # Emphasis, code, and the rest.
    |(?P<code>`+)
    |(?P<snake>(?<![A-Za-z0-9_])[A-Za-z0-9]++(?:_++[A-Za-z0-9]++)++)
    |(?P<emphasis>\*+|_+|~~+)
    |(?P<closing_hashes>(?<=[ \t])\#{{1,6}}(?=[ \t]*+(?:\r?\n|\Z)))
    |(?P<arrow>[-=]{{1,2}}>|<-{{1,2}}>?(?=\s)|[{_ARROW}])
    |(?P<pipe>\|(?:[ \t\r]*+(?=\n))?)
    |(?P<bullet>[•‣◦])
    |(?P<picture>[{_PICTURE}][{_PICTURE}\u200d]*+)
    """,
    re.VERBOSE | re.MULTILINE,
)
"""All markup, each kind with its name."""

FORMULA_END = re.compile(r"\$\$|\\\]|\n[ \t\r]*+\n")
COMMENT_END = re.compile(r"-->|\n[ \t\r]*+\n")
LABEL_END = re.compile(r"(?:\((?:[^\s()]++|\([^\s()]*+\))*+\))?")
TARGET_END = re.compile(r"\)|(?=\s)")
URL_END = re.compile(rf"(?!{_URL})(?=[\s\S])")


def fence_end(fence: str) -> re.Pattern[str]:
    """Return what ends a code block that begins with `fence`."""
    return re.compile(rf"^[ \t>]*+{fence[0]}{{{min(len(fence), 8)},}}+[ \t\r]*+(?=\n|\Z)", re.MULTILINE)
