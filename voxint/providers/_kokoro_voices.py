"""Which of Kokoro's voices are on this machine, and which of them speaks what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from attrs import frozen

from voxint.assets import Asset, names
from voxint.assets.find import candidates
from voxint.assets.folders import configured_folder
from voxint.assets.table import entry_of
from voxint.errors import ConfigError
from voxint.extras import to_add

__all__ = ["Cast", "VoicesThere", "british_folder", "choose", "has_mandarin", "language_of", "voices_there"]

Language = Literal["en", "zh"]

OPTION = "kokoro option voice"

PREFIX = "kokoro-voice-"
"""What stands before a voice's name in the table of files."""

JAPANESE = ("jf_gongitsune", "jm_kumo", "jf_nezumi", "jf_tebukuro", "jf_alpha")
"""The voices that lie in one file, which the extra `speech` brings; the best for English first. Measured by what a
recogniser made of them: of 108 words 5 % were wrong of the first two, and 1 % of `af_heart`; of 8 sentences 10 to 13 %
of the words of the others. Their Mandarin was understood as well as that of the vendor's Chinese voices."""

ENGLISH = ("af_heart", "af_bella", "am_michael", "am_fenrir", "af_nicole", "bf_emma")
"""Whom `auto` prefers for English, best first, as the vendor ranks them; then any that is English, then `JAPANESE`."""

CHINESE = ("zf_xiaobei", "zf_xiaoxiao", "zm_yunxi")
"""Whom `auto` prefers for Chinese; then any that is Chinese, then `JAPANESE`."""

MANDARIN_PACKAGES = ("misaki", "jieba", "pypinyin", "cn2an")


@frozen
class Cast:
    """Who speaks what.

    Args:
        english: The voice for English, and for all that is not Chinese.
        chinese: The voice for Chinese; None where nobody here speaks it.
        unsaid: Why not, and what to do, for the operator; empty where one does.
    """

    english: str
    chinese: str | None
    unsaid: str = ""

    @property
    def voices(self) -> tuple[str, ...]:
        """All voices, each once."""
        return tuple(dict.fromkeys(name for name in (self.english, self.chinese) if name is not None))

    def voice(self, language: Language) -> str | None:
        """Return who speaks a language; None for nobody."""
        return self.chinese if language == "zh" else self.english


@frozen
class VoicesThere:
    """The voices on a machine.

    Args:
        assets: The file of each.
        faults: What is wrong with the file of each that is there and can't be used.
    """

    assets: Mapping[str, Asset]
    faults: Mapping[str, ConfigError]

    def check(self, voice: str) -> None:
        """Make sure that a voice's file is not a wrong one; of `auto`, that not every file is.

        Raises:
            ConfigError: It is; that of a voice that nobody wants is no matter.
        """
        if voice in self.faults:
            raise self.faults[voice]
        if voice == "auto" and self.faults and not self.assets:
            raise next(iter(self.faults.values()))


def voices_there(folder: Path | None) -> VoicesThere:
    """Look which voices are on this machine, and whether their files have the right size. It looks at the disk.

    Args:
        folder: The configured folder of model files.

    Raises:
        ConfigError: The configured folder is none.
    """
    configured_folder(folder)
    files = {f"{PREFIX}{voice}": (voice,) for voice in (name.removeprefix(PREFIX) for name in names("kokoro-voices"))}
    assets: dict[str, Asset] = {}
    faults: dict[str, ConfigError] = {}
    for name, voices in (*files.items(), ("kokoro-voices-ja", JAPANESE)):
        try:
            asset = next(candidates(entry_of(name), folder), None)
            if asset is not None:
                asset.check_size()
                assets |= dict.fromkeys(voices, asset)
        except ConfigError as fault:
            faults |= dict.fromkeys(voices, fault)
    return VoicesThere(assets, faults)


def choose(voice: str, there: Iterable[str], *, mandarin: bool) -> Cast:
    """Return who speaks what.

    Args:
        voice: A voice, or ``auto``.
        there: The voices on this machine.
        mandarin: Whether the dictionaries for Chinese are installed.

    Raises:
        ConfigError: There is no such voice here, or none at all.
    """
    found = tuple(there)
    missing = "" if mandarin else f"for Chinese, add its dictionaries: {to_add('mandarin')}"
    if voice == "auto":
        english = _first((*ENGLISH, *(name for name in found if name[0] in "ab"), *JAPANESE, *found), found)
        chinese = _first((*CHINESE, *(name for name in found if name[0] == "z"), *JAPANESE), found)
        if english is None:
            raise ConfigError(OPTION, f"there is no voice on this machine: {to_add('speech')}")
        if chinese is None and not missing:
            missing = f"for Chinese, fetch a voice: `voxint models pull {PREFIX}{CHINESE[0]}`"
        return Cast(english, None if missing else chinese, missing)
    if voice not in found:
        raise ConfigError(OPTION, _not_there(voice, found))
    if voice[0] == "z" and missing:
        raise ConfigError(OPTION, f"this voice is {missing}")
    return Cast(voice, None if missing else voice, missing)


def language_of(voice: str) -> Language:
    """Return the language that a voice is for, of those that are spoken here: of Japanese ones it is English."""
    return "zh" if voice.startswith("z") else "en"


def _not_there(voice: str, found: Sequence[str]) -> str:
    """Return that a voice is none, or is not on this machine, and what to do about that."""
    known = f"here are auto, {', '.join(found)}" if found else "there is none on this machine"
    fetched = [name.removeprefix(PREFIX) for name in names("kokoro-voices")]
    if voice in fetched:
        return f"it is not on this machine: `voxint models pull {PREFIX}{voice}` fetches it; {known}"
    if voice in JAPANESE:
        return f"it is not on this machine: {to_add('speech')} brings it; {known}"
    close = get_close_matches(voice, (*found, *fetched), n=1)
    meant = f", did you mean {close[0]}?" if close else ":"
    return f"there is no such voice{meant} {known}; `voxint models` lists all"


def has_mandarin() -> bool:
    """Return whether all that Chinese needs is installed; nothing is imported."""
    return all(find_spec(package) is not None for package in MANDARIN_PACKAGES)


def british_folder() -> str:
    """Return the folder with the British dictionaries; empty where they are not installed."""
    spec = find_spec("misaki")
    folders = spec.submodule_search_locations if spec is not None else None
    folder = Path(next(iter(folders)), "data") if folders else None
    return str(folder) if folder is not None and (folder / "gb_gold.json").is_file() else ""


def _first(wanted: Iterable[str], there: tuple[str, ...]) -> str | None:
    return next((name for name in wanted if name in there), None)
