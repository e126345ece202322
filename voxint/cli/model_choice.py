"""Which of a server's models is fit for a conversation by voice, judged by what is known of each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen

__all__ = ["KnownModel", "billions_in", "fit_for_talk"]

MOST_CHARS = 200
"""Of a model's name; ours: real ones have some 60, and it is shown."""

AT_LEAST_B, AT_MOST_B = 2.0, 10.0
"""Billions of parameters of a model that is likely good and quick; ours: smaller ones lose the thread, larger ones
take seconds for a sentence where no graphics card helps."""

LEAST_B = 0.9
"""Billions of parameters below which a model speaks nonsense; ours."""

NO_CHAT = re.compile(
    r"embed|rerank|whisper|moderation|guard|reward|classif|(?<![a-z])(bge|gte|e5|minilm|clip|siglip|asr|stt|tts|ocr|sdxl|"
    r"flux|colbert|bert|nomic-bert|kokoro|parler|bark|diffusion|mmproj|draft)(?![a-z])"
)
"""What makes no conversation: it turns text into numbers, hears, speaks, paints or judges."""

LESS_FIT = re.compile(
    r"cod(e|er|estral|ing)(?![a-z])|starcoder|math|think|reason|gpt-oss|magistral|qwq|vision|qwen3(?!.*instruct)|"
    r"(?<![a-z])(r1|vl|base|pt|sql|llava|moondream|translate)(?![a-z])"
)
"""Made for other work, or thinks for long before its first word: taken where there is nothing else."""

INSTRUCT = re.compile(r"instruct|chat|assistant|(?<![a-z])it(?![a-z])")

_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,2})x)?e?(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z])")


@frozen
class KnownModel:
    """What is known of a model before it is asked.

    Args:
        name: By which it is asked for.
        billions: Its parameters, where the server tells them.
        family: Its architecture, where the server tells that.
    """

    name: str
    billions: float | None = None
    family: str = ""


def fit_for_talk(models: Iterable[KnownModel]) -> tuple[str, ...]:
    """Return the names of those that can talk, the one to take first.

    That is the smallest that is likely good: of `AT_LEAST_B` to `AT_MOST_B` billions of parameters, one that says that
    it was made to talk before one that does not. Behind these come those whose size nobody tells, then smaller ones,
    then larger ones; and behind all of them what was made for other work.
    """
    fit = {model.name: model for model in models if _talks(model)}
    return tuple(sorted(fit, key=lambda name: _rank(fit[name])))


def billions_in(text: str) -> float | None:
    """Return the billions of parameters that a name or a label tells, such as ``llama3.2:3b``, ``8x7B`` or ``135M``."""
    found = _SIZE.search(text.lower())
    if found is None:
        return None
    return int(found[1] or 1) * float(found[2]) / (1 if found[3] == "b" else 1000)


def _talks(model: KnownModel) -> bool:
    shown = model.name.isprintable() and 0 < len(model.name) <= MOST_CHARS
    return shown and NO_CHAT.search(f"{model.name} {model.family}".lower()) is None


def _rank(model: KnownModel) -> tuple[bool, int, bool, float, str]:
    name = model.name.lower()
    size = model.billions if model.billions is not None else billions_in(name)
    if size is None:
        group, order = 1, 0.0
    elif AT_LEAST_B <= size <= AT_MOST_B:
        group, order = 0, size
    elif size > AT_MOST_B:
        group, order = 3, size
    else:
        group, order = (2 if size >= LEAST_B else 4), -size
    return LESS_FIT.search(name) is not None, group, INSTRUCT.search(name) is None, order, model.name
