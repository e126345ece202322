"""A call from asyncio, or from a thread without trio, is told so: by every public name that waits."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import re
import sys
import types
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import anyio
import pytest
import trio
import trio.lowlevel

import voxint
from voxint import Agent, Conversation, OutsideTrio, ServerConfig, VoxintError
from voxint.client import Client
from voxint.client.client_socket import ClientSocket
from voxint.inside_trio import Block, require_trio, within_block, within_trio
from voxint.net.http import HttpClient
from voxint.testing.detector import ScriptedDetector
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

MADE_ANYWHERE = {"LanguageModel", "SpeechToText", "TextToSpeech", "TurnDetector"}
MADE_ANYWHERE |= {"ScriptedModel", "ScriptedEars", "ScriptedVoice", "HttpSpeech", "HttpTranscription"}
"""Stages: a pipeline calls them, which has been opened in trio."""

INNER = {"Body", "HttpTransport", "Passage", "Sim", "Server.stand", "Server.reload_when_asked"}
"""What httpx, a proxy, a test's own process and a server call of theirs: nobody meets it who is not in trio already."""


def public(module: str) -> Iterator[tuple[str, Any]]:
    """Yield the public names of a module."""
    home = importlib.import_module(module)
    for name in home.__all__:
        yield name, getattr(home, name)


def waits(function: object) -> bool:
    """Return whether it is a coroutine function, or makes an async context manager."""
    inner = inspect.unwrap(function) if callable(function) else function
    return inspect.iscoroutinefunction(inner) or (inner is not function and inspect.isasyncgenfunction(inner))


def doors(modules: Iterable[str]) -> dict[str, Any]:
    """Return the public functions that wait, by module and name."""
    return {
        f"{module}.{name}": thing
        for module in modules
        for name, thing in public(module)
        if inspect.isfunction(thing) and waits(thing)
    }


def classes(modules: Iterable[str]) -> set[type]:
    """Return the public classes whose objects wait: what a block opens, and what that gives."""
    found = {kind for module in modules for _, kind in public(module) if inspect.isclass(kind)}
    return {kind for kind in found if not {kind.__name__} & (MADE_ANYWHERE | INNER) and inspect.getmembers(kind, waits)}


def methods(modules: Iterable[str]) -> list[str]:
    """Return the public methods of those classes, and what of them is assigned; what is only read changes nothing."""
    return sorted(
        {
            f"{kind.__name__}.{name}"
            for kind in classes(modules)
            for name, member in inspect.getmembers(kind)
            if inspect.isfunction(member) or getattr(member, "fset", None) is not None
            if name == "__anext__" or not name.startswith("_")
        }
        - INNER
    )


DOORS = doors(MODULES)
METHODS = methods(MODULES)


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


def used(things: Mapping[str, object], name: str) -> Callable[[], Coroutine[Any, Any, object]]:
    """Return what uses a method, or assigns, with no argument: nobody looks at those before the guard."""
    kind, _, member = name.partition(".")
    thing = things[kind]
    if isinstance(getattr(type(thing), member), property):
        return functools.partial(called, setattr, thing, member, None)
    return functools.partial(called, getattr(thing, member))


async def refused_elsewhere(things: Mapping[str, object], name: str) -> None:
    """Expect a method to refuse asyncio, and another run of trio, in a thread of their own."""
    for run, told in ((in_asyncio, "this is asyncio"), (trio.run, "this is another run of trio")):
        belongs = rf"^[\w. ]+ belongs to the trio that opened it, and {told}: hand the call over to its thread"
        with pytest.raises(OutsideTrio, match=belongs):
            await trio.to_thread.run_sync(run, used(things, name))


def wanted(function: Callable[..., Any]) -> dict[str, Any]:
    """Return something for each argument that has to be given; what, nobody looks at before the guard, but for a URL.

    That is judged where it is written, before the block is entered.
    """
    parameters = inspect.signature(function).parameters.values()
    needed = [each.name for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD]
    return {name: "ws://127.0.0.1:1/" if name == "url" else None for name in needed}


def refused_in_asyncio(name: str, door: Callable[..., Any]) -> None:
    """Expect a door to refuse asyncio, by its own name."""
    told = rf"^{name.rpartition('.')[2]} needs trio, and this is asyncio: start the program with `trio\.run\(main\)`"
    with pytest.raises(OutsideTrio, match=told):
        asyncio.run(called(door, **wanted(door)))


@pytest.mark.parametrize("name", DOORS)
def test_every_door_tells_who_comes_from_asyncio(name: str) -> None:
    """By its own name, with what to do, before it looks at what it was given."""
    refused_in_asyncio(name, DOORS[name])


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
        async with AsyncExitStack() as stack:
            waits = isinstance(manager, AbstractAsyncContextManager)
            value = await stack.enter_async_context(manager) if waits else stack.enter_context(manager)
            task_status.started(value)
            await trio.sleep_forever()

    async def served(task_status: trio.TaskStatus[Any]) -> None:
        await voxint.serve(agent, ServerConfig(port=0), task_status=task_status)

    agent = Agent(llm=ScriptedModel("word ", 0.05, REPEAT), stt=ScriptedEars(HEAR, "hello"), vad=ScriptedDetector())
    conversation: Conversation = await nursery.start(hold, voxint.open_conversation(agent))
    server: voxint.Server = await nursery.start(served)
    client: Client = await nursery.start(hold, voxint.connect(server.url))
    http: HttpClient = await nursery.start(hold, voxint.open_http())
    upload = await client.open_voice()
    listens: Client = await nursery.start(hold, voxint.connect(server.url, features=["server_vad"]))
    things = (
        await nursery.start(hold, conversation.listen_always()),
        await nursery.start(hold, listens.listen_always()),
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
    """Neither by asyncio in it, nor by another trio, nor by a plain one; what was opened in trio works on."""
    async with trio.open_nursery() as nursery:
        things = await opened(nursery)
        assert {kind.__name__ for kind in classes(MODULES)} == set(things)
        for name in METHODS:
            await refused_elsewhere(things, name)
        conversation: Any = things["Conversation"]
        with pytest.raises(OutsideTrio, match="no event loop runs in this thread: hand the call over"):
            await trio.to_thread.run_sync(conversation.ask, "Hello")
        assert await anext(conversation.ask("Hello")) == voxint.Text("word ")
        nursery.cancel_scope.cancel()


def test_the_methods_are_found() -> None:
    """The test above looks at what waits, at what does not, and at what is assigned."""
    assert {*METHODS} >= {
        *("Client.interrupt", "Client.played", "Conversation.ask", "Conversation.settings", "HttpClient.warm"),
        *("RemoteReply.__anext__", "Reply.interrupt_nowait", "Server.shut_down", "VoiceReply.end", "VoiceUpload.send"),
    }


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


async def beside(
    guest: Callable[[asyncio.Future[Any], trio.Event], Coroutine[Any, Any, None]],
    host: Callable[[Any], Coroutine[Any, Any, None]],
) -> None:
    """Run `guest` in trio, as a guest of the asyncio that runs, and then `host` beside it, with what `guest` gives."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    begun: asyncio.Future[Any] = loop.create_future()
    over = trio.Event()
    trio.lowlevel.start_guest_run(
        guest, begun, over, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
    )
    await asyncio.wait([begun, done], return_when=asyncio.FIRST_COMPLETED)
    try:
        if not done.done():
            await host(begun.result())
    finally:
        over.set()
        (await done).unwrap()


def test_trio_as_a_guest_of_asyncio_is_trio() -> None:
    """A task of the guest opens what it likes; the host may ask and interrupt, which don't wait, and opens nothing."""
    seen: list[object] = []

    async def guest(begun: asyncio.Future[Any], over: trio.Event) -> None:
        async with voxint.open_conversation(Agent(llm=ScriptedModel("Yes."))) as conversation:
            begun.set_result(conversation)
            await over.wait()
            seen.extend(exchange.user for exchange in conversation.history)

    async def host(conversation: Conversation) -> None:
        with pytest.raises(OutsideTrio, match="open_http needs trio, and this is asyncio"):
            await called(voxint.open_http)
        conversation.ask("Hello")
        conversation.interrupt_nowait()

    asyncio.run(beside(guest, host))
    assert seen == ["Hello"]


def test_what_waits_is_refused_to_the_host_before_it_has_done_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """No frame has left for the server, which would have interrupted every reply; and none is interrupted here."""
    left: list[str | bytes] = []

    async def guest(begun: asyncio.Future[Any], over: trio.Event) -> None:
        async with trio.open_nursery() as nursery:
            things: Any = await opened(nursery)
            with monkeypatch.context() as watched:
                watched.setattr(ClientSocket, "post", lambda socket, frame: left.append(frame))
                begun.set_result(things)
                await over.wait()
            assert things["VoiceReply"].receipt is None
            assert not things["RemoteReply"].ended
            assert (await things["Client"].interrupt()).status == "SUCCESS"
            nursery.cancel_scope.cancel()

    async def host(things: Mapping[str, Any]) -> None:
        for name in METHODS:
            kind, _, method = name.partition(".")
            if waits(getattr(type(things[kind]), method)):
                with pytest.raises(OutsideTrio, match="belongs to the trio that opened it, and this is asyncio"):
                    await used(things, name)()

    asyncio.run(beside(guest, host))
    assert left == []


def test_a_program_without_asyncio_does_not_load_it_for_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not loaded does not run."""
    monkeypatch.delitem(sys.modules, "asyncio")
    with pytest.raises(OutsideTrio, match=re.escape("x needs trio, and no event loop runs in this thread: ")):
        require_trio("x")
    assert "asyncio" not in sys.modules


async def open_guarded() -> None:
    """A door as it should be."""
    require_trio("open_guarded")


async def open_bare() -> None:
    """A door without a look."""
    await trio.lowlevel.checkpoint()


class Half:
    """What was opened, of which one half looks where it is called."""

    def __init__(self) -> None:
        self._block = Block()

    @within_trio
    async def wait(self) -> None:
        """Wait, in trio."""

    @within_block
    def act(self) -> None:
        """Act, in trio."""

    async def wait_anywhere(self) -> None:
        """Wait, wherever that is."""
        await trio.lowlevel.checkpoint()

    def act_anywhere(self) -> None:
        """Act, in any thread."""


@pytest.fixture
def half(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a module of which one half is guarded."""
    module = types.ModuleType("half")
    vars(module).update(__all__=["Half", "open_bare", "open_guarded"])
    vars(module).update(Half=Half, open_bare=open_bare, open_guarded=open_guarded)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def test_an_unguarded_door_is_found(half: str) -> None:
    """The test of the doors fails for the one that waits for trio without a look, and for no other."""
    found = doors([half])
    assert set(found) == {"half.open_bare", "half.open_guarded"}
    refused_in_asyncio("half.open_guarded", found["half.open_guarded"])
    with pytest.raises(RuntimeError, match="Task got bad yield"):
        refused_in_asyncio("half.open_bare", found["half.open_bare"])


async def test_an_unguarded_method_is_found(half: str) -> None:
    """The test of the methods fails for what waits without a look, and for what acts without one."""
    assert methods([half]) == ["Half.act", "Half.act_anywhere", "Half.wait", "Half.wait_anywhere"]
    things = {"Half": Half()}
    await refused_elsewhere(things, "Half.wait")
    await refused_elsewhere(things, "Half.act")
    with pytest.raises(RuntimeError, match="Task got bad yield"):
        await refused_elsewhere(things, "Half.wait_anywhere")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await refused_elsewhere(things, "Half.act_anywhere")
