"""What an operator set, as one frozen value: a TOML file, the environment, flags; the later the stronger."""

from __future__ import annotations

import codecs
import difflib
import re
import tomllib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from voxint.core.agent import LANGUAGE_PROMPT, Limits
from voxint.core.discreet import size_of
from voxint.core.ears.rules import EarRules
from voxint.core.shape import PARTS, Part
from voxint.errors import ConfigError
from voxint.server.config import ServerConfig
from voxint.server.config_values import SECTIONS, Given, Section, Sections, converted, ears, made
from voxint.server.injected import injected
from voxint.server.quotas import Quotas

__all__ = ["NONE", "Config", "StageConfig", "did_you_mean", "load_config", "load_server_config", "shown_flag"]

PREFIX = "VOXINT_"

OTHERS = frozenset({"VOXINT_API_KEY", "VOXINT_ASSETS", "VOXINT_URL", "VOXINT_LOG_LEVEL", "VOXINT_LOG_FORMAT"})
"""Variables of the same prefix that are read elsewhere: by the client and by the command line."""


@frozen
class StageConfig:
    """Which provider does a stage or is a detector, and its options, not yet looked at.

    Args:
        kind: ``llm``, ``stt``, ``tts``, ``vad`` or ``turns``.
        provider: A name of the entry point group, or ``module:attribute``.
        place: Where the provider was named.
        options: By name.
    """

    kind: Part
    provider: str
    place: str
    options: Mapping[str, Given] = field(factory=dict)


@frozen(kw_only=True)
class Config:
    """A server's whole configuration.

    Args:
        quotas: What callers may have.
        server: The port, the keys, the connections.
        limits: The bounds of a request.
        prompt: The operator's system prompt.
        language_prompt: What the model is told where a session has chosen a language.
        llm: Who writes.
        stt: Who understands; without, a voice request is refused.
        tts: Who speaks; without, answers are text.
        vad: Who hears when somebody speaks; without, a microphone can't be always open.
        turns: Who hears whether a turn is complete.
        ears: How a microphone that is always open is heard.
    """

    llm: StageConfig
    stt: StageConfig | None = None
    tts: StageConfig | None = None
    vad: StageConfig | None = None
    turns: StageConfig | None = None
    ears: EarRules = EarRules()
    prompt: str = field(default="", repr=size_of)
    language_prompt: str = field(default=LANGUAGE_PROMPT, repr=size_of)
    server: ServerConfig = ServerConfig()
    limits: Limits = Limits()
    quotas: Quotas = Quotas()

    @property
    def parts(self) -> tuple[StageConfig, ...]:
        """The providers that there are, in the order of `core.shape.PARTS`."""
        parts = (self.llm, self.stt, self.tts, self.vad, self.turns)
        return tuple(part for part in parts if part is not None and part.provider != NONE)


NONE = "none"
"""In the place of a provider: nobody, also where there would be one without a word."""


def load_config(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a server.

    Args:
        path: A TOML file, or None.
        environ: Environment variables: ``VOXINT_PORT`` for a key of ``[server]``, ``VOXINT_LIMITS_LEAD_MS``,
            ``VOXINT_LLM_MODEL`` and so on for the other sections. Empty ones count as unset.
        flags: Values by ``section.key``; the strongest.

    Raises:
        ConfigError: The file can't be read, a key is unknown, or a value is not what is expected there.
    """
    sections = _sections(path, environ, flags)
    llm, stt, tts, vad, turns = (_part(kind, sections[kind]) for kind in PARTS)
    if llm is None:
        raise ConfigError(
            str(path) if path else "configuration",
            'it names no language model: write [llm] provider = "openai_chat"; or try `voxint demo`, which brings one',
        )
    if stt is None and (alone := vad or turns) is not None:
        raise ConfigError(alone.place, "this is of no use without a recogniser: name one as [stt] provider")
    return Config(
        server=_server(sections),
        limits=made("limits", Limits, sections["limits"]),
        quotas=made("quotas", Quotas, sections["quotas"]),
        ears=ears(sections),
        prompt=_words(sections["agent"], "prompt", ""),
        language_prompt=_words(sections["agent"], "language_prompt", LANGUAGE_PROMPT),
        llm=llm,
        stt=stt,
        tts=tts,
        vad=vad,
        turns=turns,
    )


def load_server_config(
    path: Path | None, environ: Mapping[str, str], flags: Mapping[str, str] | None = None
) -> ServerConfig:
    """Return what a configuration says of the server alone: no model is needed. Otherwise as `load_config`."""
    return _server(_sections(path, environ, flags))


FILES = ("keys_file", "tls_cert", "tls_key")
"""The keys of `[server]` that name a file."""


def _server(sections: Sections) -> ServerConfig:
    """Return the server's part. Its files are found from the directory that this process is in, and told whole."""
    server = made("server", ServerConfig, sections["server"])
    files: dict[str, typing.Any] = {key: str(Path(path).absolute()) for key in FILES if (path := getattr(server, key))}
    return evolve(server, **files)


def _sections(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, str] | None) -> Sections:
    sections: Sections = {name: {} for name in (*SECTIONS, *PARTS)}
    for layer in (_file(path) if path else [], _environment(environ), _flags(flags or {})):
        for section, key, given in layer:
            sections[section][key] = given
    return sections


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the last sentence of an error message about an unknown word."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here are: {', '.join(known) or 'none'}"


Layer = list[tuple[str, str, Given]]


def _file(path: Path) -> Layer:
    try:
        data = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise _toml_fault(path, str(error)) from None  # the traceback would show the file's text
    found: Layer = []
    for section, table in data.items():
        if section not in (*SECTIONS, *PARTS):
            _refuse_section(path, section, table)
        if not isinstance(table, dict):
            raise _no_section(path, section)
        found += _table(path, section, table)
    return found


def _table(path: Path, section: str, table: Mapping[str, object]) -> Layer:
    """Read a section, and those within it."""
    found: Layer = []
    for key, value in table.items():
        within = f"{section}.{key}"
        if within in SECTIONS:
            if not isinstance(value, dict):
                raise _no_section(path, within)
            found += _table(path, within, value)
            continue
        place = f"{path}: [{section}] {key}"
        _check_key(place, section, key)
        found.append((section, key, Given(value, place, typed=True)))
    return found


def _no_section(path: Path, section: str) -> ConfigError:
    return ConfigError(f"{path}: {section}", f"this is a section: write it as [{section}], with its keys below")


def _toml_fault(path: Path, words: str) -> ConfigError:
    """Return where a file is no TOML, and what to do about the faults that many make."""
    fault, _, place = words.rstrip(")").rpartition(" (at ")
    line = re.fullmatch(r"line (\d+), column \d+", place)
    where = f"{path}:{line[1]}" if line else str(path)
    hint = next((hint for known, hint in _TOML_HINTS.items() if (fault or words).startswith(known)), "")
    return ConfigError(where, f"this is no TOML ({fault or words})" + (f": {hint}" if hint else ""))


_TOML_HINTS = {
    "Invalid value": 'write text in quotation marks, as in key = "text"',
    "Expected '='": "write each line as key = value, or as a [section]",
    "Expected ']'": "close the name of a section by ]",
    "Invalid statement": "write each line as key = value, or as a [section]",
    "Expected newline": "write one key = value in a line",
    "Cannot overwrite": "the key stands above already; keep one of them",
    "Cannot declare": "the section stands above already; keep its keys together",
    "Illegal character": "close each text with a quotation mark in its line",
    "Unterminated": "close each text with a quotation mark",
}


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"the file can't be read ({error.strerror}): is its name right?"
        raise ConfigError(str(path.absolute()), message) from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise ConfigError(str(path), "this file looks like UTF-16: save it in UTF-8")
    try:
        return content.decode("utf-8-sig")  # an editor of Windows may put a mark in front
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "this file is not in UTF-8: save it in that encoding") from error


def _refuse_section(path: Path, section: str, table: object) -> typing.NoReturn:
    homes = [f"[{name}]" for name, keys in SECTIONS.items() if section in keys]
    if homes and not isinstance(table, dict):
        raise ConfigError(f"{path}: {section}", f"this stands before any section, and belongs in {homes[0]}")
    raise ConfigError(
        f"{path}: [{section}]", f"there is no section of this name; {did_you_mean(section, (*SECTIONS, *PARTS))}"
    )


def _check_key(place: str, section: str, key: str) -> None:
    if section in PARTS or key in SECTIONS[section]:
        return
    homes = [f"[{name}]" for name, keys in SECTIONS.items() if key in keys]
    within = [name.removeprefix(f"{section}.") for name in SECTIONS if name.startswith(f"{section}.")]
    hint = f"it belongs in {' or '.join(homes)}" if homes else did_you_mean(key, [*SECTIONS[section], *within])
    raise ConfigError(place, f"this section has no key of this name; {hint}")


def _environment(environ: Mapping[str, str]) -> Layer:
    """Read what bears the prefix. A near miss is an error; what resembles nothing may be somebody else's."""
    names = {_variable(section, key): (section, key) for section, keys in SECTIONS.items() for key in keys}
    providers = {f"{PREFIX}{kind.upper()}_PROVIDER" for kind in PARTS}
    strangers = OTHERS | injected(environ)
    found: Layer = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or not text or name in strangers:
            continue
        kind, _, option = name.removeprefix(PREFIX).lower().partition("_")
        if name in names:
            section, key = names[name]
        elif kind in PARTS and option:
            section, key = kind, option
        elif close := difflib.get_close_matches(name, [*names, *providers, *OTHERS], n=1, cutoff=0.85):
            raise ConfigError(f"environment {name}", f"there is no variable of this name; did you mean {close[0]}?")
        else:
            continue
        found.append((section, key, Given(text, f"environment {name}", typed=False)))
    return found


def _variable(section: str, key: str) -> str:
    return PREFIX + (key if section == "server" else f"{section.replace('.', '_')}_{key}").upper()


def _flags(flags: Mapping[str, str]) -> Layer:
    found: Layer = []
    for name, text in flags.items():
        section, dot, key = name.rpartition(".")
        if section not in SECTIONS:
            section, dot, key = name.partition(".")
        if not dot or section not in (*SECTIONS, *PARTS):
            known = f"one of {', '.join((*SECTIONS, *PARTS))}"
            raise ConfigError(shown_flag(name), f"write it as section.key=value, where the section is {known}")
        _check_key(f"--set {name}", section, key)
        found.append((section, key, Given(text, f"--set {name}", typed=False)))
    return found


def shown_flag(name: str) -> str:
    """Return how an error names a --set that can't be read: what stands before a missing `=` may be the value."""
    return f"--set {name}" if re.fullmatch(r"[a-z_]{1,40}(\.[a-z_]{1,40}){0,2}", name) else "--set"


def _part(kind: Part, section: Section) -> StageConfig | None:
    if not section:
        return None
    options = dict(section)
    provider = options.pop("provider", None)
    if provider is None:
        first = next(iter(options.values()))
        raise ConfigError(first.place, f"this is of no use without a provider: name one as [{kind}] provider")
    if not isinstance(provider.value, str) or not provider.value:
        raise ConfigError(provider.place, "write a provider's name, or module:attribute, as a string")
    return StageConfig(kind, provider.value, provider.place, options)


def _words(section: Section, key: str, default: str) -> str:
    return str(converted("agent", key, section[key])) if key in section else default
