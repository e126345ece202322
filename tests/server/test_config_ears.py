"""The ears in a configuration: sections within a section, by the classes' own fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pytest

from voxint.core.ears.rules import EarRules
from voxint.core.voice_activity import VoiceCuts
from voxint.errors import ConfigError
from voxint.server.config_file import Config, load_config
from voxint.server.config_values import EXPECTED, SECTIONS

LLM = '[llm]\nprovider = "openai_chat"\n[stt]\nprovider = "moonshine"\n'

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a file of that text, called voxint.toml, with an environment and flags."""
    monkeypatch.chdir(tmp_path)

    def loaded(text: str, environ: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None) -> Config:
        path = Path("voxint.toml")
        path.write_text(LLM + text, encoding="utf-8")
        return load_config(path, environ or {}, flags)

    return loaded


def test_nothing_said_is_the_default(load: Load) -> None:
    """Of every part."""
    config = load("")
    assert config.ears == EarRules()
    assert (config.vad, config.turns) == (None, None)


def test_each_part_has_its_section(load: Load) -> None:
    """A section within `[ears]`, beside keys of `[ears]` itself; the detectors are providers with options."""
    config = load("""
        [vad]
        provider = "silero"
        [turns]
        provider = "my_turns:Turns"
        threads = 2
        [ears]
        recovery = "Yes?"
        [ears.cuts]
        on = 0.6
        off = 0.4
        [ears.barge_in]
        onset_ms = 96
        [ears.endpointing]
        least_ms = 310
        [ears.echo]
        guard = false
    """)
    assert config.vad is not None
    assert config.turns is not None
    assert (config.vad.provider, config.turns.options["threads"].value) == ("silero", 2)
    assert config.ears.recovery == "Yes?"
    assert config.ears.cuts == VoiceCuts(on=0.6, off=0.4)
    assert config.ears.barge_in.onset_ms == 96.0
    assert config.ears.endpointing.least_ms == 310.0
    assert not config.ears.echo.guard
    assert [part.kind for part in config.parts] == ["llm", "stt", "vad", "turns"]


def test_the_environment_and_flags_are_stronger(load: Load) -> None:
    """By the same names: a part of a section stands in the middle."""
    environ = {"VOXINT_EARS_BARGE_IN_ONSET_MS": "70", "VOXINT_EARS_ECHO_GUARD": "false", "VOXINT_EARS_RECOVERY": "Yes?"}
    text = "[ears.barge_in]\nonset_ms = 96\n[vad]\nprovider = 'silero'"
    config = load(text, environ | {"VOXINT_VAD_PROVIDER": "none"}, {"ears.endpointing.least_ms": "320"})
    assert config.ears.barge_in.onset_ms == 70.0
    assert not config.ears.echo.guard
    assert config.ears.recovery == "Yes?"
    assert config.ears.endpointing.least_ms == 320.0
    assert [part.kind for part in config.parts] == ["llm", "stt"]
    assert load(text, {}, {"ears.recovery": "Yes?", "ears.cuts.on": "0.7"}).ears.cuts.on == 0.7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[ears.barge_in]\nonset = 1",
            "[ears.barge_in] onset: this section has no key of this name; did you mean onset_ms?",
        ),
        (
            "[ears.barge_inn]\nonset_ms = 1",
            "[ears] barge_inn: this section has no key of this name; did you mean barge_in?",
        ),
        (
            "[ears]\nonset_ms = 1",
            "[ears] onset_ms: this section has no key of this name; it belongs in [ears.barge_in]",
        ),
        ("[ears]\nbarge_in = 1", "ears.barge_in: this is a section: write it as [ears.barge_in], with its keys below"),
        ("[ears.barge_in]\nonset_ms = 5000", "[ears.barge_in] onset_ms: it must be at most 2000, not 5000.0"),
        ("[ears.barge_in]\nonset_ms = '5'", "[ears.barge_in] onset_ms: write a number"),
        ("[ears.cuts]\noff = 0.6", "[ears.cuts] off: it must be at most on (0.5), not 0.6"),
        ("[ears.cuts]\non = 0.2", "[ears.cuts] on: off must be at most on (0.2), not 0.35"),
        ("[vda]\nprovider = 'silero'", "[vda]: there is no section of this name; did you mean vad?"),
        ("[vad]\nthreads = 1", "[vad] threads: this is of no use without a provider: name one as [vad] provider"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, message: str, load: Load) -> None:
    """As of any other section; where two values don't go together, at the one that was set."""
    with pytest.raises(ConfigError) as raised:
        load(text)
    assert str(raised.value).startswith(f"voxint.toml: {message}")


@pytest.mark.parametrize("section", ["vad", "turns"])
def test_a_detector_without_a_recogniser_is_of_no_use(section: str, tmp_path: Path) -> None:
    """And nobody would be told of that later."""
    file = tmp_path / "voxint.toml"
    file.write_text(f'[llm]\nprovider = "openai_chat"\n[{section}]\nprovider = "silero"')
    with pytest.raises(ConfigError, match=rf"\[{section}\] provider: this is of no use without a recogniser: name one"):
        load_config(file, {})


def test_a_mistake_in_a_variable_or_flag(load: Load) -> None:
    """A near miss is told with what was meant, a flag with its sections."""
    with pytest.raises(ConfigError, match="did you mean VOXINT_EARS_BARGE_IN_ONSET_MS"):
        load("", {"VOXINT_EARS_BARGE_IN_ONSET": "70"})
    with pytest.raises(ConfigError, match=r"--set ears\.barge_in\.onset: .* did you mean onset_ms"):
        load("", {}, {"ears.barge_in.onset": "70"})


def test_every_field_of_the_rules_can_be_set() -> None:
    """Each has a type that a configuration knows, and a name for its variable that no other has."""
    names = [
        f"{section}.{key}".replace(".", "_")
        for section, keys in SECTIONS.items()
        if section != "server"
        for key in keys
    ]
    assert len(names) == len(set(names))
    for section, keys in SECTIONS.items():
        assert {key: kind for key, kind in keys.items() if kind not in EXPECTED} == {}, section
    parts = [each.name for each in attrs.fields(EarRules) if attrs.has(type(getattr(EarRules(), each.name)))]
    assert {f"ears.{name}" for name in parts} == {name for name in SECTIONS if name.startswith("ears.")}


@pytest.mark.parametrize("name", ["reference/configuration.md", "explanation/barge-in.md"])
def test_every_setting_stands_on_the_page_with_its_default(name: str) -> None:
    """A table below the heading of each part, a row for each key, and none that is no key."""
    page = (Path(__file__).parents[2] / "docs" / name).read_text(encoding="utf-8")
    below = dict(re.findall(r"^#+ \[(ears[\w.]*)\]\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL))
    for section in SECTIONS:
        if section.partition(".")[0] != "ears":
            continue
        rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+?)`? \|", below[section], re.MULTILINE))
        part = EarRules() if section == "ears" else getattr(EarRules(), section.removeprefix("ears."))
        assert rows.keys() <= SECTIONS[section].keys()
        for key in SECTIONS[section]:
            default = getattr(part, key)
            shown = f"{default:g}" if isinstance(default, float) else str(default).lower() if default != "" else "empty"
            assert key in rows, f"{section} {key} has no row"
            assert rows[key] == shown or isinstance(default, tuple), f"{section} {key}: {rows[key]} is not {shown}"
