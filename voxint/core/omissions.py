"""What a stage may leave out without failing, and what will be wrong then: told in the log, once in a while."""

from __future__ import annotations

from typing import Literal

import trio

from voxint.core.failure import Stage
from voxint.core.request import Request
from voxint.core.shape import thrown_away
from voxint.logs import Seldom, get_logger

__all__ = ["LINE_EVERY_S", "Omission", "tell_omission", "tell_returned"]

LINE_EVERY_S = 600.0
"""Of the lines about the same omission of the same class; ours: it is in every answer, and a stage that begins with it
on the second day has to be told of, too."""

Omission = Literal["no transcript", "unsettled words", "no words", "text not read", "no audio", "audio without text"]

_TOLD: dict[Omission, tuple[Stage, str]] = {
    "no transcript": (
        "stt",
        "it returned without a final transcript: nothing is answered. "
        'Where nothing was said, it writes `Transcript("", is_final=True)`',
    ),
    "unsettled words": ("stt", "it returned with words that are not final (`is_final`): they are not answered"),
    "no words": ("llm", "it returned without a word: the answer is empty, and the history says that nothing was said"),
    "text not read": ("tts", "it returned before it had read all of its text: the rest of the answer is not spoken"),
    "no audio": ("tts", "it wrote no audio for its text: nothing of the answer is heard"),
    "audio without text": (
        "tts",
        "it never says which text its audio speaks (`Speech.text`): what was heard of an interrupted answer, and so "
        "what the history keeps of it, is only estimated",
    ),
}

log = get_logger()

# Of the loop and not of an agent or a session, of which a program may make a new one for each call: they share the log.
_SELDOM: trio.lowlevel.RunVar[Seldom] = trio.lowlevel.RunVar("voxint omissions")


def tell_omission(omission: Omission, given: object, request: Request) -> None:
    """Write a warning, where there was none about the same lately.

    Args:
        omission: What was left out.
        given: The stage that did; the line names its class.
        request: In which request.
    """
    stage, what = _TOLD[omission]
    _tell(omission, stage, given, what, request)


def tell_returned(stage: Stage, given: object, returned: object, request: Request) -> None:
    """Write a warning that a stage has returned a value in place of writing it; likewise.

    Args:
        stage: Which stage.
        given: It.
        returned: What it returned, of which the line has the type alone.
        request: In which request.
    """
    _tell("returned", stage, given, thrown_away(stage, given, returned), request)


def _tell(kind: str, stage: Stage, given: object, what: str, request: Request) -> None:
    provider = f"{type(given).__module__}.{type(given).__qualname__}"
    try:
        seldom = _SELDOM.get()
    except LookupError:
        seldom = Seldom(LINE_EVERY_S)
        _SELDOM.set(seldom)
    if (more := seldom.due((stage, kind, provider), trio.current_time())) is not None:
        log.warning(
            "a stage leaves something out",
            req_id=request.id,
            session_id=request.session_id,
            stage=stage,
            provider=provider,
            what=what,
            more=more,
        )
