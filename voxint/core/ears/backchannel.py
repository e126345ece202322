"""What a listener says to show that they follow: words that say "go on" and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from voxint.core.ears.words import consists_of, listed

__all__ = ["BACKCHANNELS", "NO_ANSWERS", "asks", "is_backchannel"]

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

_ASKS = re.compile(r"[?？؟吗嗎呢][^\w]*$")
"""How a question ends. 吗 and 呢 say it without a mark."""

_TAIL = 200
"""Characters at the end of a text that tell whether it asks. Ours."""


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
