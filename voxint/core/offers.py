"""What of an agent its callers may choose: a voice and a language; and the stages that they get by that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from attrs import field, frozen

from voxint.core.agent import Agent
from voxint.core.encodable import encodable
from voxint.core.failure import Failure, Stage, stage_failure
from voxint.core.settings import Settings, SettingsChange
from voxint.core.shape import chosen_of, options_of
from voxint.core.stages import SpeechToText, TextToSpeech, VoiceOption
from voxint.errors import RequestRefused, UpstreamError
from voxint.logs import get_logger

__all__ = ["ChosenStages", "Offers", "changed_settings", "check_offered", "chosen_stages", "offers"]

NAMED_CHARS = 200
"""Of what there is, that a refusal names; ours: some twenty voices, in a line that can still be read."""

log = get_logger()


@frozen
class Offers:
    """What callers of an agent may choose from.

    Args:
        voices: Who can speak; empty: there is no choice.
        languages: What the recogniser can be told to hear, as primary tags of BCP 47; empty: it can't be told.
    """

    voices: tuple[VoiceOption, ...] = ()
    languages: tuple[str, ...] = ()


def offers(agent: Agent) -> Offers:
    """Return what callers of `agent` may choose from, as its stages say now.

    What a stage says wrong is told in the log, and nothing of it is offered.
    """
    return Offers(voices=_options("tts", agent.tts), languages=_options("stt", agent.stt))


def changed_settings(agent: Agent, settings: Settings, change: SettingsChange) -> Settings:
    """Return the settings after `change`, within the limits of `agent` and of what it offers.

    Raises:
        RequestRefused: `too_large`, as `Settings.changed`; `not_offered`: there is no such voice or language.
    """
    limits = agent.limits
    changed = settings.changed(change, most_tools=limits.functions, most_bytes=limits.settings_bytes)
    _check(agent, change.voice, change.language)
    return changed


def check_offered(agent: Agent, settings: Settings) -> None:
    """Make sure that `agent` offers the voice and the language of `settings`.

    Raises:
        RequestRefused: `not_offered`: it does not.
    """
    _check(agent, settings.voice, settings.language)


@frozen
class ChosenStages:
    """The ears and the voice of one request.

    Args:
        stt: Who understands it; None: nobody.
        tts: Who speaks; None: nobody.
        faults: Why the request has to fail where it uses one of them: it gives no stage for what was chosen.
    """

    stt: SpeechToText | None
    tts: TextToSpeech | None
    faults: Mapping[Stage, Failure] = field(factory=dict)

    @property
    def ears(self) -> SpeechToText:
        """Who understands it, where it is known that somebody does."""
        assert self.stt is not None, "this agent has no speech recognition"
        return self.stt


def chosen_stages(agent: Agent, settings: Settings) -> ChosenStages:
    """Return the ears and the voice that `settings` choose of `agent`; its own where they choose nothing."""
    faults: dict[Stage, Failure] = {}
    stt = _chosen("stt", agent.stt, settings.language, faults)
    tts = _chosen("tts", agent.tts, settings.voice, faults)
    return ChosenStages(cast("SpeechToText | None", stt), cast("TextToSpeech | None", tts), faults)


def _chosen(name: Stage, stage: object, option: str, faults: dict[Stage, Failure]) -> object:
    if stage is None or not option:
        return stage
    try:
        return chosen_of(name, stage, option)
    except Exception as error:  # noqa: BLE001 - any: it is a method of somebody else's
        faults[name] = stage_failure(name, error)
        return stage


def _options(name: Stage, stage: object) -> tuple[Any, ...]:
    try:
        return () if stage is None else options_of(name, stage)
    except UpstreamError as error:
        log.warning("what a stage offers can't be read", stage=name, detail=encodable(error.operator_detail))
        return ()


def _check(agent: Agent, voice: str | None, language: str | None) -> None:
    if voice:
        _check_one(voice, "voice", [each.name for each in _options("tts", agent.tts)])
    if language:
        _check_one(language, "language", _options("stt", agent.stt))


def _check_one(wanted: str, what: str, there: Sequence[str]) -> None:
    if wanted in there:
        return
    if there:
        said = f"this agent has no such {what}: give one of {_named(there)}, or none for its own"
    else:
        said = f"the {what} of this agent can't be chosen: give none"
    raise RequestRefused("not_offered", said, what)


def _named(names: Sequence[str]) -> str:
    """Return the names in a line, as many as fit, and how many more there are."""
    shown = list[str]()
    for name in names:
        if shown and len(", ".join([*shown, name])) > NAMED_CHARS:
            break
        shown.append(name)
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
