"""What the demo says of itself when it is ready: where it is, what each part of it is, what to try."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from voxint.cli.demo_stages import KOKORO, POCKETSPHINX, Opened
from voxint.cli.opening import opening
from voxint.cli.say import DEFAULT_URL
from voxint.cli.terminal import echo
from voxint.core.agent import Agent, Limits
from voxint.extras import to_add
from voxint.providers.pocketsphinx import demo_sentences
from voxint.server.config import ServerConfig
from voxint.server.config_file import Config
from voxint.server.serve import Server

__all__ = ["DemoCast", "command", "welcome"]

SLOW_S = 5.0
"""Seconds to a model's first word from which on a person is told that it was loaded for it; ours."""

LIMITS = Limits(seat_kept_s=0.0)
"""The demo's callers are mostly one person, with a new session for each question."""

WIDTH = 100
"""Characters in a line of the list of sentences, where the terminal has as many; ours."""


@frozen
class DemoCast:
    """Who does the demo's stages.

    Args:
        llm: The model; it is there.
        stt: The ears.
        tts: The voice.
        vad: What tells the ears that somebody speaks; without it a microphone can't be always open.
        notes: What there is to say of the choice, a sentence each.
    """

    llm: Opened
    stt: Opened
    tts: Opened
    vad: Opened
    notes: tuple[str, ...] = ()

    def agent(self, prompt: str) -> Agent:
        """Return the agent that they are."""
        parts: dict[str, Any] = {
            "llm": self.llm.stage,
            "stt": self.stt.stage,
            "tts": self.tts.stage,
            "vad": self.vad.stage,
        }
        return Agent(**parts, prompt=prompt, limits=LIMITS)

    def config(self, prompt: str, server: ServerConfig) -> Config:
        """Return the configuration that makes the same."""
        opened = (self.llm, self.stt, self.tts, self.vad)
        parts: dict[str, Any] = {each.part.stage.kind: each.part.stage for each in opened if each.part}
        return Config(server=server, prompt=prompt, limits=LIMITS, **parts)


def command(called: str) -> str:
    """Return what to type for `voxint` in another terminal; it is not on the search path everywhere.

    Args:
        called: By what this process was called.
    """
    if shutil.which("voxint"):
        return "voxint"
    path = Path(called)  # such as .venv/bin/voxint, where the environment is not active
    if path.stem == "voxint":
        return called
    return f"{sys.executable} -m voxint" if path.name == "__main__.py" else "voxint"


def welcome(cast: DemoCast, config: ServerConfig, server: Server) -> None:
    """Print where the demo is, what its parts are, what to try, and what it lacks.

    Args:
        cast: Who does the demo's stages.
        config: Its server's settings.
        server: That server.
    """
    voxint = command(sys.argv[0])
    say = f"{voxint} say" + ("" if server.url == DEFAULT_URL else f" --url {server.url}")
    lines = ("", *_parts(cast), "", *_to_try(cast, say), *_to_know(cast, voxint))
    # Whole lines alone: those of the log come in between, by another way.
    echo(f"\nvoxint demo is ready at {server.url}", bold=True)
    echo("\n".join(opening(config, server.port)), bold=True)
    echo("\n".join((*lines, "", "Ctrl-C here ends the demo.", "")))


def _parts(cast: DemoCast) -> Iterator[str]:
    for name, opened in (("ears", cast.stt), ("voice", cast.tts), ("model", cast.llm)):
        if opened.part is None:
            yield f"  {name:<6} none"
            continue
        voices = ", ".join(_voices(opened.stage))
        title = f"{opened.part.title}, {voices}" if voices else opened.part.title
        yield f"  {name:<6} {title} ({opened.part.about})"
    if cast.llm.took_s > SLOW_S:
        yield f"         its first word took {cast.llm.took_s:.0f} s: it had to be loaded, as after a long pause"


def _voices(stage: object) -> tuple[str, ...]:
    """Return the voices with which a provider speaks, which it may have chosen by the files that are there.

    Where it tells of none in its `voices`, none is known.
    """
    voices = getattr(stage, "voices", ())
    return tuple(voice for voice in voices if isinstance(voice, str)) if isinstance(voices, tuple) else ()


def _speaks_chinese(tts: Opened) -> bool:
    """Return whether the voice says Chinese; Kokoro knows it by the dictionaries and voices that are there."""
    return tts.part is not KOKORO or "zh" in getattr(tts.stage, "languages", ())


def _to_try(cast: DemoCast, say: str) -> Iterator[str]:
    yield "Try these in another terminal, and press Ctrl-C in the middle of an answer:"
    yield "在另一个终端里试试，回答到一半时按 Ctrl-C 打断："
    yield ""
    yield f'  {say} "Tell me a story"'
    yield f'  {say}{"" if _speaks_chinese(cast.tts) else " --no-voice"} "给我讲个故事"'
    yield f'  {say} --interrupt-after 2 "Count to twenty"'
    if cast.tts.part is not None:
        yield f'  {say} --out story.wav "Tell me a story"'
    if cast.stt.part is not None:
        yield f"  {say} FILE.wav"


def _to_know(cast: DemoCast, voxint: str) -> Iterator[str]:
    notes = (*cast.notes, *cast.stt.notes, *cast.tts.notes, *cast.vad.notes, *cast.llm.notes)
    if cast.stt.part is cast.tts.part is None:
        notes = ("Text only: nothing here can speak or listen.", *notes)
    if not _speaks_chinese(cast.tts):
        mandarin = f"{to_add('mandarin')}, or start with --light; {voxint} models pull fetches better voices"
        notes = (*notes, f"中文语音 / to hear Mandarin: {mandarin}")
    if notes:
        yield ""
        yield from notes
    if cast.stt.part is POCKETSPHINX:
        yield ""
        yield "pocketsphinx understands these English sentences and nothing else, and takes"
        yield "anything for the one that sounds most like it:"
        yield ""
        yield _filled(demo_sentences())


def _filled(sentences: Iterable[str]) -> str:
    """Return sentences in lines as wide as the terminal, none of them broken."""
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    unbroken = "\u00a0· ".join(sentence.replace(" ", "\u00a0") for sentence in sentences)
    lines = textwrap.wrap(unbroken, width, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines).replace("\u00a0", " ")
