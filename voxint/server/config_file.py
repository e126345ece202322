"""What an operator set, as one frozen value: a TOML file, the environment, flags; the later the stronger."""

from __future__ import annotations

import codecs
import difflib
import math
import re
import tomllib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
from attrs import field, frozen

from voxint.core.agent import Limits
from voxint.core.discreet import size_of
from voxint.core.failure import Stage
from voxint.errors import ConfigError
from voxint.server.config import ServerConfig
from voxint.server.injected import injected
from voxint.server.quotas import Quotas

__all__ = ["Config", "Given", "StageConfig", "did_you_mean", "load_config", "load_server_config", "shown_flag"]

STAGES: tuple[Stage, ...] = ("llm", "stt", "tts")

PREFIX = "VOXINT_"

OTHERS = frozenset({"VOXINT_API_KEY", "VOXINT_ASSETS", "VOXINT_URL", "VOXINT_LOG_LEVEL", "VOXINT_LOG_FORMAT"})
"""Variables of the same prefix that are read elsewhere: by the client and by the command line."""


@frozen
class Given:
    """One value as the operator gave it.

    Args:
        value: As it stands there; may be a secret.
        place: Where it stands.
        typed: Whether it has a type of its own (TOML), or is text to be understood (environment, flags).
    """

    value: object = field(repr=False)
    place: str
    typed: bool


Section = dict[str, Given]
Sections = dict[str, Section]


@frozen
class StageConfig:
    """Which provider does a stage, and its options, not yet looked at.

    Args:
        kind: ``llm``, ``stt`` or ``tts``.
        provider: A name of the entry point group, or ``module:attribute``.
        place: Where the provider was named.
        options: By name.
    """

    kind: Stage
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
        llm: Who writes.
        stt: Who understands; without, a voice request is refused.
        tts: Who speaks; without, answers are text.
    """

    llm: StageConfig
    stt: StageConfig | None = None
    tts: StageConfig | None = None
    prompt: str = field(default="", repr=size_of)
    server: ServerConfig = ServerConfig()
    limits: Limits = Limits()
    quotas: Quotas = Quotas()


SECTIONS: Mapping[str, Mapping[str, object]] = {
    "server": typing.get_type_hints(ServerConfig),
    "limits": typing.get_type_hints(Limits),
    "quotas": typing.get_type_hints(Quotas),
    "agent": {"prompt": str},
}
"""The keys of each section but the stages', whose keys are their provider's, and the type of each."""


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
    llm, stt, tts = (_stage(kind, sections[kind]) for kind in STAGES)
    if llm is None:
        raise ConfigError(
            str(path) if path else "configuration",
            'it names no language model: write [llm] provider = "openai_chat"; or try `voxint demo`, which brings one',
        )
    return Config(
        server=_server(sections),
        limits=Limits(**_values("limits", Limits, sections["limits"])),
        quotas=Quotas(**_values("quotas", Quotas, sections["quotas"])),
        prompt=_prompt(sections["agent"]),
        llm=llm,
        stt=stt,
        tts=tts,
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
    values = _values("server", ServerConfig, sections["server"])
    return ServerConfig(**values | {key: str(Path(values[key]).absolute()) for key in FILES if values.get(key)})


def _sections(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, str] | None) -> Sections:
    sections: Sections = {name: {} for name in (*SECTIONS, *STAGES)}
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
        if section not in (*SECTIONS, *STAGES):
            _refuse_section(path, section, table)
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {section}", f"this is a section: write it as [{section}], with its keys below")
        for key, value in table.items():
            place = f"{path}: [{section}] {key}"
            _check_key(place, section, key)
            found.append((section, key, Given(value, place, typed=True)))
    return found


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
        f"{path}: [{section}]", f"there is no section of this name; {did_you_mean(section, (*SECTIONS, *STAGES))}"
    )


def _check_key(place: str, section: str, key: str) -> None:
    if section in STAGES or key in SECTIONS[section]:
        return
    homes = [name for name, keys in SECTIONS.items() if key in keys]
    hint = f"it belongs in [{homes[0]}]" if homes else did_you_mean(key, SECTIONS[section])
    raise ConfigError(place, f"this section has no key of this name; {hint}")


def _environment(environ: Mapping[str, str]) -> Layer:
    """Read what bears the prefix. A near miss is an error; what resembles nothing may be somebody else's."""
    names = {_variable(section, key): (section, key) for section, keys in SECTIONS.items() for key in keys}
    providers = {f"{PREFIX}{kind.upper()}_PROVIDER" for kind in STAGES}
    strangers = OTHERS | injected(environ)
    found: Layer = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or not text or name in strangers:
            continue
        kind, _, option = name.removeprefix(PREFIX).lower().partition("_")
        if name in names:
            section, key = names[name]
        elif kind in STAGES and option:
            section, key = kind, option
        elif close := difflib.get_close_matches(name, [*names, *providers, *OTHERS], n=1, cutoff=0.85):
            raise ConfigError(f"environment {name}", f"there is no variable of this name; did you mean {close[0]}?")
        else:
            continue
        found.append((section, key, Given(text, f"environment {name}", typed=False)))
    return found


def _variable(section: str, key: str) -> str:
    return PREFIX + (key if section == "server" else f"{section}_{key}").upper()


def _flags(flags: Mapping[str, str]) -> Layer:
    found: Layer = []
    for name, text in flags.items():
        section, dot, key = name.partition(".")
        if not dot or section not in (*SECTIONS, *STAGES):
            known = f"one of {', '.join((*SECTIONS, *STAGES))}"
            raise ConfigError(shown_flag(name), f"write it as section.key=value, where the section is {known}")
        _check_key(f"--set {name}", section, key)
        found.append((section, key, Given(text, f"--set {name}", typed=False)))
    return found


def shown_flag(name: str) -> str:
    """Return how an error names a --set that can't be read: what stands before a missing `=` may be the value."""
    return f"--set {name}" if re.fullmatch(r"[a-z_]{1,40}(\.[a-z_]{1,40})?", name) else "--set"


def _stage(kind: Stage, section: Section) -> StageConfig | None:
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


def _prompt(section: Section) -> str:
    return str(_converted("agent", "prompt", section["prompt"])) if "prompt" in section else ""


def _values(section: str, made: type[attrs.AttrsInstance], given: Section) -> dict[str, typing.Any]:
    """Return the values for the class `made`, each of its type and found good by the class's own validator."""
    values: dict[str, typing.Any] = {}
    for attribute in attrs.fields(made):
        if (entry := given.get(attribute.name)) is None:
            continue
        value = _converted(section, attribute.name, entry)
        if attribute.validator is not None:
            try:
                attribute.validator(None, attribute, value)
            except ValueError as error:
                raise ConfigError(entry.place, f"it{str(error).removeprefix(attribute.name)}") from None
        values[attribute.name] = value
    return values


def _converted(section: str, key: str, given: Given) -> object:
    """Return the value as the type of its key; secrets stand in no error, so no value does."""
    kind = SECTIONS[section][key]
    value = given.value if given.typed else _understood(kind, str(given.value))
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is str and isinstance(value, str):
        return value
    if kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if kind == Mapping[str, str] and isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return value
    raise ConfigError(given.place, f"write {_EXPECTED[kind]}")


_EXPECTED: Mapping[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple[str, ...]: 'a list of strings, such as ["one", "two"]',
    Mapping[str, str]: "a table of strings, in the file only: a section such as [server.accounts]",
}


def _understood(kind: object, text: str) -> object:
    """Return what a text of the environment or of a flag means where `kind` is wanted; the text where it means none."""
    try:
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except ValueError:
        return text
    if kind is bool:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if kind == tuple[str, ...]:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
