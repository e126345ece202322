"""`voxint keys` and what `check` says of keys and certificates, as processes; `serve` with both."""

from __future__ import annotations

import datetime as dt
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trio
import trustme

from tests.cli.process import LIMIT_S, Done, run_cli, start_cli
from voxint.client import connect
from voxint.errors import ServerError
from voxint.server.keys import digest_of
from voxint.server.keys_file import read_keys

MODEL = """
from voxint import Delta

class Model:
    async def generate(self, turn, out):
        await out.send(Delta("Yes."))
"""

CONFIG = """
[server]
port = 0
drain_s = 0.2
keys_file = "keys.jsonl"
[llm]
provider = "stages:Model"
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working directory with a configuration and its model."""
    (tmp_path / "stages.py").write_text(MODEL)
    (tmp_path / "voxint.toml").write_text(CONFIG)
    return tmp_path


async def keys(here: Path, *arguments: str, **env: str) -> Done:
    """Run `voxint keys`."""
    return await run_cli("keys", *arguments, cwd=here, env=env)


async def test_a_key_is_made_shown_once_and_revoked(here: Path) -> None:
    """The key alone on standard output, so that a script can take it; a list shows none."""
    made = await keys(here, "new", "--name", "kiosk", "--scope", "talk", "--scope", "observe", "--expires", "90d")
    assert made.code == 0
    key = made.out.removesuffix("\n")
    assert re.fullmatch(r"vox_[\w-]{43}", key)
    [record] = read_keys(here / "keys.jsonl")
    assert (record.sha256, record.name, record.scopes) == (digest_of(key), "kiosk", ("talk", "observe"))
    assert record.expires is not None
    assert 89 <= (record.expires - dt.datetime.now(dt.UTC)).days <= 90
    assert record.id in made.err
    listed = await keys(here, "list")
    assert (listed.code, listed.err) == (0, "")
    assert listed.out.startswith(f"{record.id}  talk,observe        ")
    assert listed.out.endswith(" UTC  kiosk\n")
    assert not [out for out in (made.err, listed.out) if key in out]
    revoked = await keys(here, "revoke", record.id)
    assert (revoked.code, revoked.out) == (0, "")
    assert read_keys(here / "keys.jsonl") == ()


async def test_the_file_is_the_configurations_or_the_flags(here: Path) -> None:
    """The configuration's needs no model for it; VOXINT_KEYS_FILE is one too."""
    (here / "other.toml").write_text('[server]\nkeys_file = "other.jsonl"\n')
    for arguments, env, file in (
        (("new",), {}, "keys.jsonl"),
        (("new", "other.toml"), {}, "other.jsonl"),
        (("new",), {"VOXINT_KEYS_FILE": "env.jsonl"}, "env.jsonl"),
        (("new", "--file", "flag.jsonl"), {"VOXINT_KEYS_FILE": "env.jsonl"}, "flag.jsonl"),
    ):
        assert (await keys(here, *arguments, **env)).code == 0
        assert len(read_keys(here / file)) == 1


@pytest.mark.parametrize(("arguments", "words"), [
    (("new", "none.toml"),
     "voxint: {here}/none.toml: the file can't be read (No such file or directory): is its name right?\n"),
    (("new", "bare.toml"),
     "voxint: [server] keys_file: it is not set: name the file of keys there, in VOXINT_KEYS_FILE, or by --file\n"),
    (("new", "--expires", "soon"), "voxint: --expires: write a time such as 90d, 12h or 30m\n"),
    (("new", "--expires", "0d"), "voxint: --expires: write a time such as 90d, 12h or 30m\n"),
    (("new", "--name", "a\x1bb"), "voxint: --name: write at most 64 printable characters\n"),
    (("list", "--file", "bad.jsonl"),
     "voxint: bad.jsonl:1: this line is no key: leave in the file what `voxint keys new` writes, one a line\n"),
    (("list", "--file", "none.jsonl"),
     "voxint: none.jsonl: the file of keys can't be read (No such file or directory): `voxint keys new` makes it\n"),
    (("revoke", "abc"), "voxint: ID: write at least 4 characters of the id that `voxint keys list` shows\n"),
    (("revoke", "abcd", "--file", "none.jsonl"),
     "voxint: none.jsonl: there is no such file; `voxint keys new` makes it, with a first key\n"),
    (("revoke", "abcd", "--file", "empty.jsonl"),
     "voxint: ID: no key's id begins so in empty.jsonl: look them up by `voxint keys list`\n"),
])  # fmt: skip
async def test_what_is_wrong_is_one_line(here: Path, arguments: tuple[str, ...], words: str) -> None:
    """And exit code 2; no file is made of it."""
    (here / "bare.toml").write_text("[server]\nport = 0\n")
    (here / "bad.jsonl").write_text("vox_persimmon\n")
    (here / "empty.jsonl").touch()
    done = await keys(here, *arguments)
    assert (done.code, done.out, done.err) == (2, "", words.replace("{here}", str(here)))
    assert not (here / "none.jsonl").exists()


async def test_a_password_is_hashed(here: Path) -> None:
    """Read from standard input where that is no terminal; the hash is what the configuration takes."""
    command = [sys.executable, "-m", "voxint", "keys", "password"]
    with trio.fail_after(LIMIT_S):
        done = await trio.run_process(
            command, stdin=b"open sesame\n", capture_stdout=True, stderr=subprocess.DEVNULL, cwd=here
        )
    hashed = done.stdout.decode().strip()
    assert hashed.startswith("$argon2id$")
    (here / "voxint.toml").write_text(f'{CONFIG}[server.accounts]\nann = "{hashed}"\n'.replace("keys_file", "#"))
    async with start_cli("serve", cwd=here) as server:
        found = re.search(r"ws://127\.0\.0\.1:\d+/ws/agent/stream", await server.wait_for('"started"'))
        assert found is not None
        async with connect(found[0], account="ann", password="open sesame") as client:
            assert await (await client.send_text("Hello")).text() == "Yes."
        with pytest.raises(ServerError, match="AUTH_FAILED"):
            async with connect(found[0], account="ann", password="wrong"):
                pass


async def test_a_revoked_key_is_refused_by_the_server_that_runs(here: Path) -> None:
    """Under TLS by flags, within seconds and without a restart; nothing of a key is in the log."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(here / "key.pem")
    issued.cert_chain_pems[0].write_to_path(here / "cert.pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    key = (await keys(here, "new")).out.strip()
    flags = ("--tls-cert", "cert.pem", "--tls-key", "key.pem", "--log-level", "debug", "--log-format", "json")
    async with start_cli("serve", *flags, cwd=here) as server:
        found = re.search(r"wss://127\.0\.0\.1:\d+/ws/agent/stream", await server.wait_for('"started"'))
        assert found is not None
        async with connect(found[0], api_key=key, ssl_context=trusting) as client:
            assert await (await client.send_text("Hello")).text() == "Yes."
            assert (await keys(here, "revoke", digest_of(key)[:12])).code == 0
            await server.wait_for('"session of a revoked key closed"')
        with pytest.raises(ServerError, match="AUTH_FAILED"):
            async with connect(found[0], api_key=key, ssl_context=trusting):
                pass
        server.send(signal.SIGTERM)
        assert await server.wait() == 0
    assert key not in server.output
    assert key.removeprefix("vox_") not in server.output


async def test_check_tells_of_keys_and_certificates(here: Path) -> None:
    """One line each, and exit code 2 where one is of no use."""

    async def said(*flags: str) -> tuple[int, list[str]]:
        done = await run_cli("check", *flags, cwd=here)
        return done.code, [line for line in done.out.splitlines() if line.startswith(("keys", "tls"))]

    missing = (
        f"{here}/keys.jsonl: the file of keys can't be read (No such file or directory): `voxint keys new` makes it"
    )
    assert await said() == (2, [f"keys    FAILED  {missing}"])
    await keys(here, "new")
    assert await said() == (0, [f"keys    ok      {here}/keys.jsonl: 1 key"])
    (here / "keys.jsonl").chmod(0o666)
    writable = f"{here}/keys.jsonl: everybody on this machine can write the file, and let itself in: chmod 600"
    assert await said() == (2, [f"keys    FAILED  {writable}"])
    (here / "keys.jsonl").chmod(0o600)
    authority = trustme.CA()
    then = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    for name, until in (("good", None), ("old", then)):
        issued = authority.issue_cert("localhost", not_after=until, not_before=until and then - dt.timedelta(days=1))
        issued.private_key_pem.write_to_path(here / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(here / f"{name}.pem")

    async def tls(cert: str, key: str) -> tuple[int, str]:
        code, lines = await said("--set", f"server.tls_cert={cert}", "--set", f"server.tls_key={key}")
        return code, lines[-1].replace(f"{here}/", "HERE/")

    code, line = await tls("good.pem", "good.key")
    assert code == 0
    assert re.fullmatch(r"tls     ok      HERE/good\.pem: until .* GMT, for localhost", line)
    assert await tls("old.pem", "old.key") == (
        2, "tls     FAILED  HERE/old.pem: the certificate is not good now (certificate has expired): get a new one",
    )  # fmt: skip
    assert await tls("good.pem", "old.key") == (
        2, "tls     FAILED  HERE/old.key: this is not the private key of the certificate in HERE/good.pem: "
        "name that one",
    )  # fmt: skip
    assert await tls("none.pem", "old.key") == (
        2, "tls     FAILED  HERE/none.pem: the file can't be read (No such file or directory): name one in PEM "
        "that this user may read",
    )  # fmt: skip
    assert await tls("", "old.key") == (
        2, "tls     FAILED  [server] tls_cert: this is needed too: TLS takes a certificate and its private key",
    )  # fmt: skip
