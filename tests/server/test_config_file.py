from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pytest

from tests.credentials import cheap_hash
from voxint.core.agent import Limits
from voxint.errors import ConfigError
from voxint.server.config import ServerConfig
from voxint.server.config_file import Config, did_you_mean, load_config
from voxint.server.quotas import Quotas

LLM = '[llm]\nprovider = "openai_chat"\n'

HASH = cheap_hash("secret")

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a file of that text, called voxint.toml, with an environment and flags."""
    monkeypatch.chdir(tmp_path)

    def loaded(text: str, environ: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None) -> Config:
        path = Path("voxint.toml")
        path.write_text(text, encoding="utf-8")
        return load_config(path, environ or {}, flags)

    return loaded


def test_its_files_are_found_from_the_working_directory(load: Load, tmp_path: Path) -> None:
    """An error that names one shows where it was looked for."""
    server = load(f'{LLM}[server]\nkeys_file = "keys.jsonl"\ntls_cert = "/etc/cert.pem"').server
    assert (server.keys_file, server.tls_cert, server.tls_key) == (str(tmp_path / "keys.jsonl"), "/etc/cert.pem", "")


def test_a_file_says_everything(load: Load) -> None:
    """Every section, with values of every type; what is left out has its default."""
    config = load(
        """
        [server]
        host = "::1"
        port = 9000
        api_keys = ["one", "two"]
        drain_s = 3
        accounts = { museum = "HASH" }
        [limits]
        lead_ms = 200.5
        segments_ahead = 8
        [agent]
        prompt = "你是导游。"
        [llm]
        provider = "openai_chat"
        model = "m"
        extra_body = { temperature = 0.5 }
        [tts]
        provider = "my_voice:Voice"
    """.replace("HASH", HASH)
    )
    assert config.server == ServerConfig(
        host="::1", port=9000, api_keys=("one", "two"), drain_s=3.0, accounts={"museum": HASH}
    )
    assert config.limits == Limits(lead_ms=200.5, segments_ahead=8)
    assert config.prompt == "你是导游。"
    assert config.language_prompt == "Answer in {language}."
    assert config.llm.provider == "openai_chat"
    assert {name: given.value for name, given in config.llm.options.items()} == {
        "model": "m",
        "extra_body": {"temperature": 0.5},
    }
    assert config.tts is not None
    assert config.tts.provider == "my_voice:Voice"
    assert config.stt is None


def test_a_flag_is_stronger_than_the_environment_and_that_than_the_file(load: Load) -> None:
    """Each key by itself."""
    text = f"{LLM}model = 'file'\n[server]\nport = 1\nhost = 'a'\nheartbeat_s = 1"
    environ = {"VOXINT_PORT": "2", "VOXINT_HOST": "b", "VOXINT_LLM_MODEL": "environment"}
    config = load(text, environ, {"server.port": "3"})
    assert (config.server.port, config.server.host, config.server.heartbeat_s) == (3, "b", 1.0)
    assert config.llm.options["model"].value == "environment"


def test_the_environment_alone_is_enough() -> None:
    """Sections by their name, [server] without, keys separated by commas; an empty variable counts as unset."""
    config = load_config(
        None,
        {
            "VOXINT_LLM_PROVIDER": "openai_chat",
            "VOXINT_API_KEYS": "one, two,",
            "VOXINT_LIMITS_LEAD_MS": "200",
            "VOXINT_AGENT_PROMPT": "Be brief.",
            "VOXINT_HOST": "",
        },
    )
    assert config.server == ServerConfig(api_keys=("one", "two"))
    assert config.limits.lead_ms == 200
    assert config.prompt == "Be brief."


@pytest.mark.parametrize(("text", "message"), [
    ("[server]\nprot = 1", "voxint.toml: [server] prot: this section has no key of this name; did you mean port?"),
    ("[server]\nxyzzy = 1",
     "voxint.toml: [server] xyzzy: this section has no key of this name; known here are: acc"),
    ("[server]\nlead_ms = 1",
     "voxint.toml: [server] lead_ms: this section has no key of this name; it belongs in [limits]"),
    ("[serv]\nport = 1", "voxint.toml: [serv]: there is no section of this name; did you mean server?"),
    ("port = 1", "voxint.toml: port: this stands before any section, and belongs in [server]"),
    ("server = 1", "voxint.toml: server: this is a section: write it as [server]"),
    ("[server]\nport = 70000", "voxint.toml: [server] port: it must be at most 65535, not 70000"),
    ("[server]\nport = '80'", "voxint.toml: [server] port: write a whole number"),
    ("[server]\nport = true", "voxint.toml: [server] port: write a whole number"),
    ("[server]\ndrain_s = nan", "voxint.toml: [server] drain_s: write a number"),
    ("[server]\nhost = 1", "voxint.toml: [server] host: write a string"),
    ("[server]\napi_keys = 'one'", "voxint.toml: [server] api_keys: write a list of strings, such as"),
    ("[server]\napi_keys = ['one', '']", "voxint.toml: [server] api_keys: it must hold no empty string"),
    ("[server]\nopen_metrics = 'yes'", "voxint.toml: [server] open_metrics: write true or false"),
    ("[server]\ntoken_secret = 'short'", "voxint.toml: [server] token_secret: it must have at least 32 characters"),
    ("[server]\nallowed_origins = ['https://a.org/']", "voxint.toml: [server] allowed_origins: it must hold origins"),
    ("[server]\nallowed_origins = ['a.org']", "voxint.toml: [server] allowed_origins: it must hold origins"),
    ("[server.accounts]\nmuseum = 'open sesame'", "voxint.toml: [server] accounts: it must hold argon2id hashes, no "
     "passwords; `voxint keys password` makes one"),
    ("[limits]\ninterrupt_s = 0", "voxint.toml: [limits] interrupt_s: it must be more than 0, not 0.0"),
    ("[agent]\nprompt = 1", "voxint.toml: [agent] prompt: write a string"),
    ("[tts]\nvoice = 'en'",
     "voxint.toml: [tts] voice: this is of no use without a provider: name one as [tts] provider"),
    ("[tts]\nprovider = 1", "voxint.toml: [tts] provider: write a provider's name, or module:attribute, as a string"),
    ("[server",
     "voxint.toml:1: this is no TOML (Expected ']' at the end of a table declaration): close the name of a section"),
])  # fmt: skip
def test_a_mistake_in_the_file_is_told_with_its_place(load: Load, text: str, message: str) -> None:
    """File, section and key, and what was expected there."""
    with pytest.raises(ConfigError) as caught:
        load(f"{text}\n{LLM}")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("name", "message"), [
    ("VOXINT_PORTS", "environment VOXINT_PORTS: there is no variable of this name; did you mean VOXINT_PORT?"),
    ("VOXINT_LIMIT_LEAD_MS", "there is no variable of this name; did you mean VOXINT_LIMITS_LEAD_MS?"),
    ("VOXINT_PORT", "environment VOXINT_PORT: write a whole number"),
    ("VOXINT_ACCOUNTS", "environment VOXINT_ACCOUNTS: write a table of strings, in the file only"),
])  # fmt: skip
def test_a_mistake_in_the_environment_is_told_with_its_variable(load: Load, name: str, message: str) -> None:
    """A near miss of a name would silently have no effect."""
    with pytest.raises(ConfigError, match=r"^environment ") as caught:
        load(LLM, {name: "x"})
    assert message in str(caught.value)


def test_other_variables_of_the_prefix_are_left_alone(load: Load) -> None:
    """The client's, and those of the command line."""
    environ = {"VOXINT_API_KEY": "k", "VOXINT_LOG_LEVEL": "debug", "PORT": "1"}
    assert load(LLM, environ).server == ServerConfig()


@pytest.mark.parametrize("service", ["VOXINT", "VOXINT_LLM", "VOXINT_TTS", "VOXINT_STT", "VOXINT_AGENT"])
def test_a_kubernetes_service_of_such_a_name_is_left_alone(load: Load, service: str) -> None:
    """Its variables are no settings; what the operator set beside them is."""
    environ = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": "443",
        f"{service}_SERVICE_PORT_HTTPS": "443",
        f"{service}_PORT": "tcp://10.0.0.1:443",
        f"{service}_PORT_443_TCP": "tcp://10.0.0.1:443",
        f"{service}_PORT_443_TCP_ADDR": "10.0.0.1",
        f"{service}_PORT_443_TCP_PORT": "443",
        f"{service}_PORT_443_TCP_PROTO": "tcp",
        "VOXINT_HOST": "0.0.0.0",
        "VOXINT_LLM_MODEL": "m",
    }
    config = load(LLM, environ)
    assert config.server == ServerConfig(host="0.0.0.0")
    assert config.llm.options.keys() == {"model"}
    assert (config.tts, config.stt) == (None, None)


def test_beside_a_kubernetes_service_the_port_can_be_set(load: Load) -> None:
    """The pod's own variable takes the place of the injected one, and the others of the service stay."""
    environ = {
        "VOXINT_PORT": "9000",
        "VOXINT_SERVICE_HOST": "10.0.0.1",
        "VOXINT_SERVICE_PORT": "80",
        "VOXINT_PORT_80_TCP": "tcp://10.0.0.1:80",
    }
    assert load(LLM, environ).server.port == 9000


@pytest.mark.parametrize(("name", "value", "message"), [
    ("VOXINT_PORT", "http", "environment VOXINT_PORT: write a whole number"),
    ("VOXINT_PORT", "tcp://museum:80", "environment VOXINT_PORT: write a whole number"),
    ("VOXINT_TTS_PORT", "5000", "environment VOXINT_TTS_PORT: this is of no use without a provider"),
])  # fmt: skip
def test_a_mistake_that_resembles_a_service_is_still_told(load: Load, name: str, value: str, message: str) -> None:
    """Kubernetes writes an address by number."""
    with pytest.raises(ConfigError) as caught:
        load(LLM, {name: value})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("name", "message"), [
    ("server.prot", "--set server.prot: this section has no key of this name; did you mean port?"),
    ("sever.port", "--set sever.port: write it as section.key=value, where the section is one of server, limits, "),
    ("port", "--set port: write it as section.key=value, "),
    ("limits.frame_ms", "--set limits.frame_ms: it must be at most 200, not 500.0"),
])  # fmt: skip
def test_a_mistake_in_a_flag_is_told_with_the_flag(load: Load, name: str, message: str) -> None:
    """As it was written."""
    with pytest.raises(ConfigError) as caught:
        load(LLM, {}, {name: "500"})
    assert str(caught.value).startswith(message)


def test_a_server_without_a_model_says_what_to_do(load: Load) -> None:
    """It names the setting, and the demo."""
    with pytest.raises(ConfigError, match=r"voxint\.toml: it names no language model: .*voxint demo"):
        load("[server]\nport = 1")
    with pytest.raises(ConfigError, match=r"configuration: it names no language model"):
        load_config(None, {})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With the system's own words."""
    with pytest.raises(ConfigError, match=r"none\.toml: the file can't be read \(No such file"):
        load_config(tmp_path / "none.toml", {})


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    """As an editor of Windows saves UTF-8."""
    path = tmp_path / "windows.toml"
    path.write_bytes(f'{LLM}[agent]\nprompt = "caf\xe9"\n'.replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_config(path, {}).prompt == "caf\xe9"


@pytest.mark.parametrize(("encoding", "message"), [
    ("latin-1", "this file is not in UTF-8: save it in that encoding"),
    ("utf-16", "this file looks like UTF-16: save it in UTF-8"),
    ("utf-16-be", "this file looks like UTF-16: save it in UTF-8"),
])  # fmt: skip
def test_a_file_in_another_encoding_says_what_to_do(tmp_path: Path, encoding: str, message: str) -> None:
    """UTF-16 also where it has no mark."""
    path = tmp_path / "other.toml"
    path.write_bytes(f'{LLM}[agent]\nprompt = "caf\xe9"\n'.encode(encoding))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert str(caught.value) == f"{path}: {message}"


def test_no_error_and_no_repr_shows_a_secret(load: Load) -> None:
    """Neither a key of a bad type nor the options of a provider, where keys stand too."""
    with pytest.raises(ConfigError) as caught:
        load(f"{LLM}\n[server]\napi_keys = 'persimmon'")
    assert "persimmon" not in str(caught.value)
    config = load(f"{LLM}headers = {{ x-key = 'persimmon' }}\n[server]\napi_keys = ['persimmon']")
    assert "persimmon" not in repr(config)


def test_a_word_that_resembles_none_is_answered_with_all() -> None:
    """A near miss gets its one word."""
    assert did_you_mean("vioce", ("voice", "rate")) == "did you mean voice?"
    assert did_you_mean("zzz", ("voice", "rate")) == "known here are: rate, voice"


def test_every_setting_stands_in_the_reference_with_its_default() -> None:
    """docs/reference/configuration.md: a row for each key of [server], [limits] and [quotas]."""
    page = (Path(__file__).parents[2] / "docs/reference/configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+?)`? \|", page, re.MULTILINE))
    for made in (ServerConfig(), Limits(), Quotas()):
        for key, default in attrs.asdict(made).items():
            shown = f"{default:g}" if isinstance(default, float) else str(default) if default else "none"
            shown = str(default).lower() if isinstance(default, bool) else shown
            assert rows.get(key) == shown, f"{key}: {rows.get(key)} is not {shown}"
