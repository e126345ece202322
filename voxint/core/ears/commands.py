"""Words that interrupt although they are short: they tell "stop" from a hum in which a word was found; pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from voxint.core.boundaries import is_unspaced
from voxint.core.ears.words import listed, spoken_words

__all__ = ["COMMANDS", "are_few", "are_too_many"]

_ENGLISH = """
stop, wait, hold on, hang on, hold it, pause, quiet, silence, shush, hush, shut up, enough, no, nope, don't, cancel,
never mind, forget it, sorry, excuse me, pardon, what, why, how, where, when, again, repeat, louder,
slower, faster, quieter, help, next, skip, back, go back, change, instead, listen, actually, but, one moment,
one second, just a second, just a moment, just a minute, be quiet, that's enough, hey, question
"""

_CHINESE = """
停, 等, 慢着, 慢著, 打住, 闭嘴, 閉嘴, 别说, 別說, 别讲, 別講, 安静, 安靜, 够了, 夠了, 不对, 不對, 不是, 不要, 不用,
不行, 别, 別, 没有, 沒有, 错了, 錯了,
取消, 算了, 换, 換, 打断, 打斷, 抱歉, 不好意思, 对不起, 對不起, 请问, 請問, 什么, 什麼, 为什么, 為什麼, 怎么, 怎麼,
谁, 誰, 哪, 几点, 幾點, 多少, 再说, 再說, 再来, 再來, 重复, 重複, 大声, 大聲, 小声, 小聲, 慢点, 慢點, 快点, 快點,
帮, 幫, 救命, 下一, 跳过, 跳過, 可是, 但是, 问题, 問題, 喂
"""

COMMANDS: Mapping[str, frozenset[str]] = MappingProxyType({"en": listed(_ENGLISH), "zh": listed(_CHINESE)})
"""By language. Ours: what people say who want to be heard at once, and how a question begins. "Hello" and "who" are not
among them: recognisers hear these in a hum."""

BRIEF_WORDS = 2
"""Words that are few; ours: in a hum of half a second a recogniser finds one or two."""

WORD_MS = 130.0
"""Milliseconds of the shortest word; ours: who speaks fast says six in a second, short ones among them."""


def are_few(text: str) -> bool:
    """Return whether a text has so few words that a recogniser may have made them up."""
    return _words(text) <= BRIEF_WORDS


def are_too_many(text: str, speech_ms: float) -> bool:
    """Return whether nobody says so many words in so many milliseconds of speech."""
    return _words(text) * WORD_MS > speech_ms


def _words(text: str) -> float:
    """Return how many words a text has; two Chinese characters count as one."""
    return sum(0.5 if is_unspaced(word) else 1.0 for word in spoken_words(text))
