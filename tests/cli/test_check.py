"""`voxint check` as a process: what makes `voxint serve` fail makes it fail, in the same words."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trustme

from tests.cli.process import Done, run_cli, start_cli
from tests.credentials import add_key

STAGES = """
from voxint import AudioFormat, CheckVerdict, UpstreamError

class Model:
    async def generate(self, turn, out): ...

class Voice:
    audio_format = AudioFormat(16_000)
    async def synthesize(self, text, out): ...

class Raises(Model):
    def __init__(self):
        raise KeyError("persimmon")

class RaisesEntered(Model):
    async def __aenter__(self):
        {}["persimmon"]

    async def __aexit__(self, *error): ...

class Down(Model):
    async def __aenter__(self):
        raise UpstreamError("the model is not there")

    async def __aexit__(self, *error): ...

class Dubious(Model):
    async def check(self):
        return CheckVerdict("it is there, and slow", warning=True)

class Unreachable(Model):
    async def check(self):
        raise UpstreamError("nobody answers")

class Careless(Model):
    async def check(self):
        raise KeyError("persimmon")

class Beside(Model):
    async def check(self):
        raise ExceptionGroup("persimmon", [UpstreamError("nobody answers"), KeyError("persimmon")])

class Leaving(Model):
    async def check(self):
        raise SystemExit("persimmon")

class Plain(Model):
    def check(self):
        return "it is there"

class Silent(Model):
    async def check(self): ...

class No(Model):
    async def check(self):
        return False
"""

CONFIG = """
[server]
port = 0
[llm]
provider = "stages:Model"
"""

OPENAI = "voxint.providers.openai_chat:OpenAIChat"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working directory with a configuration, its stages, and files that are of no use."""
    (tmp_path / "stages.py").write_text(STAGES)
    (tmp_path / "voxint.toml").write_text(CONFIG)
    (tmp_path / "broken.py").write_text("import trio\n\nclass Model(:\n")
    (tmp_path / "needs.py").write_text("import a_package_that_nobody_has\n")
    (tmp_path / "failing.py").write_text("token = {}['persimmon']\n")
    (tmp_path / "broken.toml").write_text("[server\n")
    (tmp_path / "broken.jsonl").write_text("no key\n")
    (tmp_path / "broken.pem").write_text("no certificate\n")
    return tmp_path


async def both(here: Path, *arguments: str) -> tuple[Done, Done]:
    """Run `serve` and `check` with the same configuration, side by side."""
    done: dict[str, Done] = {}

    async def run(command: str) -> None:
        done[command] = await run_cli(command, *arguments, cwd=here)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, "serve")
        nursery.start_soon(run, "check")
    return done["serve"], done["check"]


def setting(*pairs: str) -> tuple[str, ...]:
    """Return flags that set them."""
    return tuple(flag for pair in pairs for flag in ("--set", pair))


@pytest.mark.parametrize("arguments", [
    ("none.toml",),
    ("broken.toml",),
    setting("server.prot=1"),
    setting("server.port=many"),
    setting("limits.lead_ms=-1"),
    setting("server.host=0.0.0.0"),
    setting("server.keys_file=none.jsonl"),
    setting("server.keys_file=broken.jsonl"),
    setting("server.tls_cert=broken.pem"),
    setting("server.tls_cert=broken.pem", "server.tls_key=none.pem"),
    setting("server.tls_cert=broken.pem", "server.tls_key=broken.pem"),
    setting("server.host=192.0.2.1", "server.api_keys=k-1"),
    setting("server.host=no.such.name.invalid", "server.api_keys=k-1"),
    setting("llm.provider=opnai_chat"),
    setting("llm.provider=none:Model"),
    setting("llm.provider=broken:Model"),
    setting("llm.provider=needs:Model"),
    setting("llm.provider=failing:Model"),
    setting("llm.provider=stages:none"),
    setting("llm.provider=stages:Voice"),
    setting("llm.provider=stages:Raises"),
    setting("llm.provider=stages:RaisesEntered"),
    setting("llm.provider=stages:Down"),
    setting("llm.size=1"),
    setting(f"llm.provider={OPENAI}"),
    setting(f"llm.provider={OPENAI}", "llm.base_url=nonsense", "llm.model=m"),
    setting(f"llm.provider={OPENAI}", "llm.base_url=http://h/v1", "llm.model=m", "llm.api_key_env=NO_SUCH_KEY"),
    setting("stt.provider=stages:Model"),
    setting("tts.voice=en"),
], ids=lambda arguments: "-".join(each for each in arguments if each != "--set"))  # fmt: skip
async def test_what_fails_serve_fails_check(here: Path, arguments: tuple[str, ...]) -> None:
    """With the same exit code and the same sentence, without a traceback or anybody's words."""
    served, checked = await both(here, *arguments)
    assert served.code == checked.code != 0
    [line] = served.err.splitlines()
    assert line.startswith("voxint: ")
    assert line.removeprefix("voxint: ") in checked.out + checked.err
    assert "persimmon" not in served.err + checked.out + checked.err


async def test_a_key_is_shown_by_no_mistake_with_it(here: Path) -> None:
    """As a value of its own, in the place of its variable's name, and in a flag without the equals sign."""
    (here / "key.toml").write_text(f'[llm]\nprovider = "{OPENAI}"\napi_key = "sk-persimmon"\n')
    (here / "env.toml").write_text(OPENAI_WITH_KEY_ENV)
    unknown = "has no option of this name; did you mean api_key_env? That takes the *name* of an environment variable"
    taken = "this takes the *name* of an environment variable, such as OPENAI_API_KEY, and none has the name given"
    openai = setting(f"llm.provider={OPENAI}", "llm.base_url=http://h/v1", "llm.model=m")
    for arguments, words in (
        (("key.toml",), unknown),
        ((*openai, *setting("llm.api_key=sk-persimmon")), unknown),
        (("env.toml",), taken),
        ((*openai, *setting("llm.api_key_env=sk-persimmon")), taken),
        ((*openai, *setting("llm.api_key:sk-persimmon")), "--set: write it as section.key=value"),
        ((*openai, *setting("sk-persimmon==")), "--set: write it as section.key=value"),
        (("voxint.toml", *setting("server.api_keys=sk-persimmon", "server.token_secret=persimmon")), "32 characters"),
    ):
        served, checked = await both(here, *arguments)
        assert served.code == checked.code == 2
        assert words in served.err
        assert words in checked.out + checked.err
        assert "persimmon" not in served.out + served.err + checked.out + checked.err
    done = await run_cli("check", *openai, cwd=here, env={"VOXINT_LLM_API_KEY_ENV": "sk-persimmon"})
    assert taken in done.out
    assert "persimmon" not in done.out + done.err


OPENAI_WITH_KEY_ENV = f"""
[llm]
provider = "{OPENAI}"
base_url = "http://127.0.0.1:1/v1"
model = "m"
api_key_env = "sk-persimmon"
"""


async def test_a_providers_bug_is_told_with_its_place(here: Path) -> None:
    """Of the operator's or the author's own file; what the exception says may be a key."""
    for stage, words in (
        ("stages:Raises", "stages:Raises raised KeyError when it was made, at stages.py:13"),
        ("stages:RaisesEntered", "stages:RaisesEntered raised KeyError when it was entered, at stages.py:17"),
        ("broken:Model", "broken:Model raised SyntaxError when it was imported, at broken.py:3"),
        ("needs:Model", "the module needs needs the module a_package_that_nobody_has, at needs.py:1: is it installed?"),
        ("failing:Model", "failing:Model raised KeyError when it was imported, at failing.py:1"),
    ):
        done = await run_cli("serve", *setting(f"llm.provider={stage}"), cwd=here)
        assert (done.code, done.err) == (2, f"voxint: --set llm.provider: {words}\n")


async def test_a_port_that_is_taken_fails_both(here: Path) -> None:
    """By a program that is no voxint server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served, checked = await both(here, *setting(f"server.port={port}"))
    assert served.code == checked.code == 1
    assert f"port    FAILED  {served.err.removeprefix('voxint: ')}" in checked.out


async def test_a_port_that_a_voxint_server_has_is_a_warning(here: Path) -> None:
    """Who looks at a configuration may be served by it already."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(here / "cert.pem")
    tls = setting("server.tls_cert=cert.pem", "server.tls_key=cert.pem")
    for flags in ((), tls):
        async with start_cli("serve", *flags, "--log-format", "json", cwd=here) as server:
            output = await server.wait_for('"started"')
            port = json.loads(output.splitlines()[0])["url"].split(":")[2].partition("/")[0]
            checked = await run_cli("check", *flags, *setting(f"server.port={port}"), cwd=here)
        assert checked.code == 0
        assert f"port    warn    127.0.0.1 port {port} has a voxint server already: stop it before" in checked.out


async def test_it_reaches_every_provider(here: Path) -> None:
    """One line each; exit code 1 as soon as one fails, the others are tried all the same."""
    async with start_cli("sim", cwd=here) as sim:
        base_url = json.loads((await sim.wait_for("}\n")).strip())["base_url"]
        flags = setting(f"llm.provider={OPENAI}", f"llm.base_url={base_url}", "tts.provider=stages:Voice")
        good = await run_cli("check", *flags, *setting("llm.model=sim"), cwd=here)
        other = await run_cli("check", *flags, *setting("llm.model=sin"), cwd=here)
        sim.send(signal.SIGINT)
        assert await sim.wait() == 0
    assert good.code == 0
    assert list(verdicts(good)) == [("config", "ok"), ("listens", "ok"), ("port", "ok"), ("llm", "ok"), ("tts", "ok")]
    assert "listens ok      never: there is no [stt]\n" in good.out
    assert other.code == 0
    assert ("llm", "warn") in verdicts(other)
    assert "is reachable, but sin is not among the 1 models it lists: did you mean sim?" in other.out
    bad = await run_cli("check", *flags, *setting("llm.model=sim"), cwd=here)
    assert bad.code == 1
    assert list(verdicts(bad)) == [
        ("config", "ok"),
        ("listens", "ok"),
        ("port", "ok"),
        ("llm", "FAILED"),
        ("tts", "ok"),
    ]
    assert "cannot be reached" in bad.out


def verdicts(done: Done) -> Iterator[tuple[str, str]]:
    """Yield what was looked at, and what was found."""
    for line in done.out.splitlines():
        what, verdict = line.split()[:2]
        yield what, verdict


@pytest.mark.parametrize(("stage", "code", "line"), [
    ("Model", 0, "llm     ok      stages:Model: it was made; it has no check() to say more"),
    ("Dubious", 0, "llm     warn    stages:Dubious: it is there, and slow"),
    ("Unreachable", 1, "llm     FAILED  stages:Unreachable: nobody answers"),
    ("Careless", 1, "llm     FAILED  stages:Careless: stages:Careless raised KeyError when it was asked to check, "
     "at stages.py:37"),
    ("Beside", 1, "llm     FAILED  stages:Beside: stages:Beside raised KeyError when it was asked to check"),
    ("Leaving", 1, "llm     FAILED  stages:Leaving: stages:Leaving raised SystemExit when it was asked to check, "
     "at stages.py:45"),
    ("Plain", 1, "llm     FAILED  stages:Plain: its check() is no async method: write `async def check(self)`"),
    ("Silent", 0, "llm     ok      stages:Silent: its check() found nothing wrong, and said no more"),
    ("No", 1, "llm     FAILED  stages:No: its check() returned a bool: return a str, or a voxint.CheckVerdict"),
])  # fmt: skip
async def test_a_providers_own_check_is_heard(here: Path, stage: str, code: int, line: str) -> None:
    """A warning of its is no failure; its bug is one that is no fault of the configuration, told with its place."""
    (here / "voxint.toml").write_text(CONFIG.replace("Model", stage))
    done = await run_cli("check", cwd=here)
    assert (done.code, done.err) == (code, "")
    assert done.out.splitlines()[-1] == line


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")
async def test_what_serve_lets_pass_and_nobody_should_fails_too(here: Path) -> None:
    """A keys file that everybody may change: `serve` has no time to refuse it, a deployment has."""
    add_key(here / "keys.jsonl")
    os.chmod(here / "keys.jsonl", 0o666)
    done = await run_cli("check", *setting("server.keys_file=keys.jsonl"), cwd=here)
    assert done.code == 2
    assert (
        f"keys    FAILED  {here}/keys.jsonl: everybody on this machine can write the file, and let itself in: chmod 600"
        in done.out
    )
