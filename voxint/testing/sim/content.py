"""What the simulated model says: a script worth hearing and interrupting, or numbered words that can be checked."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from voxint.testing.sim.script import ABOUT, ABOUT_ZH, COUNT, COUNT_ZH, STORY, STORY_ZH

__all__ = ["answer_to", "is_chinese", "numbered", "pieces_of", "turn_of", "words_in"]

SENTENCES = 5  # of the script in one answer: some 20 s of speech, so that there is time to interrupt
REPEATED_CHARS = 80  # of the question that an answer repeats, at most
TOKEN = re.compile(r"[一-鿿]{1,2}[，。！？、：；]*|[^\s一-鿿]+\s*|\s+")
TURN = re.compile(r"\bturn (\d+)|\bt(\d+)w\d")
WORD = re.compile(r"\bt\d+w\d+")


def is_chinese(text: str) -> bool:
    """Return whether most letters of the text are Chinese characters."""
    chinese = sum("一" <= char <= "鿿" for char in text)
    return chinese * 2 > sum(char.isalpha() for char in text)


def turn_of(text: str) -> int | None:
    """Return the turn's number in ``turn 17`` or ``t17w3``, the last if there are several."""
    found = TURN.findall(text)
    return int(found[-1][0] or found[-1][1]) if found else None


def words_in(text: str) -> int:
    """Return how many numbered words the text holds."""
    return len(WORD.findall(text))


def numbered(turn: int, tokens: int, per_sentence: int) -> Iterator[str]:
    """Yield ``t17w0 t17w1 ...``; each `per_sentence`-th ends a sentence."""
    for n in range(tokens):
        yield f"t{turn}w{n}. " if (n + 1) % per_sentence == 0 else f"t{turn}w{n} "


def pieces_of(text: str, tokens: int | None) -> Iterator[str]:
    """Yield the text in token-like pieces; with `tokens`, exactly so many, from the begin again where it is short."""
    every = TOKEN.findall(text)
    return iter(every) if tokens is None else islice(cycle([*every[:-1], f"{every[-1]} "]), tokens)


def answer_to(heard: Sequence[str]) -> str:
    """Return the script's answer to the last of the user's utterances."""
    words = heard[-1] if heard else ""
    chinese = is_chinese(words)
    for pattern, said in (_TABLE_ZH if chinese else _TABLE).items():
        if re.search(pattern, words, re.IGNORECASE):
            return said.replace("{now}", time.strftime("%H:%M"))
    script = ABOUT_ZH if chinese else ABOUT
    told = SENTENCES * max(0, len(heard) - 1)
    about = [script[n % len(script)] for n in range(told, told + SENTENCES)]
    repeated = words[:REPEATED_CHARS].rstrip(" .!?。！？")
    if chinese:
        return f"我听到的是：{repeated}。我是内置的替身，不是语言模型。{''.join(about)}"
    opening = f"I heard: {repeated}." if repeated else "I heard nothing."
    return f"{opening} I am the built-in stand-in, not a language model. {' '.join(about)}"


_TABLE = {
    r"\bwhat('s| is)? (the )?time\b|\btime is it\b": "By this machine's clock it is {now}. I am only a stand-in, "
    "but the clock is real.",
    r"\bstory\b": STORY,
    r"\bcount to ten\b": "One, two, three, four, five, six, seven, eight, nine, ten. You let me reach the end!",
    r"\bcount\b": COUNT,
    r"\bjoke\b": "A man said to a voice agent: stop. It said: certainly, I will stop right after this long list of the "
    "many ways in which I can be helpful to you. I am only a stand-in, but that one is true of many others.",
    r"^\W*(hi|hello|hey|good (morning|evening))\b": "Hello! I am the built-in stand-in, not a language model. Ask me "
    "for a story, let me count to twenty, or say anything and talk over my answer: interrupting me is what I am for.",
    r"\bwho are you|\bwhat are you\b": "I am the simulated upstream that comes with voxint. I understand nothing; I "
    "answer from a small table, at the pace of a real model, so that you can try an interruption without any key.",
    r"\bthank": "You are welcome. Thank the cancel scope.",
}
_TABLE_ZH = {
    r"几点|时间": "按这台机器的时钟，现在是{now}。我只是替身，时钟却是真的。",
    r"故事": STORY_ZH,
    r"数到|数数|数一": COUNT_ZH,
    r"^你好|^您好": "你好！我是内置的替身，不是语言模型。可以让我讲个故事，或者数到二十。"
    "随时打断我，我就是为此而生的。",
    r"你是谁|你是什么": "我是随voxint附带的模拟上游。我什么也不懂，"
    "只会按一张小表回答，速度与真正的模型相仿，不用密钥就能试打断。",
    r"谢谢": "不客气。要谢就谢取消作用域吧。",
}
