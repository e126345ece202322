"""What is said for what is no text: addresses, formulas, code; in English and in Chinese."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from attrs import frozen

__all__ = ["ENGLISH", "Wording", "host_of", "wording_for"]

_HOST = re.compile(r"(?i:[a-z][\w+.-]*://)?(?:[^/@]*@)?(?i:www\.)?([^/?#]*)")


def host_of(url: str) -> str:
    """Return the part of a URL that a listener can use: its host, without the `www`."""
    host = _HOST.match(url)
    return host.group(1) if host else ""


_LAYOUT = re.compile("begin|end|left|right|[bB]igg?|text|math(?:rm|bf|it|bb)|operatorname|displaystyle|q?quad")
"""Commands that only say how a formula looks."""

_IN_BRACES = re.compile(r"\{([^{}]*)\}")
_ESCAPED = dict.fromkeys("*`~()[]{}\\|", "") | {"_": " "}
"""What would be read out by its name, and is a mark to look at."""

_UNDERSCORES = re.compile("_+")


@frozen
class Wording:
    """Words for what is no text. Braces stand for what is in it."""

    code: str
    formula: str
    image: str
    done: str
    about: str
    range: str
    times: str
    powers: Mapping[str, str]
    power: str
    fraction: str
    root: str
    comma: str
    period: str
    commands: Mapping[str, str]

    def aloud(self, kind: str, written: str) -> str:
        """Return what is said for `written`, a match of this `kind` in `core.markup.MARKUP`."""
        match kind:
            case "about" | "range" | "times":
                said: str = getattr(self, kind)
            case "power":
                exponent = written[1:].strip("{}")
                said = self.powers.get(exponent) or self.power.format(exponent)
            case "fraction":
                said = self.fraction.format(*_IN_BRACES.findall(written))
            case "root":
                said = self.root.format(*_IN_BRACES.findall(written))
            case "command":
                name = written[1:]
                said = " " if _LAYOUT.fullmatch(name) else f" {self.commands.get(name, name)} "
            case "index":
                said = f" {written[2:-1]}"
            case "snake":
                said = _UNDERSCORES.sub(" ", written).strip()
            case "entity":
                said = html.unescape(written).replace("\xa0", " ")
            case "mail":
                said = written.removeprefix("mailto:")
            case "autolink":
                said = host_of(written[1:-1]) if "//" in written else written[1:-1].removeprefix("mailto:")
            case _:  # an escaped character
                said = _ESCAPED.get(written[1:], written[1:])
        return said


ENGLISH = Wording(
    code="Code omitted. ",
    formula="Formula omitted. ",
    image="image: ",
    done="done: ",
    about="about ",
    range=" to ",
    times=" times ",
    powers={"2": " squared", "3": " cubed"},
    power=" to the power of {}",
    fraction="{} over {}",
    root="square root of {}",
    comma=", ",
    period=". ",
    commands={
        "approx": "about",
        "cdot": "times",
        "div": "divided by",
        "geq": "at least",
        "infty": "infinity",
        "leq": "at most",
        "neq": "not equal to",
        "pm": "plus or minus",
        "rightarrow": "to",
    },
)

CHINESE = Wording(
    code="代码略。",
    formula="公式略。",
    image="图片：",
    done="已完成：",
    about="约",
    range="到",
    times="乘",
    powers={"2": "的平方", "3": "的立方"},
    power="的{}次方",
    fraction="{1}分之{0}",
    root="根号{}",
    comma="，",
    period="。",
    commands={
        "approx": "约等于",
        "cdot": "乘",
        "div": "除以",
        "geq": "大于等于",
        "infty": "无穷",
        "leq": "小于等于",
        "neq": "不等于",
        "pm": "正负",
        "rightarrow": "到",
        "times": "乘",
    },
)

OTHER = Wording(
    code="",
    formula="",
    image="",
    done="",
    about="~",
    range="~",
    times="×",
    powers={"2": "²", "3": "³"},
    power="^{}",
    fraction="{}/{}",
    root="√{}",
    comma=", ",
    period=". ",
    commands={},
)
"""For a language that these two are not: signs, and nothing where there is none. Foreign words would be worse."""

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_KANA = re.compile("[\u3041-\u30ff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_OTHERS = re.compile(r"(?:(?![A-Za-z\u00c0-\u024f\u3400-\u9fff\uf900-\ufaff])[^\W\d_])+")


def wording_for(text: str) -> Wording | None:
    """Return the words that suit `text`: English in Latin letters, Chinese in Chinese characters; None without any.

    A Chinese character weighs as much as a word of another script, as where a voice is chosen.
    """
    han, latin, others = (len(kind.findall(text)) for kind in (_HAN, _LATIN, _OTHERS))
    if _KANA.search(text) or others > max(han, latin):
        return OTHER
    if not han and not latin:
        return None
    return CHINESE if han > latin else ENGLISH
