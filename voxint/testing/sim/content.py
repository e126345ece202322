"""What the simulated model says: a script worth hearing and interrupting, or numbered words that can be checked."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from voxint.testing.sim.script import ABOUT, ABOUT_ZH, COUNT, COUNT_ZH, STORY, STORY_ZH, TRIES, TRIES_ZH

__all__ = ["answer_to", "is_chinese", "numbered", "pieces_of", "turn_of", "words_in"]

SENTENCES = 5  # of the script in one answer: some 20 s of speech, so that there is time to interrupt
REPEATED_CHARS = 300  # of what was heard that an answer repeats, at most; ours: some 20 s of speech
REPEATED_CHARS_ZH = 80  # the same in Chinese, where a character lasts as long as four letters
TOKEN = re.compile(r"[一-鿿]{1,2}[，。！？、：；]*|[^\s一-鿿]+\s*|\s+")
TURN = re.compile(r"\bturn (\d+)|\bt(\d+)w\d")
WORD = re.compile(r"\bt\d+w\d+")
CLAUSE_END = re.compile(r"[.,;:!?](?=\s)|[，。！？、：；…]")
ENDS = (".", "!", "?", "…", "。", "！", "？")
QUOTES = "\"'”’』」)）"


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
    """Return the script's answer to the last of the user's utterances; to one that it does not know, its words.

    Args:
        heard: All of them; by their number the answers change.
    """
    words = " ".join(heard[-1].split()) if heard else ""
    chinese = is_chinese(words)
    for pattern, said in (_TABLE_ZH if chinese else _TABLE).items():
        if re.search(pattern, words, re.IGNORECASE):
            return said.replace("{now}", time.strftime("%H:%M"))
    turn = max(0, len(heard) - 1)
    if re.search(_ABOUT_ZH if chinese else _ABOUT, words, re.IGNORECASE):
        script = ABOUT_ZH if chinese else ABOUT
        about = (script[n % len(script)] for n in range(SENTENCES * turn, SENTENCES * (turn + 1)))
        return ("" if chinese else " ").join(about)
    if chinese:
        return f"我听到的是：{_repeated(words, REPEATED_CHARS_ZH, '……等等', '。')}{TRIES_ZH[turn % len(TRIES_ZH)]}"
    # Its first clause ends with the fifth word, so that a synthesizer need not wait for the end of what was said.
    repeated = f"This is what I heard: {_repeated(words, REPEATED_CHARS, ', and so on', '.')}"
    opening = repeated if any(char.isalnum() for char in words) else "I heard nothing."
    return f"{opening} {TRIES[turn % len(TRIES)]}"


def _repeated(words: str, most: int, and_more: str, full_stop: str) -> str:
    """Return the words as a sentence; of many the beginning, up to the end of a clause or else of a word."""
    if len(words) <= most:
        ended = words.rstrip(QUOTES)[-1:] in ENDS
        return words if ended else f"{words.rstrip(' ,;:，、；：')}{full_stop}"
    clauses = [found.start() for found in CLAUSE_END.finditer(words, most // 2, most)]
    if clauses:
        cut = clauses[-1]
    elif (space := words.rfind(" ", most // 2, most)) > 0:
        cut = space
    else:
        cut = most
    return f"{words[:cut].rstrip()}{and_more}{full_stop}"


_ABOUT = (
    r"\babout (yourself|you|voxint|interrupti\w+)\b|\bhow (do|can) you (stop|know when to stop)\b|\bwhat can you do\b"
)
_ABOUT_ZH = r"(讲|说|谈|介绍).{0,4}(打断|自己|voxint)|怎么(打断|停)|(会|能)(做|干)?什么"
_TABLE = {
    r"\bwhat('s| is)? (the )?time\b|\btime is it\b": "By this machine's clock it is {now}. I am only a stand-in, "
    "but the clock is real.",
    r"\btell( \w+){0,4} story\b|\b(read|give) (me|us)( \w+){0,3} story\b|\b(another|hear|want)( \w+){0,2} story\b"
    r"|^\W*(a |the )?story\b": STORY,
    r"\bcount\b.*\bto ten\b": "One, two, three, four, five, six, seven, eight, nine, ten. You let me reach the end!",
    r"\bcount\b.*\b(to|from|up|down)\b|^\W*(please )?count\W*$": COUNT,
    r"\b(tell|another|want|hear)\b.*\bjoke\b|^\W*(a )?joke\b": "A man said to a voice agent: stop. It said: "
    "certainly, I will stop right after this long list of the many ways in which I can be helpful to you. I am only a "
    "stand-in, but that one is true of many others.",
    r"^\W*(hi|hello|hey|good (morning|afternoon|evening))\b(\W+\w+){0,2}\W*$": "Hello! I am the built-in stand-in, "
    "not a language model. Ask me for a story, let me count to twenty, or say anything and talk over my answer: "
    "interrupting me is what I am for.",
    r"\bwho are you\b|\bwhat are you\W*$": "I am the simulated upstream that comes with voxint. I understand nothing; "
    "I answer from a small table, at the pace of a real model, so that you can try an interruption without any key.",
    r"^\W*(ok(ay)?\W+)?thank(s| you)\b(\W+\w+){0,3}\W*$": "You are welcome. Thank the cancel scope.",
}
_TABLE_ZH = {
    r"几点|什么时间": "按这台机器的时钟，现在是{now}。我只是替身，时钟却是真的。",
    r"(讲|说|听|来|想).{0,6}故事|^故事": STORY_ZH,
    r"数到|数数|数一": COUNT_ZH,
    r"^(你好|您好)(\W*\w){0,3}\W*$": "你好！我是内置的替身，不是语言模型。可以让我讲个故事，或者数到二十。"
    "随时打断我，我就是为此而生的。",
    r"你是谁|你是什么": "我是随voxint附带的模拟上游。我什么也不懂，"
    "只会按一张小表回答，速度与真正的模型相仿，不用密钥就能试打断。",
    r"^(好的?\W*)?谢谢(\W*\w){0,3}\W*$": "不客气。要谢就谢取消作用域吧。",
}
