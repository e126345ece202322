from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.cli.model_server import ModelServer, listing
from tests.net.loopback import Loopback, saying, serve
from voxint.cli.demo_model import FIRST_WORD_S, DemoModel, choose_model, first_word_s, stand_in
from voxint.cli.local_models import Candidate
from voxint.core.stages import Delta, Thinking, Turn
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.http import open_http
from voxint.testing.sim import SimAddress

SIM = SimAddress("http://127.0.0.1:9", "http://127.0.0.1:9/v1", 9)


async def chosen(
    llm: str | None = None,
    model: str | None = None,
    api_key_env: str | None = None,
    candidates: Sequence[Candidate] = (),
) -> DemoModel:
    """Return what is chosen, where these may be found on this machine."""
    async with open_http() as http:
        return await choose_model(
            http, SIM, llm=llm, model=model, api_key_env=api_key_env, candidates=candidates, within_s=5.0
        )


def options(model: DemoModel) -> dict[str, object]:
    """Return the options of the first that is tried."""
    return {name: given.value for name, given in model.parts[0].stage.options.items()}


@asynccontextmanager
async def running(*servers: ModelServer) -> AsyncGenerator[tuple[Candidate, ...]]:
    """Run model servers, and give where they may be found."""
    async with trio.open_nursery() as nursery:
        loopbacks: list[Loopback] = []

        async def run(server: ModelServer, task_status: trio.TaskStatus[Loopback]) -> None:
            async with serve(server.script) as loopback:
                task_status.started(loopback)
                await trio.sleep_forever()

        for server in servers:
            loopbacks.append(await nursery.start(run, server))
        yield tuple(Candidate(f"n{n}", each.port) for n, each in enumerate(loopbacks))
        nursery.cancel_scope.cancel()


async def test_where_nobody_answers_it_is_the_stand_in() -> None:
    """With nothing to be said."""
    assert await chosen() == DemoModel((stand_in(SIM),))


async def test_a_model_server_comes_first_and_the_stand_in_in_reserve() -> None:
    """The first of the table that has a model; a person is told how to choose another."""
    names = ["a-3b", *(f"m{n}-8b" for n in range(7))]
    async with running(ModelServer(listing("bge-m3")), ModelServer(listing(*names))) as table:
        model = await chosen(candidates=table)
    place = f"127.0.0.1:{table[1].port}"
    assert options(model) == {"base_url": f"http://{place}/v1", "model": "a-3b"}
    assert model.parts[1:] == (stand_in(SIM),)
    assert not model.chosen
    assert model.parts[0].about == f"n1 at {place}"
    [note] = model.notes
    assert note.startswith("Another model (m0-8b, m1-8b, m2-8b, m3-8b, m4-8b and 2 more): --model NAME; ")
    assert note.endswith("the stand-in: --llm sim.")


async def test_a_server_without_a_model_is_told_of() -> None:
    """A person who runs one expects it to answer."""
    async with running(ModelServer(b'{"data": null}')) as table:
        model = await chosen(candidates=table)
    assert model.parts == (stand_in(SIM),)
    assert model.notes == (f"n0 at 127.0.0.1:{table[0].port} answers, and has no model to talk with.",)


@pytest.mark.parametrize(("asked", "taken"), [("llama3.1:70b", "llama3.1:70b"), ("phi4", "phi4:latest")])
async def test_a_model_is_looked_for_on_this_machine(asked: str, taken: str) -> None:
    """On all its servers, by the name that a person types; then nothing else takes its place."""
    first, second = ModelServer(listing("a-3b")), ModelServer(listing("b-3b", "llama3.1:70b", "phi4:latest"))
    async with running(first, second) as table:
        model = await chosen(model=asked, candidates=table)
    assert options(model) == {"base_url": f"http://127.0.0.1:{table[1].port}/v1", "model": taken}
    assert (model.chosen, len(model.parts)) == (True, 1)


async def test_a_model_that_is_nowhere_is_an_error() -> None:
    """With the one that was meant, or what to do."""
    async with running(ModelServer(listing("llama3.2:3b"))) as table:
        with pytest.raises(ConfigError, match=r"^--model: .* did you mean llama3.2:3b\?"):
            await chosen(model="lama3.2:3b", candidates=table)
    with pytest.raises(ConfigError, match=r"^--model: no model server with a model answers on this machine: name"):
        await chosen(model="llama3.2:3b")


async def test_the_stand_in_can_be_asked_for() -> None:
    """Then nobody else is asked."""
    server = ModelServer(listing("m"))
    async with running(server) as table:
        assert await chosen("sim", candidates=table) == DemoModel((stand_in(SIM),), chosen=True)
    assert server.seen == []


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
async def test_a_server_can_be_named(path: str) -> None:
    """By its API or by its root; without a model one is taken that is fit."""
    async with serve(ModelServer(listing("m-70b", "m-3b")).script) as server:
        model = await chosen(f"{server.url}{path}")
        assert options(model) == {"base_url": f"{server.url}/v1", "model": "m-3b"}
        assert options(await chosen(f"{server.url}{path}", "m-70b"))["model"] == "m-70b"
    assert (model.chosen, len(model.parts), model.notes) == (True, 1, ())


async def test_a_model_that_is_not_listed_may_be_there_all_the_same() -> None:
    """Some servers list none of theirs; its first word decides, and till then it is told."""
    async with serve(ModelServer(listing("llama3.2:3b")).script) as server:
        [note] = (await chosen(server.url, "llama3.2")).notes
    assert "is not among the 1 models it lists: did you mean llama3.2:3b?" in note


async def test_a_key_is_sent_where_it_was_named_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is refused with the place to look at."""
    monkeypatch.setenv("SOME_KEY", "persimmon")
    server = ModelServer(listing("m"), key="Bearer persimmon")
    async with serve(server.script) as loopback:
        assert options(await chosen(loopback.url, api_key_env="SOME_KEY"))["api_key_env"] == "SOME_KEY"
        with pytest.raises(
            UpstreamError, match="it wants a key; name the environment variable that holds it"
        ) as caught:
            await chosen(loopback.url, "m")
    assert "persimmon" not in str(caught.value)


@pytest.mark.parametrize("api_key_env", [None, "SOME_KEY"])
async def test_openais_key_goes_to_nobody_else(monkeypatch: pytest.MonkeyPatch, api_key_env: str | None) -> None:
    """It is in many an environment, and an address is quickly mistyped."""
    monkeypatch.setenv("OPENAI_API_KEY", "persimmon")
    monkeypatch.setenv("SOME_KEY", "apple")
    server = ModelServer(listing("m"))
    async with serve(server.script) as loopback:
        await chosen(loopback.url, "m", api_key_env)
    assert server.seen == [("/v1/models", "Bearer apple" if api_key_env else "")]


@pytest.mark.parametrize(
    ("llm", "words"),
    [
        ("localhost:11434", "^--llm: write an http or https URL"),
        ("ftp://127.0.0.1/v1", "^--llm: write an http or https URL"),
        ("http://me:persimmon@127.0.0.1:1/v1", "^--llm: write an http or https URL"),
        ("http://[", "^--llm: write an http or https URL"),
        ("", "^--llm: write|base_url"),
    ],
)
async def test_an_address_that_is_none_is_an_error(llm: str, words: str) -> None:
    """Of the flag, and nothing of it is shown."""
    with pytest.raises(ConfigError, match=words) as caught:
        await chosen(llm, "m")
    assert "persimmon" not in str(caught.value)


async def test_a_key_that_is_not_there_is_an_error() -> None:
    """By the name of its variable."""
    with pytest.raises(ConfigError, match=r"^environment NOT_SET_ANYWHERE: the variable is not set"):
        await chosen("http://127.0.0.1:1/v1", "m", "NOT_SET_ANYWHERE")


@pytest.mark.parametrize("model", [None, "m"])
async def test_a_named_server_that_does_not_answer_is_an_error(model: str | None) -> None:
    """It says where nobody is; nothing takes its place."""
    async with serve(saying(b"")) as gone:
        url = gone.url
    with pytest.raises(UpstreamError, match=f"{url.removeprefix('http://')} cannot be reached"):
        await chosen(url, model)


async def test_a_named_server_that_lists_nothing_has_to_be_told_the_model() -> None:
    """Whatever else it says."""
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
    async with serve(saying(page)) as server:
        with pytest.raises(ConfigError, match=r"^--llm: the server lists no model to talk with: name one by --model"):
            await chosen(server.url)


class Model:
    """One that says these pieces, after so many seconds, and notes how it ended."""

    def __init__(self, *pieces: Any, after_s: float = 0.0, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.after_s = after_s
        self.error = error
        self.ended = ""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[Any]) -> None:
        """Say them."""
        assert turn.messages[0].content == "Be brief."
        await trio.sleep(self.after_s)
        if self.error is not None:
            raise self.error
        try:
            for piece in self.pieces:
                await out.send(piece)
                await trio.sleep(1)
        except trio.Cancelled:
            self.ended = "cancelled"
            raise


@pytest.mark.parametrize("piece", [Delta("Hello"), Thinking()])
async def test_a_model_is_woken_by_one_question(autojump_clock: MockClock, piece: Delta | Thinking) -> None:
    """It is stopped at its first sign of life."""
    model = Model(piece, Delta(" again"), after_s=20.0)
    assert await first_word_s(model, "Be brief.") == 20.0
    assert model.ended == "cancelled"
    assert trio.current_time() == 20.0


async def test_a_model_that_says_nothing_has_been_asked_all_the_same(autojump_clock: MockClock) -> None:
    """It has ended its answer, and did not fail."""
    assert await first_word_s(Model(after_s=3.0), "Be brief.") == 3.0


async def test_a_model_that_fails_is_told(autojump_clock: MockClock) -> None:
    """As itself, without a group round it."""
    with pytest.raises(UpstreamError, match=r"^no such model"):
        await first_word_s(Model(error=UpstreamError("no such model")), "Be brief.")


async def test_a_model_is_not_waited_for_without_end(autojump_clock: MockClock) -> None:
    """One that never says a word is no model for a conversation."""
    with pytest.raises(UpstreamTimeout, match="said nothing for 120 s"):
        await first_word_s(Model(after_s=1e6), "Be brief.")
    assert trio.current_time() == FIRST_WORD_S
