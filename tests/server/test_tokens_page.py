"""`POST /v1/tokens`, over sockets."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import trio
from attrs import frozen

from tests.credentials import add_key
from voxint.client import ResumePoint, connect
from voxint.core.agent import Agent
from voxint.errors import ServerError
from voxint.server import tokens_page
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.stages import ScriptedModel


@frozen
class Site:
    """A server with a keys file, and who asks it."""

    server: Server
    http: httpx.AsyncClient
    keys: dict[str, str]

    @property
    def root(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.port}"

    async def post(self, key: str = "talk", **rest: Any) -> httpx.Response:
        """Ask for a token with one of the keys, or with what is none."""
        headers = {"authorization": f"Bearer {self.keys.get(key, key)}", **rest.pop("headers", {})}
        return await self.http.post(f"{self.root}/v1/tokens", headers=headers, **rest)

    async def token(self, key: str = "talk", **wish: object) -> str:
        """Return a token."""
        answer = await self.post(key, json=wish)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])


@asynccontextmanager
async def a_site(tmp_path: Path, **settings: object) -> AsyncGenerator[Site]:
    """Serve."""
    path = tmp_path / "keys"
    keys = {scope: add_key(path, scope)[0] for scope in ("talk", "observe", "admin")}
    keys["short"] = add_key(path, "talk", expires=datetime.now(UTC) + timedelta(seconds=30))[0]
    config = ServerConfig(port=0, keys_file=str(path), **settings)  # type: ignore[arg-type]  # attrs checks them
    async with trio.open_nursery() as nursery, httpx.AsyncClient(trust_env=False) as http:
        server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), config)
        yield Site(server, http, keys)
        server.shut_down()


async def talks(site: Site, key: str) -> bool:
    """Return whether a key or token opens a session."""
    try:
        async with connect(site.server.url, api_key=key):
            return True
    except ServerError as refusal:
        return refusal.code != "AUTH_FAILED"


async def test_a_token_opens_sessions_until_it_expires(tmp_path: Path) -> None:
    """A minute without a word about it; the answer is JSON that nobody keeps."""
    async with a_site(tmp_path) as site:
        answer = await site.post()
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert set(answer.json()) == {"token", "expires_at"}
        assert 55 < answer.json()["expires_at"] - time.time() <= 60
        assert [await talks(site, answer.json()["token"]) for _ in range(2)] == [True, True]
        assert not await talks(site, answer.json()["token"] + "x")
        metrics = await site.http.get(f"{site.root}/metrics", headers={"authorization": f"Bearer {site.keys['admin']}"})
        assert "\nvoxint_client_tokens_total 1.0\n" in metrics.text


async def test_no_key_and_no_token_is_logged(tmp_path: Path) -> None:
    """Whether one is good, is not, is used twice, or makes another, at any level."""
    written = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.JSONRenderer(default=repr)],
        logger_factory=structlog.PrintLoggerFactory(written),
    )
    try:
        async with a_site(tmp_path) as site:
            once = await site.token(single_use=True)
            for key in (once, once, once + "x", site.keys["talk"], site.keys["observe"], "vox_nobodys"):
                await talks(site, key)
            await site.post(once)
            await site.server.reload()
    finally:
        structlog.reset_defaults()
    assert '"registered"' in written.getvalue()
    secrets = [*site.keys.values(), once, "vox_nobodys"]
    assert not [secret for secret in secrets if secret[5:] in written.getvalue()]


async def test_a_token_for_one_use_opens_one_session(tmp_path: Path) -> None:
    """The second gets what any stranger gets."""
    async with a_site(tmp_path) as site:
        token = await site.token(single_use=True, expires_in=3600)
        assert [await talks(site, token) for _ in range(2)] == [True, False]


async def test_a_token_for_one_session_opens_one(tmp_path: Path) -> None:
    """Then it resumes that session and lets others join it, as long as it lives; it opens no other, nor resumes one."""
    async with a_site(tmp_path) as site:
        token, other = [await site.token(one_session=True, expires_in=3600) for _ in range(2)]
        async with connect(site.server.url, api_key=token) as client:
            point, joins = client.resume_point, await client.join_point()
            assert not await talks(site, token)
            with pytest.raises(ServerError) as refused:
                async with connect(site.server.url, api_key=token):
                    pass
            assert refused.value.message == "the token is good for one session, and has had it: ask for another token"
            async with connect(site.server.url, api_key=token, resume=joins) as guest:
                assert guest.registered.session_id == client.registered.session_id
            async with connect(site.server.url, api_key=other) as elsewhere:
                for theirs, key in ((elsewhere.resume_point, token), (point, other)):
                    with pytest.raises(ServerError, match="AUTH_FAILED"):
                        async with connect(site.server.url, api_key=key, resume=theirs):
                            pass
        async with connect(site.server.url, api_key=token, resume=point) as client:
            assert await (await client.send_text("Are you there?")).text() == "Yes."


async def test_what_failed_has_not_used_a_token_up(tmp_path: Path) -> None:
    """A REGISTER that the server refuses opens no session: the token is still good for one."""
    async with a_site(tmp_path) as site:
        token = await site.token(one_session=True)
        for wrong in ({"system_prompt": "x" * 70_000}, {"resume": ResumePoint("sess_none", "none")}):
            with pytest.raises(ServerError) as refused:
                async with connect(site.server.url, api_key=token, **wrong):
                    pass
            assert refused.value.code != "AUTH_FAILED"
        assert [await talks(site, token) for _ in range(2)] == [True, False]


async def test_a_token_does_no_more_than_its_key(tmp_path: Path) -> None:
    """`admin` may make tokens of any scope; no token makes tokens; one outlives its key in no case."""
    async with a_site(tmp_path) as site:
        assert (await site.post("talk", json={"scopes": ["observe"]})).status_code == 403
        observe = await site.token("admin", scopes=["observe"])
        assert not await talks(site, observe)
        metrics = f"{site.root}/metrics"
        for key, status in ((observe, 200), (await site.token(), 403)):
            answer = await site.http.get(metrics, headers={"authorization": f"Bearer {key}"})
            assert answer.status_code == status
        assert (await site.post(await site.token("admin", scopes=["admin"]))).status_code == 403
        short = (await site.post("short", json={"expires_in": 3600})).json()
        assert short["expires_at"] - time.time() <= 30


@pytest.mark.parametrize(("key", "rest", "status", "words"), [
    ("nobody", {}, 401, "with a key that this server knows"),
    ("two words", {}, 401, "with a key that this server knows"),
    ("observe", {}, 403, "that has the scope talk or admin"),
    ("talk", {"content": b"{"}, 400, "the body must be a JSON object"),
    ("talk", {"content": b"[]"}, 400, "the body must be a JSON object"),
    ("talk", {"content": b"\xff"}, 400, "the body must be a JSON object"),
    ("talk", {"json": {"expires_in": 0}}, 400, "expires_in (seconds, up to 3600)"),
    ("talk", {"json": {"expires_in": 3601}}, 400, "expires_in (seconds, up to 3600)"),
    ("talk", {"json": {"expires_in": "60"}}, 400, "the body must be a JSON object"),
    ("talk", {"json": {"expires_in": True}}, 400, "the body must be a JSON object"),
    ("talk", {"json": {"scopes": []}}, 400, "the body must be a JSON object"),
    ("talk", {"json": {"scopes": ["all"]}}, 400, "the body must be a JSON object"),
    ("talk", {"json": {"single_use": True, "one_session": True}}, 400, "leave out `single_use` or `one_session`"),
    ("admin", {"json": {"scopes": ["observe"], "one_session": True}}, 400, "leave out `scopes`"),
    ("talk", {"json": {"one_session": "yes"}}, 400, "single_use, one_session"),
    ("talk", {"json": {"single_use": 1}}, 400, "the body must be a JSON object"),
    ("talk", {"json": {"expire_in": 60}}, 400, "the body must be a JSON object"),
    ("talk", {"content": b" " * 4097}, 413, "larger than 4096 bytes"),
    ("talk", {"content": b"a=b", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 415, "JSON"),
    ("talk", {"headers": {"origin": "https://evil.example"}}, 403, "not in the server's allowed_origins"),
])  # fmt: skip
async def test_what_is_wrong_is_told_in_a_sentence(
    tmp_path: Path, key: str, rest: dict[str, Any], status: int, words: str
) -> None:
    """As JSON, with the right status."""
    async with a_site(tmp_path, allowed_origins=("https://museum.example",)) as site:
        answer = await site.post(key, **rest)
        assert answer.status_code == status
        assert words in answer.json()["error"]
        assert ("www-authenticate" in answer.headers) is (status == 401)


async def test_other_methods_make_no_token(tmp_path: Path) -> None:
    """Also not with a key: a link in a page must not make one."""
    async with a_site(tmp_path) as site:
        for method in ("GET", "PUT", "OPTIONS", "DELETE"):
            answer = await site.http.request(method, f"{site.root}/v1/tokens")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_stranger_is_refused_before_its_body(tmp_path: Path) -> None:
    """Who has no key cannot make the server wait for one."""
    async with a_site(tmp_path) as site:
        stream = await trio.open_tcp_stream("127.0.0.1", site.server.port)
        async with stream:
            await stream.send_all(b"POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
            with trio.fail_after(5):
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 401 ")


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks."""
    monkeypatch.setattr(tokens_page, "BODY_S", 0.1)
    async with a_site(tmp_path) as site:
        stream = await trio.open_tcp_stream("127.0.0.1", site.server.port)
        async with stream:
            head = f"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.keys['talk']}\r\n"
            await stream.send_all(f"{head}Content-Length: 10\r\n\r\n".encode())
            with trio.fail_after(5):
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 408 ")


async def test_a_key_has_so_many_tokens_made(tmp_path: Path) -> None:
    """Beyond that 429 with when to come again; another key is not touched."""
    async with a_site(tmp_path, tokens_per_minute=30.0) as site:
        statuses = [(await site.post()).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = await site.post()
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        assert "as many tokens" in refused.json()["error"]
        assert (await site.post("admin")).status_code == 200


async def test_an_open_server_makes_no_tokens(nursery: trio.Nursery) -> None:
    """There is nothing to show; and a page of somebody else's is not even told so."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0))
    url = f"http://127.0.0.1:{server.port}/v1/tokens"
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(url, headers={"authorization": "Bearer x"})).status_code == 404
        assert (await http.post(url, headers={"origin": "https://evil.example"})).status_code == 403
        assert (await http.post(url, headers={"host": "evil.example"})).status_code == 403
    server.shut_down()
