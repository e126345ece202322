"""`voxint demo`: a whole server with nothing but this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, cast

import click
import trio

from voxint.cli.agent import open_stage
from voxint.cli.demo_model import STAND_IN, DemoModel, choose_model, first_word_s, stand_in
from voxint.cli.demo_stages import (
    MODULES,
    PART,
    DemoPart,
    DemoStages,
    Opened,
    OpenPart,
    choose_stages,
    open_chosen,
    open_first,
)
from voxint.cli.demo_welcome import DemoCast, welcome
from voxint.cli.loading import Loading, show_loading
from voxint.cli.outside import Outside, run_outside
from voxint.cli.running import check_place, serve_agent, server_process
from voxint.cli.serve import log_options
from voxint.cli.together import open_together
from voxint.core.stages import LanguageModel
from voxint.extras import to_add
from voxint.net.http import HttpClient, open_http
from voxint.server.config import ServerConfig
from voxint.testing.sim import SimAddress, serve_sim

__all__ = ["demo"]

PROMPT = (
    "You are the voice of the voxint demo. Your words are spoken aloud: answer in one to three short sentences, in "
    "plain words as people speak, without Markdown, lists, links, code or emoji. Use the language of the question."
)


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=ServerConfig().port, show_default=True, help="0: any free one."
)
@click.option("--light", is_flag=True, help="The small voice and ears, espeak-ng and pocketsphinx: they load at once.")
@click.option(
    "--llm", metavar="URL|sim", help="The model's server, such as http://127.0.0.1:11434/v1; sim: the stand-in."
)
@click.option("--model", metavar="NAME", help="The model; by default one of the server's that is fit for talking.")
@click.option(
    "--api-key-env",
    metavar="VARIABLE",
    envvar="VOXINT_LLM_API_KEY_ENV",
    show_envvar=True,
    help="The name of the variable that holds the key for --llm.",
)
@log_options
def demo(port: int, light: bool, llm: str | None, model: str | None, api_key_env: str | None) -> None:
    """Serve a voice on this machine: no key, no network, nothing to set up.

    Kokoro speaks and Moonshine listens, or what takes their place. A language model answers where a model server runs
    on this machine (Ollama, llama.cpp, LM Studio, vLLM), or at --llm; else a stand-in, from a script.
    """
    if model is not None and llm == STAND_IN:
        raise click.UsageError("the stand-in is no model: leave out --model, or name a server by --llm")
    installed = {name for name in MODULES if importlib.util.find_spec(name)}
    stages = choose_stages(installed, light=light, remedy=to_add("speech"))

    server = ServerConfig(port=port, drain_s=1.0)

    async def main(outside: Outside) -> None:
        await check_place(server)  # before a person has waited for models
        async with server_process(), trio.open_nursery() as nursery, open_http() as http:
            sim: SimAddress = await nursery.start(serve_sim)

            async def choose(loading: Loading) -> DemoModel:
                if llm != STAND_IN:
                    loading.begin("model", "looking for a server")
                return await choose_model(http, sim, llm=llm, model=model, api_key_env=api_key_env)

            async with _open(stages, choose, partial(_open_part, http=http, stand_in=stand_in(sim))) as opened:
                config = opened.config(PROMPT, server)
                await serve_agent(opened.agent(PROMPT), config, outside, partial(welcome, opened, server))
            nursery.cancel_scope.cancel(reason="the demo is over")

    run_outside(main)


@asynccontextmanager
async def _open(
    stages: DemoStages, choose: Callable[[Loading], Awaitable[DemoModel]], open_part: OpenPart
) -> AsyncGenerator[DemoCast]:
    """Open all stages at once, for the block, and show how they load until it begins."""
    async with AsyncExitStack() as stack:
        with show_loading("voxint demo is loading", *PART.values()) as loading:
            model = await choose(loading)
            openings = {
                "llm": _open_model(model, open_part, loading),
                "stt": open_first(stages.ears, open_part, loading),
                "tts": open_first(stages.voices, open_part, loading),
                "vad": open_first(stages.detectors, open_part, loading),
            }
            opened: dict[str, Any] = await stack.enter_async_context(open_together(openings))
        yield DemoCast(**opened, notes=stages.notes + model.notes)


def _open_model(model: DemoModel, open_part: OpenPart, loading: Loading) -> AbstractAsyncContextManager[Opened]:
    """Open a model that was chosen, or no other; else the first that can be opened."""
    return (
        open_chosen(model.parts[0], open_part, loading) if model.chosen else open_first(model.parts, open_part, loading)
    )


@asynccontextmanager
async def _open_part(part: DemoPart, http: HttpClient, stand_in: DemoPart) -> AsyncGenerator[object]:
    """Enter the provider of a part; a language model has said its first word then."""
    async with open_stage(part.stage, http) as stage:
        if part.stage.kind == "llm" and part != stand_in:
            await first_word_s(cast("LanguageModel", stage), PROMPT)
        yield stage
