"""`voxint demo`: a whole server with nothing but this machine."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import click
import trio

from voxint.cli.outside import Outside, run_outside
from voxint.cli.running import run_server
from voxint.cli.say import DEFAULT_URL
from voxint.cli.serve import log_options
from voxint.cli.terminal import echo
from voxint.core.agent import Agent
from voxint.core.failure import Stage
from voxint.extras import to_add
from voxint.providers.pocketsphinx import demo_sentences
from voxint.server.config import ServerConfig
from voxint.server.config_file import Config, Given, StageConfig
from voxint.server.serve import Server
from voxint.testing.sim import SimAddress, serve_sim

__all__ = ["demo"]

SPEECH = ("espeakng_loader", "pocketsphinx")
"""What the server of the demo needs of the `speech` extra."""

PROMPT = "You are the voice of the voxint demo. Answer in the language of the question."


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=ServerConfig().port, show_default=True, help="0: any free one."
)
@log_options
def demo(port: int) -> None:
    """Serve a stand-in on this machine: no key, no network, nothing to set up.

    A simulated model answers from a script, espeak-ng speaks, and pocketsphinx understands a few English sentences.
    """
    speaks = all(importlib.util.find_spec(name) for name in SPEECH)

    async def main(outside: Outside) -> None:
        async with trio.open_nursery() as nursery:
            sim: SimAddress = await nursery.start(serve_sim)
            await run_server(_config(port, sim, speaks=speaks), outside, _welcome)
            nursery.cancel_scope.cancel(reason="the demo is over")

    run_outside(main)


def _config(port: int, sim: SimAddress, *, speaks: bool) -> Config:
    return Config(
        server=ServerConfig(port=port, drain_s=1.0),
        prompt=PROMPT,
        llm=_stage("llm", "openai_chat", {"base_url": sim.base_url, "model": "sim"}),
        stt=_stage("stt", "pocketsphinx", {"grammar": "demo"}) if speaks else None,
        tts=_stage("tts", "espeak", {}) if speaks else None,
    )


def _stage(kind: Stage, provider: str, options: Mapping[str, object]) -> StageConfig:
    given = {name: Given(value, f"the demo's {name}", typed=True) for name, value in options.items()}
    return StageConfig(kind, provider, "the demo", given)


def _command(called: str) -> str:
    """Return what to type for `voxint` in another terminal; it is not on the search path everywhere."""
    if shutil.which("voxint"):
        return "voxint"
    path = Path(called)  # such as .venv/bin/voxint, where the environment is not active
    if path.stem == "voxint":
        return called
    return f"{sys.executable} -m voxint" if path.name == "__main__.py" else "voxint"


def _welcome(server: Server, agent: Agent) -> None:
    """Print where the demo is, what to try, and what it is not."""
    say = f"{_command(sys.argv[0])} say" + ("" if server.url == DEFAULT_URL else f" --url {server.url}")
    page = f"http://127.0.0.1:{server.port}/"
    lines = [
        f" is ready at {server.url}",
        f"a page about it: {page}",
        "",
        "Try these in another terminal, and press Ctrl-C in the middle of an answer:",
        "在另一个终端里试试，回答到一半时按 Ctrl-C 打断：",
        "",
        f'  {say} "Tell me a story"',
        f'  {say} "给我讲个故事"',
        f'  {say} --interrupt-after 2 "Count to twenty"',
    ]
    if agent.tts is not None:
        lines.append(f'  {say} --out story.wav "Tell me a story"')
    lines += ["", "The model is a stand-in that answers from a script; no language model runs here."]
    if agent.stt is not None:
        sentences = textwrap.fill(" · ".join(demo_sentences()), 100, initial_indent="  ", subsequent_indent="  ")
        lines += [
            "",
            "The recogniser is a stand-in too: of a voice it understands these English sentences and nothing else,",
            f"and takes anything for the one that sounds most like it. Say one in a sound file: {say} FILE.wav",
            "",
            sentences,
        ]
    else:
        lines += [
            "",
            "Text only: for speech, install the extra and start again:",
            f"  {to_add('speech')}",
        ]
    echo()
    echo("voxint demo", nl=False, bold=True)
    echo("\n".join([*lines, "", "Ctrl-C here ends the demo.", ""]))
