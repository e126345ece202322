"""Money and units in Chinese."""

from __future__ import annotations

import re
from decimal import Decimal

from voxint.normalize.chinese_numbers import counted, price, spoken_number
from voxint.normalize.scan import Rule, rules

__all__ = ["DASH", "NUMBER", "SIGN", "money_at_letter", "quantities", "signed"]

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d++)(?:\.\d++)?|\.\d++"
"""A number as it is written."""

SIGN = r"(?:(?<![\dA-Za-z)\]%°])[-+±])?"
DASH = r" ?[-–—~至到] ?"
"""Between the two ends of a range."""

_SIGNS = {"-": "负", "+": "正", "±": "正负", "": ""}
_CURRENCIES = {
    **{"$": "美元", "US$": "美元", "HK$": "港元", "NT$": "新台币", "C$": "加元", "A$": "澳元", "S$": "新加坡元"},
    **{"£": "英镑", "€": "欧元", "¥": "元", "CN¥": "元", "JP¥": "日元", "₹": "卢比", "₩": "韩元", "₽": "卢布"},
    **{"USD": "美元", "HKD": "港元", "CAD": "加元", "AUD": "澳元", "GBP": "英镑", "EUR": "欧元", "JPY": "日元"},
    **{"CNY": "元", "RMB": "元", "KRW": "韩元", "SGD": "新加坡元", "₿": "比特币"},
}
_CURRENCY = "(" + "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True)) + ")"
_SCALES = {"k": 10**3, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9, "t": 10**12}
_SCALE = r"(?: ?([KkMmBbTt]|mn|bn)(?![A-Za-z\d])|([万亿千百]{1,2}))?"
_AMOUNT = rf"({NUMBER})(?:{DASH}(?:[$£€¥])?({NUMBER}))?{_SCALE}"
_PER = r"(?: ?/ ?([\u4e00-\u9fff]))?"

_UNITS = {
    **{"km": "公里", "m": "米", "cm": "厘米", "mm": "毫米", "µm": "微米", "nm": "纳米", "ft": "英尺", "in": "英寸"},
    **{"mi": "英里", "kg": "公斤", "g": "克", "mg": "毫克", "µg": "微克", "t": "吨", "lb": "磅", "lbs": "磅"},
    **{"oz": "盎司", "L": "升", "l": "升", "mL": "毫升", "ml": "毫升", "ha": "公顷", "h": "小时", "min": "分钟"},
    **{"s": "秒", "ms": "毫秒", "µs": "微秒", "ns": "纳秒", "Hz": "赫兹", "kHz": "千赫兹", "MHz": "兆赫兹"},
    **{"GHz": "吉赫兹", "W": "瓦", "kW": "千瓦", "MW": "兆瓦", "kWh": "千瓦时", "Wh": "瓦时", "V": "伏", "mV": "毫伏"},
    **{"kV": "千伏", "mA": "毫安", "mAh": "毫安时", "Ω": "欧姆", "Pa": "帕", "kPa": "千帕", "MPa": "兆帕", "J": "焦耳"},
    **{"hPa": "百帕", "kJ": "千焦", "cal": "卡", "kcal": "千卡", "dB": "分贝", "px": "像素", "°": "度"},
    **{"GB": "GB", "MB": "兆", "KB": "KB", "kB": "KB", "TB": "TB", "Mbps": "兆每秒", "Gbps": "吉比特每秒"},
    **{"fps": "帧每秒", "rpm": "转每分钟", "mph": "英里每小时", "ppm": "ppm"},
}
_DEGREES = {"°C": "摄氏度", "℃": "摄氏度", "°F": "华氏度", "℉": "华氏度"}
_POWERS = {"²": "平方", "^2": "平方", "³": "立方", "^3": "立方"}
_END = r"(?![A-Za-z\d²³])"
_NAMES = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_UNIT = rf"({_NAMES})(²|³|\^[23])?{_END}(?:/({_NAMES})(²|³|\^[23])?{_END})?"


def signed(sign: str | None, words: str) -> str:
    """Return a number in words, behind its sign."""
    return _SIGNS[sign or ""] + words


def _money(found: re.Match[str]) -> str:
    sign, symbol, number, until, letter, scale, per = found.groups()
    return signed(sign, _sum(_CURRENCIES[symbol], number, until, letter, scale)) + (f"每{per}" if per else "")


def _money_behind(found: re.Match[str]) -> str:
    sign, number, until, letter, scale, symbol, per = found.groups()
    return signed(sign, _sum(_CURRENCIES[symbol], number, until, letter, scale)) + (f"每{per}" if per else "")


def _sum(currency: str, number: str, until: str | None, letter: str | None, scale: str | None) -> str:
    """Return a sum of money: millions are said in 万 and 亿."""
    behind = scale or currency
    words = _amount(number, letter, behind)
    if until:
        words += f"到{_amount(until, letter, behind)}"
    return words + (scale or "") + currency


def _amount(number: str, letter: str | None, behind: str) -> str:
    if not letter:
        return price(number, behind)
    value = Decimal(number.replace(",", "")[:30]) * _SCALES[letter.lower()]
    whole = value == value.to_integral_value() and value < 10**15
    return counted(_scaled(int(value)), behind) if whole else spoken_number(number)


def _scaled(value: int) -> str:
    return f"{value:,}"


def _percent(found: re.Match[str]) -> str:
    sign, low, number, mark = found.groups()
    of = "千分之" if mark == "‰" else "百分之"
    words = "百" if number == "100" and not low and of == "百分之" else spoken_number(number)
    return signed(sign, of + (f"{spoken_number(low)}到{of}" if low else "") + words)


def _degrees(found: re.Match[str]) -> str:
    sign, low, number, unit = found.groups()
    name = _DEGREES[unit.replace(" ", "")]
    words = f"{spoken_number(low)}到{spoken_number(number.removeprefix('-'))}" if low else counted(number, "度")
    if name != "摄氏度":
        return signed(sign, words) + name
    return _below_zero(sign or "", low, number, words) + name


def _below_zero(sign: str, low: str | None, number: str, words: str) -> str:
    """Return degrees as a weather report says them."""
    if sign != "-" and not number.startswith("-"):
        return signed(sign, words)
    last = ("零下" if number.startswith("-") else "零上" if low else "") + spoken_number(number.removeprefix("-"))
    if low:
        return f"{'零下' if sign == '-' else ''}{spoken_number(low)}到{last}"
    return "零下" + words


def _quantity(found: re.Match[str]) -> str:
    sign, low, number, unit, power, per, per_power = found.groups()
    name = _POWERS.get(power, "") + _UNITS[unit]
    words = signed(sign, f"{counted(low, name)}到" if low else "") if low else _SIGNS[sign or ""]
    words += counted(number, name)
    if per:
        return f"每{_POWERS.get(per_power, '')}{_UNITS[per]}{words}{name}"
    return words + name


_QUANTITIES = (
    (rf"({SIGN})(?:({NUMBER})%?{DASH})?({NUMBER}) ?([%‰])", _percent),
    (
        rf"({SIGN})(?:({NUMBER}){DASH}(?=-?[\d.]))?((?<=[-–—~至到])-?(?:{NUMBER})|{NUMBER}) ?(° ?[CF]|℃|℉)(?![A-Za-z])",
        _degrees,
    ),
    (rf"({SIGN}){_CURRENCY} ?{_AMOUNT}(?:元(?!素))?{_PER}", _money),
    (rf"({SIGN}){_AMOUNT} ?{_CURRENCY}(?![A-Za-z]){_PER}", _money_behind),
    (rf"({SIGN})(?:({NUMBER}){DASH})?({NUMBER}) ?{_UNIT}", _quantity),
)


def quantities() -> list[Rule]:
    """Return the rules for money and units."""
    return rules(_QUANTITIES)


def money_at_letter() -> list[Rule]:
    """Return the rule for money that begins with a currency's letters: US$5, EUR 5."""
    return rules(((rf"(){_CURRENCY} ?{_AMOUNT}{_PER}", _money),))
