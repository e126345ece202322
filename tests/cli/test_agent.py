from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from voxint.cli.agent import open_agent
from voxint.core.agent import Limits
from voxint.errors import VoxintError
from voxint.net.http import HttpClient
from voxint.server.config_file import Config, load_config

STAGES = """
from voxint.net.http import HttpClient
from voxint.core.audio import AudioFormat

log = []

class Model:
    def __init__(self, name: str, *, size: int = 1, tags: list[str] | None = None, http: HttpClient) -> None:
        self.name, self.size, self.tags, self.http = name, size, tags, http

    async def generate(self, turn, out): ...

class Voice:
    audio_format = AudioFormat(16_000)

    async def synthesize(self, text, out): ...

    async def __aenter__(self):
        log.append("entered")
        return self

    async def __aexit__(self, *error):
        log.append("left")

class Late(Voice):
    audio_format = None

    async def __aenter__(self):
        self.audio_format = AudioFormat(22_050)

class Never(Voice):
    audio_format = None

def any_options(**options):
    return Model(str(options), http=None)

class Ears(Voice):
    async def transcribe(self, audio, out): ...

class Deaf: ...

class Detector:
    audio_format = AudioFormat(16_000)
    window_samples = 512

    def open(self): ...

class Turns(Voice):
    async def complete(self, pcm): ...

ears = 3
key = "persimmon"
inst = Deaf()
voice = Voice()
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counter: itertools.count[int]) -> Callable[..., Config]:
    """Load a configuration whose providers `{here}:...` are those above, in the working directory."""
    name = f"local_stages_{next(counter)}"
    (tmp_path / f"{name}.py").write_text(STAGES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def loaded(text: str, **environ: str) -> Config:
        Path("voxint.toml").write_text(text.replace("{here}", name))
        return load_config(Path("voxint.toml"), {key: value.replace("{here}", name) for key, value in environ.items()})

    return loaded


@pytest.fixture(scope="module")
def counter() -> itertools.count[int]:
    """Numbers for modules, which Python imports once by name."""
    return itertools.count()


async def failure(config: Config) -> str:
    """Return what is wrong with a configuration."""
    try:
        async with open_agent(config):
            raise AssertionError("nothing is wrong")
    except* VoxintError as group:
        errors: list[Any] = list(group.exceptions)
        while isinstance(errors[0], BaseExceptionGroup):
            errors = list(errors[0].exceptions)
        words = str(errors[0])
    return words


async def test_a_local_provider_gets_its_options_and_the_http_client(load: Callable[..., Config]) -> None:
    """As keyword arguments; `http` where its signature has it. The rest of the agent is the configuration's."""
    config = load(
        '[llm]\nprovider = "{here}:Model"\nname = "m"\nsize = 3\n'
        '[agent]\nprompt = "p"\nlanguage_prompt = ""\n[limits]\nlead_ms = 100'
    )
    async with open_agent(config) as agent:
        model: Any = agent.llm
        assert (model.name, model.size) == ("m", 3)
        assert isinstance(model.http, HttpClient)
        assert (agent.prompt, agent.limits, agent.stt, agent.tts) == ("p", Limits(lead_ms=100.0), None, None)
        assert agent.language_prompt == ""


async def test_detectors_and_rules_of_the_ears_are_the_agents(load: Callable[..., Config]) -> None:
    """Entered as a stage is, judged in its words, and none where the configuration says so."""
    stages = '[llm]\nprovider = "{here}:any_options"\n[stt]\nprovider = "{here}:Ears"\n'
    config = load(
        stages + '[vad]\nprovider = "{here}:Detector"\n[turns]\nprovider = "{here}:Turns"\n'
        "[ears.barge_in]\nonset_ms = 96"
    )
    async with open_agent(config) as agent:
        assert type(agent.vad).__name__ == "Detector"
        assert type(agent.turns).__name__ == "Turns"
        assert agent.ears.barge_in.onset_ms == 96
        assert sys.modules[config.parts[0].provider.partition(":")[0]].log == ["entered", "entered"]
    async with open_agent(load(stages + '[vad]\nprovider = "none"')) as agent:
        assert agent.vad is None
    assert "[vad] provider: local_stages_" in (told := await failure(load(stages + '[vad]\nprovider = "{here}:Turns"')))
    assert told.endswith("Turns has no method `open`: it is a synthesizer; give it as tts=...")


async def test_text_of_the_environment_becomes_what_the_parameter_wants(load: Callable[..., Config]) -> None:
    """A number that is a name stays text; a number and a list are read as TOML."""
    environ = {"VOXINT_LLM_NAME": "007", "VOXINT_LLM_SIZE": "7", "VOXINT_LLM_TAGS": '["a"]'}
    async with open_agent(load('[llm]\nprovider = "{here}:Model"', **environ)) as agent:
        model: Any = agent.llm
        assert (model.name, model.size, model.tags) == ("007", 7, ["a"])
    bad = await failure(load('[llm]\nprovider = "{here}:Model"\nname = "m"', VOXINT_LLM_SIZE="many"))
    assert bad.startswith("environment VOXINT_LLM_SIZE: write a value as it would stand in TOML")


async def test_a_provider_that_is_a_context_manager_is_entered_and_left(load: Callable[..., Config]) -> None:
    """Around the agent's life."""
    config = load('[llm]\nprovider = "{here}:Model"\nname = "m"\n[tts]\nprovider = "{here}:Voice"')
    async with open_agent(config) as agent:
        log = sys.modules[type(agent.tts).__module__].log
        assert log == ["entered"]
    assert log == ["entered", "left"]


async def test_a_provider_is_judged_when_it_has_been_entered(load: Callable[..., Config]) -> None:
    """A voice may know its format only then; one that never does is told of, and left."""
    config = load('[llm]\nprovider = "{here}:Model"\nname = "m"\n[tts]\nprovider = "{here}:Late"')
    async with open_agent(config) as agent:
        assert agent.tts is not None
        assert agent.tts.audio_format.rate == 22_050
    config = load('[llm]\nprovider = "{here}:Model"\nname = "m"\n[tts]\nprovider = "{here}:Never"')
    told = await failure(config)
    assert "makes no such provider: Never has None as its `audio_format`" in told
    assert sys.modules[config.llm.provider.partition(":")[0]].log == ["left", "entered", "left"]


async def test_a_factory_that_takes_anything_gets_anything(load: Callable[..., Config]) -> None:
    """Its own errors are its own."""
    async with open_agent(load('[llm]\nprovider = "{here}:any_options"\nfoo = 1')) as agent:
        model: Any = agent.llm
        assert model.name == "{'foo': 1}"


@pytest.mark.parametrize(("text", "message"), [
    ('provider = "{here}:Model"\nnmae = "m"',
     "voxint.toml: [llm] nmae: local_stages_N:Model has no option of this name; did you mean name?"),
    ('provider = "{here}:Model"\nname = "m"\nhttp = 1',
     "voxint.toml: [llm] http: local_stages_N:Model has no option of this name; known here are: name, size, tags"),
    ('provider = "{here}:Model"', "[llm] provider: local_stages_N:Model needs more to be said: add name to [llm]"),
    ('provider = "{here}:Deaf"', "[llm] provider: local_stages_N:Deaf makes no such provider: Deaf has no"),
    ('provider = "{here}:Earz"', "the module local_stages_N has no class or function Earz; did you mean Ears?"),
    ('provider = "{here}:ears"', "[llm] provider: local_stages_N.ears is an int, and no class or function; known here"),
    ('provider = "{here}:key"', "local_stages_N.key is a str, and no class or function; known here are: AudioFormat, "),
    ('provider = "{here}:inst"', "local_stages_N.inst is a Deaf, and no class or function; known here are: "),
    ('provider = "{here}:voice"', "local_stages_N.voice is an instance: name its class, as in local_stages_N:Voice"),
    ('provider = "{here}:none"', "the module local_stages_N has no class or function none; known here are: "),
    ('provider = "{here}:"', "[llm] provider: write the name of a class or function of local_stages_N behind the "),
    ('provider = "no_such_module:x"', "[llm] provider: no module no_such_module is found here: is it installed"),
    ('provider = "opnai_chat"', "[llm] provider: there is no provider of this name here; did you mean openai_chat? Or"),
    ('provider = "gpt"', "is no provider of this name here; known here are: openai_chat. Or write module:attribute"),
    ('provider = "openai_chat"\nbase_url = "nonsense"\nmodel = "m"', "[llm] openai_chat option base_url: write an "),
])  # fmt: skip
async def test_a_provider_that_cannot_be_made_is_told_with_its_place(
    load: Callable[..., Config], text: str, message: str
) -> None:
    """The file's own place for what stands there; the provider's for what it found itself."""
    config = load(f"[llm]\n{text}")
    name = config.llm.provider.partition(":")[0]
    assert message in (await failure(config)).replace(name if name.startswith("local") else "\0", "local_stages_N")


async def test_where_a_module_was_looked_for_is_told(load: Callable[..., Config], tmp_path: Path) -> None:
    """It depends on where the process was started."""
    words = await failure(load('[llm]\nprovider = "no_such_module:x"'))
    assert words.endswith(f"is it installed, or in the directory that you are in, {tmp_path}?")


async def test_a_built_in_provider_without_its_packages_says_what_to_install(
    load: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its import needs is the extra's."""

    def lacking(self: EntryPoint) -> None:
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr(EntryPoint, "load", lacking)
    words = await failure(load('[llm]\nprovider = "openai_chat"'))
    assert "[llm] provider: openai_chat needs the package numpy: pip install " in words
    assert "[speech]" in words


async def test_the_built_in_providers_are_found_by_name(load: Callable[..., Config]) -> None:
    """By their entry points, as a third party's would be."""
    config = load('[llm]\nprovider = "openai_chat"\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "m"')
    async with open_agent(config) as agent:
        assert type(agent.llm).__name__ == "OpenAIChat"


async def test_all_are_made_before_the_first_is_entered(load: Callable[..., Config]) -> None:
    """A word that is wrong is told before a model is loaded for seconds."""
    config = load(
        '[llm]\nprovider = "{here}:Model"\nname = "m"\n[stt]\nprovider = "{here}:Ears"\n[tts]\nprovider = "espaek"'
    )
    assert "did you mean espeak?" in await failure(config)
    assert sys.modules[config.llm.provider.partition(":")[0]].log == []


async def test_a_failure_leaves_what_was_entered_beside_it(load: Callable[..., Config]) -> None:
    """One that is no synthesizer, as it turns out, is left, and so is the other."""
    config = load(
        '[llm]\nprovider = "{here}:Model"\nname = "m"\n[stt]\nprovider = "{here}:Ears"\n'
        '[tts]\nprovider = "{here}:Never"'
    )
    assert "makes no such provider" in await failure(config)
    log = sys.modules[config.llm.provider.partition(":")[0]].log
    assert log.count("entered") == log.count("left") >= 1
