"""Which language model answers in the demo: one on this machine, one that a person names, or the stand-in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import trio
from attrs import evolve, frozen

from voxint.cli.demo_stages import DemoPart, demo_stage
from voxint.cli.local_models import LOCAL, WITHIN_S, Candidate, LocalServer, find_local_servers
from voxint.cli.model_choice import KnownModel, fit_for_talk
from voxint.core.dialogue import ChatMessage
from voxint.core.stages import LanguageModel, ModelOutput, Turn
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.http import HttpClient
from voxint.providers.openai_chat import OpenAIChat
from voxint.server.config_file import did_you_mean
from voxint.testing.sim import SimAddress

__all__ = ["STAND_IN", "DemoModel", "choose_model", "first_word_s", "stand_in"]

STAND_IN = "sim"
"""What to write for the stand-in where a model server's address is written."""

FIRST_WORD_S = 120.0
"""Seconds for the first word of a model that may have to be loaded for it; ours: a large one from a slow disk."""

SHOWN_MODELS = 5
"""Other models that are named to a person; ours: a line of them."""

OPENAI = ("api.openai.com", "OPENAI_API_KEY")
"""The host that gets a key unasked, and the variable that holds it. Another's key has to be named: it goes nowhere that
it was not meant for."""


@frozen
class DemoModel:
    """Who answers.

    Args:
        parts: To be tried in this order.
        chosen: Whether a person chose it: then nothing else takes its place.
        notes: What there is to say of the choice, a sentence each.
    """

    parts: tuple[DemoPart, ...]
    chosen: bool = False
    notes: tuple[str, ...] = ()


def stand_in(sim: SimAddress) -> DemoPart:
    """Return the simulated model."""
    options = {"base_url": sim.base_url, "model": "sim"}
    about = "no language model; it says a script, else what it heard"
    return DemoPart("the stand-in", about, demo_stage("llm", "openai_chat", options))


async def choose_model(
    http: HttpClient,
    sim: SimAddress,
    *,
    llm: str | None,
    model: str | None,
    api_key_env: str | None,
    candidates: Sequence[Candidate] = LOCAL,
    within_s: float = WITHIN_S,
) -> DemoModel:
    """Decide who answers: whom a person named, else a model server on this machine, else the stand-in.

    Args:
        http: The client to ask with.
        sim: The stand-in.
        llm: An API's address, or `STAND_IN`; None: what is found.
        model: A model's name; None: one that is fit.
        api_key_env: The variable that holds the key for `llm`; None: there is none, but see `OPENAI`.
        candidates: Where on this machine a model server may be.
        within_s: Seconds that all of these have.

    Raises:
        ConfigError: What a person named can't be, or is not there.
        UpstreamError: The server that a person named does not answer, or refuses.
    """
    if llm == STAND_IN:
        return DemoModel((stand_in(sim),), chosen=True)
    if llm is not None:
        return await _named(http, llm, model, api_key_env)
    servers = await find_local_servers(candidates, within_s=within_s)
    if model is not None:
        return DemoModel((_with_model(servers, model),), chosen=True)
    for server in servers:
        if server.models:
            return DemoModel((_part(server, server.models[0]), stand_in(sim)), notes=_others(server))
    empty = tuple(f"{server.name} at {server.place} answers, and has no model to talk with." for server in servers)
    return DemoModel((stand_in(sim),), notes=empty)


def _part(server: LocalServer, model: str) -> DemoPart:
    stage = demo_stage("llm", "openai_chat", {"base_url": server.base_url, "model": model})
    return DemoPart(model, f"{server.name} at {server.place}", stage)


def _others(server: LocalServer) -> tuple[str, ...]:
    """Return how to choose another model than the first."""
    names = server.models[1:]
    more = f" and {len(names) - SHOWN_MODELS} more" if len(names) > SHOWN_MODELS else ""
    has = f" ({', '.join(names[:SHOWN_MODELS])}{more})" if names else ""
    return (f"Another model{has}: --model NAME; another server: --llm URL; the stand-in: --llm {STAND_IN}.",)


def _with_model(servers: Sequence[LocalServer], model: str) -> DemoPart:
    """Return the model of that name; Ollama's `llama3.2` means its `llama3.2:latest`."""
    for name in (model, f"{model}:latest"):
        for server in servers:
            if name in server.models:
                return _part(server, name)
    known = [name for server in servers for name in server.models]
    if not known:
        raise ConfigError("--model", "no model server with a model answers on this machine: name one by --llm URL")
    raise ConfigError("--model", f"no model server on this machine has one of this name; {did_you_mean(model, known)}")


async def _named(http: HttpClient, llm: str, model: str | None, api_key_env: str | None) -> DemoModel:
    """Return the model at an address; the server has answered, and so it is there."""
    base_url, host = _with_path(llm)
    if api_key_env is None and host == OPENAI[0] and os.environ.get(OPENAI[1]):
        api_key_env = OPENAI[1]
    try:
        server = OpenAIChat(base_url, model or "any", http=http, api_key_env=api_key_env)
    except ConfigError as error:
        raise (evolve(error, place="--llm") if error.place.endswith("base_url") else error) from error
    notes: tuple[str, ...] = ()
    if model is None:
        listed = await server.list_models()
        fit = fit_for_talk(KnownModel(each.id) for each in listed or ())
        if not fit:
            raise ConfigError("--llm", "the server lists no model to talk with: name one by --model")
        model = fit[0]
    elif (verdict := await server.check()).warning:
        notes = (f"{verdict.words[:1].upper()}{verdict.words[1:]}.",)
    options = {"base_url": base_url, "model": model} | ({"api_key_env": api_key_env} if api_key_env else {})
    stage = demo_stage("llm", "openai_chat", options)
    return DemoModel((DemoPart(model, urlsplit(base_url).netloc, stage),), chosen=True, notes=notes)


def _with_path(url: str) -> tuple[str, str]:
    """Return an API's address, and the host that may get a key; of a server's root it is what all of them have."""
    try:
        parts = urlsplit(url.rstrip("/"))
    except ValueError:
        return url, ""  # told by whom it is given to
    bare = parts.scheme in ("http", "https") and parts.netloc and not (parts.path or parts.query or parts.fragment)
    return parts.geturl() + "/v1" * bool(bare), parts.hostname or "" if parts.scheme == "https" else ""


async def first_word_s(llm: LanguageModel, prompt: str) -> float:
    """Have a model begin an answer, and stop it; return the seconds to its first sign of life.

    A server loads a model when it is first asked, and reads the prompt once for all turns to come.

    Raises:
        UpstreamError: It refused or failed.
        UpstreamTimeout: It was silent for `FIRST_WORD_S`.
    """
    begin = trio.current_time()
    send, receive = trio.open_memory_channel[ModelOutput](0)
    failed: UpstreamError | None = None

    async def answer() -> None:
        nonlocal failed
        async with send:
            try:
                await llm.generate(Turn((ChatMessage("system", prompt), ChatMessage("user", "Hello!"))), send)
            except UpstreamError as error:
                failed = error

    with trio.move_on_after(FIRST_WORD_S):
        async with receive, trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            with suppress(trio.EndOfChannel):
                await receive.receive()
                nursery.cancel_scope.cancel(reason="it has begun to answer")
        if failed is not None:
            raise failed
        return trio.current_time() - begin
    raise UpstreamTimeout(f"the model said nothing for {FIRST_WORD_S:g} s")
