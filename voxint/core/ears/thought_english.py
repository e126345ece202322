"""How a sentence in English ends that is not at its end, whatever mark a recogniser writes behind it."""

from __future__ import annotations

from voxint.core.ears.words import listed, spoken_words

__all__ = ["ends_half", "ends_open"]


_HALF = listed(
    "a, an, the, and, but, or, nor, because, cause, if, unless, until, till, whereas, although, than, whether, "
    "while, my, your, our, their, its, every, very, i, i'm, i'll, i've, we're, we've, we'll, they're, they'll, "
    "you're, you've, you'll, he's, she's, it's, that's, there's, what's, where's, who's, how's, here's, let's, "
    "gonna, wanna, gotta, um, uh, er, erm, hmm, hm, mister, mr, mrs, ms, dr, per, plus, minus, versus, such, as, "
    "whose, which, we, they, he, she, unlike, despite, except, including, regarding, besides, upon, quite, "
    "another, both, either, neither, onto, into, isn't, aren't, wasn't, weren't, hasn't"
)
"""Nothing ends with these, not even a question."""

_STRANDED = listed(
    "of, to, for, from, with, at, by, about, without, between, among, against, during, toward, towards, near, "
    "like, beside, beyond, through, across"
)
"""A question may: "Where are you from?"."""

_HELPERS = listed(
    "is, are, was, were, am, be, been, being, has, have, had, do, does, did, will, would, can, could, shall, "
    "should, may, might, must, ought, don't, doesn't, didn't, won't, wouldn't, can't, couldn't, shouldn't, "
    "haven't, hadn't"
)
"""A sentence may, behind a pronoun: "Yes, it is."."""

_PRONOUNS = listed("i, you, he, she, it, we, they, this, that, these, those, one, there, not, who")

_ASKING = listed("what, who, whom, whose, where, when, why, how, which")

_OPEN = listed(
    "in, on, off, up, down, out, over, around, before, after, since, once, that, this, these, those, some, any, "
    "more, most, less, her, his, so, then, just, also, even, only, not, well, though, all, many, much, few, "
    "other, what, who, where, when, why, how, because, actually, basically, really, maybe, perhaps, probably, "
    "want, need, mean, said, says, tell, told, give, get, put, make, take, got, "
    "let, use, keep, find, called, named, around, under, inside, same"
)
"""After these something may follow, although they can be the end."""

_WANTING = listed("want, need, like, think, mean, guess, believe, wonder, suppose, hope, know, prefer, wondering, have")
_SUBJECTS = listed("i, we, you, they, i'd, we'd, you'd, he, she")

_PAIRS = listed(
    "for example, for instance, kind of, sort of, such as, as well, in order, can you, could you, would you, "
    "will you, can i, could i, may i, can we, let me, how many, how much, and then, but then, so then, and so, "
    "and also, and not, or maybe, i was, i am, we are, you are, they are, i were, there is, there are, "
    "there was, there were, what is, what are, where is, who is, how is, is there, are there, do you, did you, "
    "does it, have you, is that, at least, so that, even if, even though, as if, in case, based on, depends on, "
    "up to, next to, because of, due to, if i, if you, when i, when you, that i, that we, "
    "half past, quarter past, quarter to, and please, but please"
)

_NAMES = (" A", " May", " Will")
"""What ends like a word of those above, and is none: "vitamin A", "the third of May"."""

_ENDS = listed(
    "think so, hope so, say so, guess so, believe so, suppose so, told so, said so, do so, do that, do this, "
    "like that, like this, about that, about this, not that, of that, of this, and so on, turn it on, "
    "turn it off, come in, come on, go on, that way, this one, that one, no more, once more, any more, or not, i know"
)
"""What ends like words of those above, and is an end where it has a mark."""

_POINTING = listed("the, a, an, my, your, our, this, that, these, those, his, her, their")

_BEGINNING = listed("then, well, like, now, also")
"""Half where they are all that was said."""

_CLAUSES = listed("if, when, while, whenever, although, though, unless, whereas")
_OTHER_CLAUSES = listed("because, since, as, before, after, once, until, till, where, wherever")
_CLAUSE_WORDS = 12
"""Most words of a clause that has no main sentence behind it, for want of a comma. Ours."""


def ends_half(sentence: str, *, asks: bool) -> bool:
    """Return whether something has to follow.

    Args:
        sentence: The last sentence, without the mark at its end.
        asks: Whether that mark is a question's.
    """
    words = spoken_words(sentence)
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if before and sentence.endswith(_NAMES):
        return False
    if last in _HALF:
        return True
    if asks:  # who was cut short in a question asks no whole one, but for the words above it can't be told
        return False
    if last in _STRANDED:
        return words[0] not in _ASKING
    if words[0] in _CLAUSES and "," not in sentence and 1 < len(words) <= _CLAUSE_WORDS:
        return True
    if last in _HELPERS:
        return before not in _PRONOUNS or (f"{before} {last}" in _PAIRS and len(words) == 2 and before != "i")
    if f"{before} {last}" in _PAIRS:
        return True
    if last in _WANTING and before in _SUBJECTS:
        return True
    if last == "so":
        return f"{before} so" not in _ENDS
    return len(words) == 1 and last in _BEGINNING


def ends_open(sentence: str, *, asks: bool) -> bool:
    """Return whether something may follow, although that can be all. The arguments are those of `ends_half`."""
    words = spoken_words(sentence)
    if asks:
        return len(words) == 1 or " ".join(words[-2:]) in _PAIRS
    if " ".join(words[-2:]) in _ENDS or (words[:-1] and sentence.endswith(_NAMES)):
        return False
    if words[-1] in _OPEN or words[-1] in _HELPERS or words[-1] in _STRANDED:
        return True
    if len(words) == 1 or (len(words) == 2 and words[0] in _POINTING):
        return True  # a name, or the beginning of what is said of it
    if words[-1].endswith("ly") and words[-2] in _HELPERS:
        return True
    return words[0] in _OTHER_CLAUSES | _CLAUSES and "," not in sentence
