"""How long a silence ends an utterance, by what was said so far.

A recogniser ends whatever it heard with a full stop, so the last words outrank it: "I would like to." is half.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

from attrs import Attribute, field, frozen

from voxint.arguments import bounded, check_fields
from voxint.core.boundaries import is_unspaced
from voxint.core.ears.backchannel import BACKCHANNELS, NO_ANSWERS
from voxint.core.ears.thought import Thought
from voxint.core.ears.thought_chinese import ends_half as ends_half_chinese
from voxint.core.ears.thought_chinese import ends_open as ends_open_chinese
from voxint.core.ears.thought_chinese import ends_whole as ends_whole_chinese
from voxint.core.ears.thought_english import ends_half as ends_half_english
from voxint.core.ears.thought_english import ends_open as ends_open_english
from voxint.core.ears.thought_numbers import chinese_number, english_number
from voxint.core.ears.words import consists_of, listed, spoken_words

__all__ = ["Endpointing", "silence_ms", "thought_of"]

_TAIL = 400
"""Characters at the end of a text that are looked at, so that a long one costs no more. Ours: several sentences."""

_CLOSING = "\"'”’»)]}」』）】》 \t\r\n"
_GOES_ON = re.compile(r"(?:\.\.+|[,;:、~…‥—–-])$")
_ENDS = ".!?。؟।"
_SENTENCE_END = re.compile(r"[.!?。]+(?:\s+|(?<=[!?。]))")
_IN_NUMBER = re.compile(r"(?<=\d)[.,:/](?=\d)")

_FINISHED = (BACKCHANNELS["en"] | BACKCHANNELS["zh"]) - NO_ANSWERS - listed("嗯, 恩, 唔, 呣") | listed(
    "no, nope, nah, no thanks, no thank you, not now, not really, not yet, "
    "please, yes please, thanks, thank you, thank you very much, thanks a lot, many thanks, bye, "
    "goodbye, good bye, bye bye, see you, hello, hi, hi there, hey, good morning, good afternoon, good evening, "
    "good night, never mind, forget it, that's all, that's it, that is all, i don't know, no idea, maybe, "
    "cancel, cancel that, help, help me, me too, 不, 不是, 不要, 不用, 不用了, 不行, "
    "不对, 不對, 没有, 沒有, 没了, 别说了, 谢谢, 謝謝, 谢谢你, 多谢, 不客气, 再见, 再見, 拜拜, "
    "你好, 您好, 早, 早上好, 下午好, 晚上好, 晚安, 算了, 够了, 夠了, 好了, 行了, 就这样, 就這樣, 没事, 沒事, "
    "不知道, 我不知道, 取消, 救命, 随便, 隨便"
)
"""What is said whole although it is short."""

_CALLS = listed(
    "stop, stop it, wait, wait a minute, wait a second, hold on, hang on, one moment, just a moment, just a minute, "
    "sorry, excuse me, pardon, hey, listen, actually, no wait, 停, 停下, 停一下, 等, 等等, 等一下, 等一等, 稍等, "
    "稍等一下, 慢着, 慢著, 打住, 对不起, 對不起, 抱歉, 不好意思, 打断一下, 打斷一下, 请问, 請問, 喂"
)
"""What calls for attention: more follows as a rule, and where nothing does, an answer has stopped already."""


def _in_order(rules: Endpointing, attribute: Attribute[Any], value: float) -> None:
    names = ("least_ms", "complete_ms", "open_ms", "incomplete_ms", "most_ms")
    lower = names[names.index(attribute.name) - 1]
    least = getattr(rules, lower)
    if value < least:
        name = f"Endpointing.{attribute.name}"
        raise ValueError(f"{name} must be at least Endpointing.{lower} ({least:g}), not {value:g}")


@frozen(kw_only=True, field_transformer=check_fields)
class Endpointing:
    """When an utterance is over.

    The numbers are milliseconds without speech, each at least the one before it. They hold for every language.

    Args:
        least_ms: The shortest silence that ends one, whatever was said. Ours: of 23 pauses within sentences that were
            read or synthesised, 20 were shorter than 330, and a recogniser needs so long for the last words.
        complete_ms: Ends one after a whole sentence. Ours: the most by which half of 44 sentences were over within
            0.5 s of their last sample (478 ms: 86 of them pass until a detector is quiet); one of them was cut.
        open_ms: Ends one where the words may be all, or may not. Ours: about twice as long
            as after a whole sentence.
        incomplete_ms: Ends one after half a sentence or half a number. Ours: a second to find the next word, and some.
        most_ms: The longest: where nothing was understood yet, and where a model says too that more will come. Ours: a
            longer one is taken for a server that hears nothing.
        utterance_s: Seconds after which an utterance ends in the middle of speech. Ours: nobody talks for longer to a
            machine, and a television does.
    """

    least_ms: float = field(default=350.0, validator=bounded(at_least=0, at_most=10_000))
    complete_ms: float = field(default=380.0, validator=[bounded(at_most=10_000), _in_order])
    open_ms: float = field(default=700.0, validator=[bounded(at_most=10_000), _in_order])
    incomplete_ms: float = field(default=1_200.0, validator=[bounded(at_most=10_000), _in_order])
    most_ms: float = field(default=2_000.0, validator=[bounded(at_most=10_000), _in_order])
    utterance_s: float = field(default=60.0, validator=bounded(more_than=0, at_most=600))


def silence_ms(text: str, rules: Endpointing, complete: float | None = None) -> float:
    """Return how many milliseconds of silence end an utterance.

    Words decide first. The model moves that time, at most to that of the next kind: where it is sure that the turn is
    over, a whole sentence ends after `least_ms`, one that may be whole after `complete_ms`, half a one after `open_ms`;
    where it is sure that more will come, each waits as long as the next less complete kind. At 0.5 it changes nothing.

    Args:
        text: What was understood of the utterance so far; empty where nothing was yet.
        rules: The times.
        complete: A model's probability, 0 to 1, that the turn is over; None (and what is no number): there is none.

    Returns:
        Between `Endpointing.least_ms` and `Endpointing.most_ms`; a larger `complete` never gives a longer time.
    """
    steps = (rules.least_ms, rules.complete_ms, rules.open_ms, rules.incomplete_ms, rules.most_ms)
    at = {Thought.WHOLE: 1, Thought.OPEN: 2, Thought.HALF: 3, Thought.NONE: 4}[thought_of(text)]
    if complete is None or math.isnan(complete):
        return steps[at]
    sure = 2 * min(max(complete, 0.0), 1.0) - 1  # from -1, more will come, to 1, it is over
    other = steps[at - 1] if sure > 0 else steps[min(at + 1, 4)]
    told = steps[at] + (other - steps[at]) * abs(sure)
    return min(max(told, rules.least_ms), rules.most_ms)  # which the last bit of a sum may miss


def thought_of(text: str) -> Thought:
    """Return how complete a text is, in English or Chinese; where words decide nothing, its marks do.

    Whatever the language, a text that ends in a comma, a dash or dots is half, and one that ends in a full stop, or in
    a mark of a question or an exclamation, is whole. One without a mark is open. The time doesn't grow with the text.
    """
    tail = unicodedata.normalize("NFKC", text[-_TAIL:]).replace("’", "'").rstrip(_CLOSING)
    tail = _IN_NUMBER.sub("", tail)
    words = spoken_words(tail)
    if not words:
        return Thought.NONE
    if _GOES_ON.search(tail):
        return Thought.HALF
    sentence = next(filter(spoken_words, reversed(_SENTENCE_END.split(tail.rstrip(_ENDS + " ")))), tail)
    if consists_of(sentence, _CALLS):
        return Thought.OPEN
    if consists_of(sentence, _FINISHED):
        return Thought.WHOLE
    if is_unspaced(words[-1]):
        return _chinese(sentence, words, tail[-1])
    return _english(sentence, words, tail[-1])


def _english(sentence: str, words: list[str], mark: str) -> Thought:
    number = english_number(words)
    if number is not None:
        return number
    if ends_half_english(sentence, asks=mark == "?"):
        return Thought.HALF
    if ends_open_english(sentence, asks=mark == "?"):
        return Thought.OPEN
    return Thought.WHOLE if mark in _ENDS else Thought.OPEN


def _chinese(sentence: str, words: list[str], mark: str) -> Thought:
    said = "".join(spoken_words(sentence))
    number = chinese_number("".join(words), said)
    if number is not None:
        return number
    if ends_whole_chinese(said):
        return Thought.WHOLE
    if ends_half_chinese(said):
        return Thought.HALF
    if mark == "?" or (mark in _ENDS and not ends_open_chinese(said)):
        return Thought.WHOLE
    return Thought.OPEN
