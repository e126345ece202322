"""Dates, times and numbers as they are written in Chinese."""

from __future__ import annotations

import re

from voxint.normalize.chinese_numbers import by_digits, cardinal, counted, price, spoken_number
from voxint.normalize.chinese_quantities import DASH, NUMBER, SIGN, signed
from voxint.normalize.scan import Rule, before, rules

__all__ = ["counts", "dates", "named"]

_DATED = re.compile("(?:在|于|到|至|从|自|截至|日期|今天是|明天是|昨天是|定在) ?$")
_CODED = re.compile(
    "(?:电话|手机|号码|热线|拨打|打|拨|致电|呼叫|房间|房号|教室|航班|车次|密码|验证码|代码|编号|尾号|卡号|账号|帐号|邮编|区号|"
    "分机|转|单元|工号|学号|订单号|单号|门牌|代号|端口|QQ|微信)(?:号码|号)?(?:是|为)?"
    "[:： ]{0,2}(?:\\d{3,11} ?(?:、|或者?|和) ?){0,4}$"
)
_MEASURED = re.compile("[元块万亿个次折位人行页字名天月岁条米平度户株件台张套]|分(?!机)|美元|人民币|欧元|[.,%]\\d")
"""What is behind a number that is counted and no code, whatever stands before it."""
_DATED_BEHIND = re.compile(" ?(?:放假|休息|上班|开始|起|截止|到期|出发|上午|下午|晚上|早上|凌晨)")
_CODED_BEHIND = re.compile("[室房]|航班|次列车|路公交|路车|号楼|号房")
_YEAR_BEHIND = re.compile("[年届级款版](?!前|后来|来|间|内|以[前后上下])|财年|赛季|学年")
_FEWEST_DIGITS = 7
"""Of a telephone number."""

_NAMED = re.compile("(?:航班|车次|列车|高铁|动车|火车)号?[:： ]?$")
_MONEY = ("元", "美元", "欧元", "英镑", "港元", "日元", "块")
_HALVES = {"a": "上午", "p": "下午"}
_EVENING = 6


def _date(digits: str, month: str, day: str, behind: str = "日") -> str | None:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    year = f"{by_digits(digits)}年" if digits else ""
    return f"{year}{cardinal(int(month))}月{cardinal(int(day))}{behind}"


def _iso(found: re.Match[str]) -> str | None:
    digits, _, month, day, hour, minute, second = found.groups()
    said = _date(digits, month, day)
    if said is None or hour is None:
        return said
    clock = _clock(int(hour), minute, None if second == "00" else second)
    return clock and said + clock


def _short(found: re.Match[str]) -> str | None:
    dated = _DATED.search(before(found)) or _DATED_BEHIND.match(found.string, found.end())
    return _date("", *found.groups()) if dated else None


def _years(found: re.Match[str]) -> str | None:
    """Read the digits of a year one by one; a span of a thousand years is a number."""
    digits, until = found.groups()
    if not until and digits.endswith("000") and digits != "2000":
        return None
    return by_digits(digits) + (f"到{by_digits(until)}" if until else "")


def _digit_by_digit(found: re.Match[str]) -> str:
    return by_digits(found.group(1))


def _clock(hour: int, minute: str, second: str | None) -> str | None:
    if hour > 24 or int(minute) > 59:
        return None
    said = f"{'两' if hour == 2 else cardinal(hour)}点"
    if second:
        return f"{said}{_sixty(minute)}分{_sixty(second)}秒"
    if minute == "30":
        return f"{said}半"
    return said if minute == "00" else f"{said}{_sixty(minute)}分"


def _sixty(digits: str) -> str:
    return f"零{by_digits(digits[1])}" if digits[0] == "0" and digits != "00" else cardinal(int(digits))


def _half(letter: str | None, hour: int) -> str:
    """Return which half of the day: from six on, the second is the evening."""
    if not letter:
        return ""
    return "晚上" if letter in "pP" and _EVENING <= hour < 12 else _HALVES[letter.lower()]


def _time(found: re.Match[str]) -> str | None:
    hour, minute, second, half = found.groups()
    clock = _clock(int(hour), minute, second)
    return clock and _half(half, int(hour)) + clock


def _hour(found: re.Match[str]) -> str | None:
    hour = int(found.group(1))
    return f"{_half(found.group(2), hour)}{'两' if hour == 2 else cardinal(hour)}点" if hour <= 12 else None


def _times(found: re.Match[str]) -> str | None:
    hour, minute, until, until_minute = found.groups()
    first, last = _clock(int(hour), minute, None), _clock(int(until), until_minute, None)
    return first and last and f"{first}到{last}"


def _ratio(found: re.Match[str]) -> str:
    return f"{spoken_number(found.group(1))}比{spoken_number(found.group(2))}"


def _telephone(found: re.Match[str]) -> str | None:
    written = found.group()
    groups = re.findall(r"\d+", written)
    if sum(map(len, groups)) < _FEWEST_DIGITS:
        return None
    if len(groups) == 1 and len(written) == 11:
        groups = [written[:3], written[3:7], written[7:]]
    said = "，".join(by_digits(group, code=True) for group in groups)
    return f"加{said}" if written.startswith("+") else said


def _coded(found: re.Match[str]) -> str | None:
    """Read a code, a room, a train digit by digit."""
    behind = _CODED_BEHIND.match(found.string, found.end())
    named = _CODED.search(before(found, 32)) and not _MEASURED.match(found.string, found.end())
    return by_digits(found.group(), code=True) if behind or named else None


def _service(found: re.Match[str]) -> str | None:
    """Read a short number that everybody knows: a bank's, a network's, the railway's."""
    return None if _MEASURED.match(found.string, found.end()) else by_digits(found.group(), code=True)


def _grouped(found: re.Match[str]) -> str:
    return "，".join(by_digits(group, code=True) for group in found.group().split())


def _identity(found: re.Match[str]) -> str:
    return f"{by_digits(found.group(1), code=True)}X"


def _around_the_clock(found: re.Match[str]) -> str:
    return "全天候"


def _version(found: re.Match[str]) -> str:
    return found.group(1).upper() + "点".join(
        cardinal(int(part)) if len(part) < 2 else by_digits(part) for part in found.group(2).split(".")
    )


def _train(found: re.Match[str]) -> str | None:
    if not (_NAMED.search(before(found)) or re.match("次|号?航班", found.string[found.end() : found.end() + 3])):
        return None
    return found.group(1) + by_digits(found.group(2), code=True)


def _fraction(found: re.Match[str]) -> str | None:
    whole, over, under = found.groups()
    said = f"{spoken_number(under)}分之{spoken_number(over)}"
    return f"{spoken_number(whole.strip())}又{said}" if whole else said


def _range(found: re.Match[str]) -> str:
    low, dash, high = found.groups()
    if dash == " - " or (dash == "-" and re.match(r"\s?=", found.string[found.end() : found.end() + 2])):
        return f"{spoken_number(low)}减{spoken_number(high)}"
    behind = found.string[found.end() : found.end() + 3]
    falls = dash == "-" and low.isdigit() and high.isdigit() and len(low) < 4 and int(low) > int(high)
    return f"{counted(low, behind)}{'比' if falls else '到'}{counted(high, behind)}"


def _ordinal(found: re.Match[str]) -> str:
    return f"第{spoken_number(found.group(1))}"


def _numbered(found: re.Match[str]) -> str:
    return f"{spoken_number(found.group(1))}号"


def _product(found: re.Match[str]) -> str:
    return "乘".join(map(spoken_number, re.split(r"\s*[x×*]\s*", found.group())))


def _myriads(found: re.Match[str]) -> str:
    """Read the w that people type for 万."""
    return f"{counted(found.group(1), '万')}万"


def _about(found: re.Match[str]) -> str:
    return "约"


def _number(found: re.Match[str]) -> str:
    sign, number = found.groups()
    behind = found.string[found.end() : found.end() + 3].lstrip(" ")
    if not sign and len(number) == 4 and number.isdecimal() and "1900" <= number <= "2099":
        apart = not behind or not behind[0].isalnum()
        if (apart and not number.endswith("00")) or _YEAR_BEHIND.match(behind):
            return by_digits(number)
    if len(number) == 2 and number[1] in "05" and re.match("后(?!来|面|期|天|台)", behind):
        return by_digits(number)
    if behind.startswith(_MONEY):
        return signed(sign, price(number, behind))
    if before(found, 1) in ("第", "十", "百", "初", "星"):
        return spoken_number(number)
    return signed(sign, counted(number, behind))


_HALF = r"(?: ?([aApP])(?:\.?[mM]\.?)(?![A-Za-z]))"
_COLON = "[:：]"
_DATES = (
    (
        r"(\d{4})([-/.])(\d\d?)\2(\d\d?)"
        r"(?:(?:T| )(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\dA-Za-z/-])",
        _iso,
    ),
    (r"([12]\d{3})(?:[-–—~至到/]([12]\d{3}))?(?=年|赛季|学年|财年)", _years),
    (r"(\d\d)(?=年\d{1,2}月)", _digit_by_digit),
    (r"(\d{1,2})/(\d{1,2})(?![\d/])", _short),
    (rf"(\d{{1,2}}){_COLON}(\d\d){DASH}(\d{{1,2}}){_COLON}(\d\d)(?![\d:：])", _times),
    (rf"(\d{{1,2}}){_COLON}(\d\d)(?:{_COLON}(\d\d))?{_HALF}?(?![\d:：])", _time),
    (rf"(\d{{1,2}}){_HALF}", _hour),
    (rf"(\d{{1,9}}){_COLON}(\d{{1,9}})(?![\d:：])", _ratio),
)
_COUNTS = (
    (r"\+\d{1,3}(?:[ .-]?\d{1,12}){1,6}(?!\d)", _telephone),
    (r"1[3-9]\d{9}(?!\d)|1[3-9]\d[ -]\d{4}[ -]\d{4}(?!\d)", _telephone),
    (r"(?<=[)）])\d{3,4}-?\d{4}(?!\d)", _telephone),
    (r"0\d{2,3}-\d{7,8}(?!\d)|\d{2,6}(?:-\d{2,12}){2,9}(?!\d)", _telephone),
    (r"\d{4}(?: \d{4}){2,3}(?: \d{1,4})?(?!\d)", _grouped),
    (r"(\d{17})[xX](?![A-Za-z\d])", _identity),
    (r"(?:10086|10010|955\d\d|123(?:06|15|45|48))(?![\d.,%])", _service),
    (r"\d{3,9}(?![\d.,%])", _coded),
    (r"()(\d{1,9}(?:\.\d{1,9}){2,20})(?!\d)", _version),
    (r"([1-9][1-9])(?=折)", _digit_by_digit),
    (r"24/7(?![\d/.])", _around_the_clock),
    (r"(\d{1,3} )?(\d{1,9})/(\d{1,9})(?!\d|/\d|\.\d)", _fraction),
    (r"\d{1,9}(?:\.\d{1,4})?(?: ?[x×] ?| ?\* ?)\d{1,9}(?:\.\d{1,4})?(?:[x×]\d{1,6})?(?![A-Za-z\d^])", _product),
    (rf"#({NUMBER})(?![A-Za-z\d])", _numbered),
    (r"(\d{1,9})(?:st|nd|rd|th)(?![A-Za-z\d])", _ordinal),
    (rf"({NUMBER})({DASH})((?:{NUMBER}))(?![\d]|[-–:/]\d)", _range),
    (rf"({NUMBER})w(?![A-Za-z\d])", _myriads),
    (r"[~≈] ?(?=[\d$€£¥.])", _about),
    (rf"({SIGN})({NUMBER})", _number),
)


def dates() -> list[Rule]:
    """Return the rules for dates and times."""
    return rules(_DATES)


def named() -> list[Rule]:
    """Return the rules for numbers that begin with a letter: versions, trains and flights."""
    return rules(
        (
            (r"([vV])(\d{1,9}(?:\.\d{1,9}){1,20})(?!\d)", _version),
            (rf"(?:No|NO|no)\.? ?({NUMBER})(?![A-Za-z\d])", _numbered),
            (r"([A-Z]{1,2})(\d{2,4})(?![A-Za-z\d])", _train),
        )
    )


def counts() -> list[Rule]:
    """Return the rules for numbers, in their order; the last takes any."""
    return rules(_COUNTS)
