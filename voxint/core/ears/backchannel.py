"""What a listener says to show that they follow: words that say "go on" and no more, and how many words a text has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from voxint.core.tokens import UNSPACED

__all__ = [
    "BACKCHANNELS",
    "NO_ANSWERS",
    "asks",
    "consists_of",
    "contains_one_of",
    "count_words",
    "is_backchannel",
    "listed",
    "spoken_words",
]

_ENGLISH = """
mm, mhm, mm hm, mm hmm, mhmm, mmhmm, mmhm, m hm, m hmm, hm, hmm, hum, uh huh, uhuh, uh hum, unhuh, un huh, huh, ah,
aha, ah ha, oh, ooh, oo, eh, um, uh, er, erm, em, ha, haha, heh, wow, whoa, gosh, gee, yeah, yea, yah, ya, yep,
yup, yes, ok, o k, okay, kay, mkay, right, alright, all right, sure, of course, exactly, indeed, absolutely,
definitely, totally, certainly, precisely, true, that's true, that's right, correct, fine, good, great, nice, cool,
lovely, perfect, awesome, amazing, excellent, interesting, very good, very nice, very interesting, so nice,
sounds good, i see, i understand, got it, i got it, gotcha, i get it, understood, makes sense, that makes sense,
fair enough, no problem, really, oh really, is that so, is it, you don't say, no kidding, no way, go on, go ahead,
keep going, please go on, carry on, please continue
"""

_CHINESE = """
嗯, 恩, 唔, 呣, 嗯哼, 哼, 哦, 噢, 喔, 啊, 呀, 呃, 额, 诶, 欸, 哎, 哟, 哇, 哇塞, 哈, 嘿, 呵, 嘛, 哎呀, 天哪, 对,
对的, 对啊, 对呀, 對, 對的, 對啊, 對呀, 是, 是的, 是啊, 是呀, 是吗, 是嗎, 是哦, 好, 好的, 好吧, 好啊, 好呀,
好嘞, 行, 行吧, 行啊, 可以, 可以的, 可以啊, 没错, 沒錯, 没问题, 沒問題, 当然, 當然, 确实, 確實, 的确, 的確,
明白, 明白了, 知道, 知道了, 我知道, 我知道了, 我明白, 我明白了, 了解, 了解了, 瞭解, 懂了, 我懂了, 懂, 收到,
有道理, 原来如此, 原來如此, 原来是这样, 原來是這樣, 这样啊, 這樣啊, 这样, 這樣, 真的, 真的吗, 真的嗎, 真的啊,
真的假的, 不会吧, 不會吧, 不错, 不錯, 太好了, 太棒了, 厉害, 厲害, 有意思, 继续, 繼續, 你继续, 你繼續, 继续说,
繼續說, 接着说, 接著說, 你说, 你說, 说吧, 說吧
"""


def listed(lines: str) -> frozenset[str]:
    """Return the phrases of a text that has commas between them."""
    return frozenset(phrase for piece in lines.replace("\n", " ").split(",") if (phrase := piece.strip()))


BACKCHANNELS: Mapping[str, frozenset[str]] = MappingProxyType({"en": listed(_ENGLISH), "zh": listed(_CHINESE)})
"""By language. Ours: what people say in a conversation without wanting the floor, in the spellings of recognisers.

Not among them is what ends a conversation as often as it keeps one up: "thank you", "good night", 好了, 够了, 谢谢."""

NO_ANSWERS = listed(
    "hm, hmm, hum, huh, ah, oh, ooh, oo, eh, um, uh, er, erm, em, ha, haha, heh, wow, whoa, gosh, gee,"
    "really, oh really, is that so, is it, you don't say, no kidding, no way, interesting, very interesting,"
    "哦, 噢, 喔, 啊, 呀, 呃, 额, 诶, 欸, 哎, 哟, 哇, 哇塞, 哈, 嘿, 呵, 哼, 嘛, 哎呀, 天哪, 是吗, 是嗎, 真的吗,"
    "真的嗎, 真的啊, 真的假的, 不会吧, 不會吧, 有意思, 厉害, 厲害"
)
"""Those that answer no question: sounds of thinking and of wonder. 嗯 is not among them, for it means yes."""

_WORD = re.compile(rf"(?=[^\W_])[{UNSPACED}]|[^\W_{UNSPACED}]+(?:['’][^\W_{UNSPACED}]+)*")
"""A character of a script without spaces, or a word."""

_COUNTED = re.compile(rf"(?=[^\W_])[{UNSPACED}]|[^\s{UNSPACED}]+")
"""As `_WORD`; one with hyphens counts once."""

_DRAWN_OUT = re.compile(r"(.)\1{2,}")
"""Three and more of a letter: "yeahhh", "Hmmmmm"."""

_ASKS = re.compile(r"[?？؟吗嗎呢][^\w]*$")
"""How a question ends. 吗 and 呢 say it without a mark."""

_TAIL = 200
"""Characters at the end of a text that tell whether it asks. Ours."""


def count_words(text: str) -> int:
    """Return how many words a text has: in Chinese and Japanese each character is one, and marks are none."""
    return sum(any(map(str.isalnum, word)) for word in _COUNTED.findall(text))


def spoken_words(text: str) -> list[str]:
    """Return the words as they are compared: without case, marks and full width; a Chinese character is a word."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").casefold()
    return _WORD.findall(plain)


def consists_of(text: str, phrases: frozenset[str]) -> bool:
    """Return whether a text is one or several of some phrases and nothing else; a text without a word is none.

    Case, marks and letters that are drawn out ("Hmmmm", "yeahhh") don't matter. The time is linear in the text.

    Args:
        text: What was said.
        phrases: In any spelling that differs in case and marks alone: "uh-huh" and "uh huh" are the same.
    """
    known = _known(phrases)
    words = spoken_words(text)
    # Where a phrase may begin: behind each of those that were found, and none of the words before it is left over.
    reached = {0}
    for at in range(len(words)):
        if at in reached:
            reached |= {at + size for size in known.begins(words[at]) if known.has(words[at : at + size])}
    return bool(words) and len(words) in reached


def contains_one_of(text: str, phrases: frozenset[str]) -> bool:
    """Return whether one of the phrases stands in a text, word by word; compared as in `consists_of`."""
    words, known = spoken_words(text), _known(phrases)
    return any(known.has(words[at : at + size]) for at, word in enumerate(words) for size in known.begins(word))


def is_backchannel(text: str, phrases: frozenset[str], said: str = "") -> bool:
    """Return whether somebody shows that they follow, and wants nothing else.

    "Yeah", "Mm-hmm. Right.", 嗯嗯 and 对对对 do; with any other word beside, as in "yeah but" or 好的，停, they don't,
    and "no", "stop" and "wait" never do. Where the answer has just asked something, "yes" is meant as an answer, and
    so are all of the phrases but those of `NO_ANSWERS`: it interrupts, or it begins the next turn.

    Args:
        text: What was said.
        phrases: What counts, such as ``BACKCHANNELS["en"] | BACKCHANNELS["zh"]``.
        said: The end of what the person has heard of the answer; empty where that is not known: no question, then.
    """
    if asks(said):
        return consists_of(text, phrases & NO_ANSWERS)
    return consists_of(text, phrases)


def asks(said: str) -> bool:
    """Return whether a text ends in a question: by its mark, in Chinese by 吗 or 呢 too."""
    return bool(_ASKS.search(said[-_TAIL:]))


class _Known:
    """Phrases as words, found by their first one."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = {words for phrase in phrases if (words := tuple(spoken_words(phrase)))}
        self._sizes: dict[str, set[int]] = {}
        for words in self._phrases:
            self._sizes.setdefault(words[0], set()).add(len(words))

    def begins(self, word: str) -> set[int]:
        """Return how many words the phrases have that begin so."""
        return set().union(*(self._sizes.get(each, ()) for each in _spellings(word)))

    def has(self, words: list[str]) -> bool:
        """Return whether the words are a phrase, in one of their spellings."""
        spelt: set[tuple[str, ...]] = {()}
        for word in words:
            spelt = {(*before, each) for before in spelt for each in _spellings(word)}
        return not spelt.isdisjoint(self._phrases)


def _spellings(word: str) -> tuple[str, ...]:
    if _DRAWN_OUT.search(word) is None:
        return (word,)
    return _DRAWN_OUT.sub(r"\1", word), _DRAWN_OUT.sub(r"\1\1", word)


@lru_cache(maxsize=32)  # ours: an application has one set of phrases, or one for each language
def _known(phrases: frozenset[str]) -> _Known:
    return _Known(phrases)
