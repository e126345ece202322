"""The order of the Chinese rules: the first that applies at a place reads it."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import cache

from voxint.normalize.addresses import Spelling
from voxint.normalize.chinese_counts import counts, dates, named
from voxint.normalize.chinese_numbers import by_digits, cardinal, spoken_number
from voxint.normalize.chinese_quantities import money_at_letter, quantities
from voxint.normalize.scan import Language, Rule, before, rules

__all__ = ["chinese"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff〇々"
_PLAIN = re.compile(
    rf"[{_HAN}]++|[^\W\d_{_HAN}²³]++(?:['-][^\W\d_{_HAN}²³]++){{0,12}}+(?=[\s,;!?)…\"{_HAN}，。！？；：、）”》]|[.:](?:\s|$)|$)"
)
_SIGNS = {
    **{"&": "和", "+": "加", "=": "等于", "@": "艾特", "%": "百分号", "°": "度", "$": "美元", "€": "欧元", "£": "英镑"},
    **{"¥": "元", "©": "版权所有", "®": "", "™": "", "§": "第", "×": "乘", "÷": "除以", "±": "正负", "√": "根号"},
    **{"∞": "无穷", "≈": "约等于", "<": "小于", ">": "大于", "≤": "小于等于", "≥": "大于等于", "≠": "不等于"},
    **{"→": "到", "⇒": "到", "№": "编号", "℃": "摄氏度", "℉": "华氏度", "π": "派"},
    **dict.fromkeys("#*_|\\^~`-/{}•†‡", ""),
}
_OPERATORS = {"->": "到", "=>": "到", "<=": "小于等于", ">=": "大于等于", "==": "等于", "!=": "不等于", "+/-": "正负"}
_PRESSED = re.compile("(?:按|按下|输入|拨|以|键入|回复|发送)[“\"' ]?$")
_PRESSED_BEHIND = re.compile("[”\"' ]?键")
_LONGEST = 2
"""Digits up to which a number in a name is one number. Ours: A320 is spelled."""


def _in_name(digits: str) -> str:
    plain = len(digits) <= _LONGEST and (digits[0] != "0" or digits == "0")
    return cardinal(int(digits)) if plain else by_digits(digits)


def _in_address(digits: str) -> str:
    return by_digits(digits)


def _numeral(written: str, after_number: bool) -> str:
    """Return what is said for numerals that are one character each: ½, ①, Ⅷ, ⁶."""
    name = unicodedata.name(written[0], "")
    digits = "".join(str(unicodedata.digit(char, "")) for char in written)
    if name.startswith("SUPERSCRIPT") and digits:
        return {"2": "平方", "3": "立方"}.get(digits) or f"的{spoken_number(digits)}次方"
    if name.startswith("SUBSCRIPT") and digits:
        return spoken_number(digits)
    return ("又" if after_number and "FRACTION" in name else "") + "".join(map(_one, written))


def _one(char: str) -> str:
    value = unicodedata.numeric(char, None)
    if value is None or not 0 <= value < 1e15:
        return ""
    part = Fraction(value).limit_denominator(100)
    over = spoken_number(str(part.numerator))
    return over if part.denominator == 1 else f"{spoken_number(str(part.denominator))}分之{over}"


def _exponent(found: re.Match[str]) -> str:
    digits = found.group(1)
    return {"2": "平方", "3": "立方"}.get(
        digits
    ) or f"的{'负' if digits[0] == '-' else ''}{spoken_number(digits.lstrip('-'))}次方"


def _key(found: re.Match[str]) -> str | None:
    """Name a key of a telephone where it is to be pressed."""
    if found.string.startswith("号", found.end()):
        return {"#": "井", "*": "星"}[found.group()]
    pressed = _PRESSED.search(before(found)) or _PRESSED_BEHIND.match(found.string, found.end())
    return {"#": "井号", "*": "星号"}[found.group()] if pressed else None


def _marks() -> list[Rule]:
    operators = "|".join(re.escape(sign) for sign in sorted(_OPERATORS, key=len, reverse=True))
    return rules(
        (
            (rf"(?:{operators})(?![-=<>&|+])", lambda found: _OPERATORS[found.group()]),
            (r"[:;]-?[()DPp](?![^\W_])|<3(?!\d)", lambda found: ""),
            (r"(?<=[\dA-Za-z%°℃])[-–—~](?=[$€£¥-]?\d)", lambda found: "到"),
            (r"(?<=[里米克元升次])/(?=[秒时小分天日周月年人])", lambda found: "每"),
            (r"(?<=[A-Za-z])/(?=[人次天周月年])", lambda found: "每"),
            (r"(?<=[日号月年点分])[-–—~](?=\d)|(?<=[一二三四五六日天])[-–—~](?=周|星期)", lambda found: "到"),
            (r"(?<=\d)#(?=[楼栋机])", lambda found: "号"),
            (r"[#*](?![\w#*])|[#*](?=号|键|结束|返回|确认)", _key),
            (r"\^(-?\d{1,3})(?![\dA-Za-z]|\.\d)", _exponent),
            (r"(?<!\S)[-–](?=\s)|-{2,3}(?=[\s\w])", lambda found: "，"),
        )
    )


_SPELLING = Spelling(
    signs={".": "点", "@": "艾特", "/": "斜杠", "-": "杠", "_": "下划线", "+": "加", ":": "冒号", "~": "波浪号"},
    number=_in_name,
    letter=str.upper,
    point="点",
)
_ADDRESS = Spelling(signs=_SPELLING.signs, number=_in_address, letter=str.upper, point="点")


@cache
def chinese() -> Language:
    """Return the rules of Mandarin."""
    names = _SPELLING.names()
    return Language(
        plain=_PLAIN,
        words=frozenset(),
        at_letter=(
            *_ADDRESS.addresses(),
            *money_at_letter(),
            *rules(
                (
                    (r"([A-Za-z])\+\+(?![A-Za-z\d])", lambda found: f"{found.group(1).upper()}加加"),
                    (r"([A-Za-z])#(?![A-Za-z\d])", lambda found: f"{found.group(1).upper()} sharp"),
                )
            ),
            *named(),
            *names,
        ),
        at_number=(
            *_marks(),
            *_ADDRESS.addresses(),
            *dates(),
            *quantities(),
            *counts()[:-1],
            names[1],
            *counts()[-1:],
            *_SPELLING.marks(),
        ),
        at_mark=(*_marks(), *_SPELLING.marks()),
        signs=_SIGNS,
        numeral=_numeral,
    )
