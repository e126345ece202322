"""A call from asyncio, or from a thread without trio, is told so: by every public name that waits."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest
import trio
import trio.lowlevel

import voxint
from voxint import Agent, Conversation, OutsideTrio, ServerConfig, VoxintError
from voxint.client import Client, VoiceUpload
from voxint.inside_trio import require_trio
from voxint.net.http import HttpClient
from voxint.testing.stages import HEAR, REPEAT, ScriptedEars, ScriptedModel

MODULES = (
    "voxint",
    "voxint.background",
    "voxint.client",
    "voxint.net.http",
    "voxint.net.transport",
    "voxint.testing.chaos",
    "voxint.testing.conformance",
    "voxint.testing.invariants",
    "voxint.testing.sim",
    "voxint.testing.stages",
    "voxint.testing.upstream_stages",
)
"""Where the library's page says that its public names live."""

MADE_ANYWHERE = {"LanguageModel", "SpeechToText", "TextToSpeech"}
MADE_ANYWHERE |= {"ScriptedModel", "ScriptedEars", "ScriptedVoice", "HttpSpeech", "HttpTranscription"}
"""Stages: a pipeline calls them, which has been opened in trio."""

INNER = {"Body", "HttpTransport", "Passage", "Sim", "Server.stand", "Server.reload_when_asked"}
"""What httpx, a proxy, a test's own process and a server call of theirs: nobody meets it who is not in trio already."""

ARGUMENTS: dict[str, tuple[object, ...]] = {
    "Client.send_text": ("Hello",),
    "Client.send_voice": (bytes(2),),
    "HttpClient.stream": ("GET", "http://127.0.0.1:1/"),
    "VoiceUpload.send": (bytes(2),),
    "VoiceUpload.send_all": (trio.open_memory_channel[bytes](0)[1],),
}
"""Of methods that need some."""

KEYWORDS: dict[str, dict[str, object]] = {"Client.update": {"require_tts": False}}

PLAIN = {
    "Conversation.ask": ("Hello",),
    "Conversation.interrupt_nowait": (),
    "Conversation.listen": (),
    "Client.played": ("req_1", 10.0),
    "Reply.interrupt_nowait": (),
    "Reply.played": (10.0,),
    "Server.reload_soon": (),
    "Server.shut_down": (),
    "VoiceReply.end": (),
    "VoiceReply.send": (bytes(2),),
}
"""Methods that don't wait and yet change what trio's thread is at work on."""


def public(module: str) -> Iterator[tuple[str, Any]]:
    """Yield the public names of a module."""
    home = importlib.import_module(module)
    for name in home.__all__:
        yield name, getattr(home, name)


def waits(function: object) -> bool:
    """Return whether it is a coroutine function, or makes an async context manager."""
    inner = inspect.unwrap(function) if callable(function) else function
    return inspect.iscoroutinefunction(inner) or (inner is not function and inspect.isasyncgenfunction(inner))


DOORS = {
    f"{module}.{name}": thing
    for module in MODULES
    for name, thing in public(module)
    if inspect.isfunction(thing) and waits(thing)
}

METHODS = sorted(
    {
        f"{kind.__name__}.{name}"
        for module in MODULES
        for _, kind in public(module)
        if inspect.isclass(kind) and not {kind.__name__} & (MADE_ANYWHERE | INNER)
        for name, method in inspect.getmembers(kind, waits)
        if name == "__anext__" or not name.startswith("_")
    }
    - INNER
)


async def called(function: Callable[..., Any], *arguments: object, **keywords: object) -> object:
    """Call, and wait for what has to be waited for."""
    result = function(*arguments, **keywords)
    if isinstance(result, AbstractAsyncContextManager):
        async with result:
            return None
    return await result if inspect.isawaitable(result) else result


def in_asyncio(call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Call in an event loop of asyncio's."""
    asyncio.run(call())


def wanted(function: Callable[..., Any]) -> dict[str, Any]:
    """Return something for each argument that has to be given; what, nobody looks at before the guard, but for a URL.

    That is judged where it is written, before the block is entered.
    """
    parameters = inspect.signature(function).parameters.values()
    needed = [each.name for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD]
    return {name: "ws://127.0.0.1:1/" if name == "url" else None for name in needed}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_tells_who_comes_from_asyncio(name: str) -> None:
    """By its own name, with what to do, before it looks at what it was given."""
    door = DOORS[name]
    told = rf"^{name.rpartition('.')[2]} needs trio, and this is asyncio: start the program with `trio\.run\(main\)`"
    with pytest.raises(OutsideTrio, match=told):
        asyncio.run(called(door, **wanted(door)))


def test_the_doors_are_found() -> None:
    """The test above looks at those that a first program calls."""
    assert {name.rpartition(".")[2] for name in DOORS} >= {
        *("connect", "open_conversation", "open_http", "serve", "open_transport", "open_background"),
        *("check_language_model", "check_speech_to_text", "check_text_to_speech"),
        *("open_chaos", "serve_sim", "sim_process"),
    }


def test_a_thread_without_an_event_loop_is_told_so() -> None:
    """Whoever steps through a coroutine by hand, or by another loop than these two."""
    with pytest.raises(OutsideTrio, match="no event loop runs in this thread: start the program with"):
        voxint.open_conversation(Agent(llm=ScriptedModel("Yes."))).__aenter__().send(None)


def test_the_error_is_one_of_ours_and_one_that_python_has_for_it() -> None:
    """Who catches either finds it; the page that it names is there."""
    assert issubclass(OutsideTrio, VoxintError)
    assert issubclass(OutsideTrio, RuntimeError)


def test_anyio_on_trio_is_trio() -> None:
    """And on asyncio it is asyncio, which is its default."""

    async def main() -> str:
        async with voxint.open_conversation(Agent(llm=ScriptedModel("Yes."))) as conversation:
            return await conversation.ask("Hello").text()

    assert anyio.run(main, backend="trio") == "Yes."
    with pytest.raises(OutsideTrio, match=r'this is asyncio: .*backend="trio"'):
        anyio.run(main)


async def opened(nursery: trio.Nursery) -> dict[str, object]:
    """Return one of each class that the methods are of, live until the nursery is cancelled."""

    async def hold(manager: Any, task_status: trio.TaskStatus[Any]) -> None:
        async with manager as value:
            task_status.started(value)
            await trio.sleep_forever()

    async def served(task_status: trio.TaskStatus[Any]) -> None:
        await voxint.serve(agent, ServerConfig(port=0), task_status=task_status)

    agent = Agent(llm=ScriptedModel("word ", 0.05, REPEAT), stt=ScriptedEars(HEAR, "hello"))
    conversation: Conversation = await nursery.start(hold, voxint.open_conversation(agent))
    server: voxint.Server = await nursery.start(served)
    client: Client = await nursery.start(hold, voxint.connect(server.url))
    http: HttpClient = await nursery.start(hold, voxint.open_http())
    upload = await client.open_voice()
    things = (
        conversation,
        conversation.ask("Hello"),
        conversation.listen(),
        server,
        client,
        http,
        upload,
        upload.reply,
    )
    return {type(thing).__name__: thing for thing in things}


async def test_no_method_is_called_from_another_thread() -> None:
    """Neither by a program of asyncio in it, nor by a plain one; what was opened in trio works on."""
    async with trio.open_nursery() as nursery:
        things = await opened(nursery)
        assert {name.partition(".")[0] for name in METHODS} == set(things)
        for name in [*METHODS, *PLAIN]:
            kind, _, method = name.partition(".")
            bound, arguments = getattr(things[kind], method), PLAIN.get(name, ARGUMENTS.get(name, ()))
            call = functools.partial(called, bound, *arguments, **KEYWORDS.get(name, {}))
            with pytest.raises(OutsideTrio) as told:
                await trio.to_thread.run_sync(in_asyncio, call)
            assert " belongs to the trio that opened it, and this is asyncio: hand the call over" in str(told.value)
        conversation: Any = things["Conversation"]
        with pytest.raises(OutsideTrio, match="no event loop runs in this thread: hand the call over"):
            await trio.to_thread.run_sync(conversation.ask, "Hello")
        assert await anext(conversation.ask("Hello")) == voxint.Text("word ")
        nursery.cancel_scope.cancel()


async def test_a_call_that_is_handed_over_is_in_trio() -> None:
    """From a thread that trio knows, and from any other with its token."""
    async with voxint.open_conversation(Agent(llm=ScriptedModel("word ", 0.05, REPEAT))) as conversation:
        token = trio.lowlevel.current_trio_token()

        def elsewhere() -> object:
            reply = trio.from_thread.run_sync(conversation.ask, "Hello", trio_token=token)
            assert trio.from_thread.run(reply.__anext__, trio_token=token) == voxint.Text("word ")
            return trio.from_thread.run(conversation.interrupt, "BUTTON", trio_token=token)

        receipts: Any = await trio.to_thread.run_sync(elsewhere)
    assert [receipt.reason for receipt in receipts.values()] == ["BUTTON"]


def test_trio_as_a_guest_of_asyncio_is_trio() -> None:
    """A task of the guest opens what it likes; the host may ask and interrupt, which don't wait, and opens nothing."""
    seen: list[object] = []

    async def guest(begun: asyncio.Future[Conversation], over: trio.Event) -> None:
        async with voxint.open_conversation(Agent(llm=ScriptedModel("Yes."))) as conversation:
            begun.set_result(conversation)
            await over.wait()
            seen.extend(exchange.user for exchange in conversation.history)

    async def host() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        begun: asyncio.Future[Conversation] = loop.create_future()
        over = trio.Event()
        trio.lowlevel.start_guest_run(
            guest, begun, over, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
        )
        conversation = await begun
        with pytest.raises(OutsideTrio, match="open_http needs trio, and this is asyncio"):
            await called(voxint.open_http)
        with pytest.raises(OutsideTrio, match=r"Conversation\.interrupt belongs to the trio that opened it"):
            await conversation.interrupt()
        conversation.ask("Hello")
        conversation.interrupt_nowait()
        over.set()
        (await done).unwrap()

    asyncio.run(host())
    assert seen == ["Hello"]


def test_a_program_without_asyncio_does_not_load_it_for_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not loaded does not run."""
    monkeypatch.delitem(sys.modules, "asyncio")
    with pytest.raises(OutsideTrio, match=re.escape("x needs trio, and no event loop runs in this thread: ")):
        require_trio("x")
    assert "asyncio" not in sys.modules


def test_an_unguarded_door_is_found() -> None:
    """The tests above can fail: a coroutine function that waits for trio without a look is no `OutsideTrio`."""

    async def open_bare() -> None:
        await trio.lowlevel.checkpoint()

    with pytest.raises(RuntimeError) as told:
        asyncio.run(called(open_bare))
    assert not isinstance(told.value, OutsideTrio)
    assert waits(VoiceUpload.send)
