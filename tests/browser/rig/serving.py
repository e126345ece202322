"""A voice server of the tests' own: `python -m tests.browser.rig.serving '{"ears": "models"}'`.

What a test wants to know of it stands on its standard output, a line of JSON each: the port when it listens, and what
the model is shown with each question.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Literal

import msgspec
import trio

from tests.browser.rig.stages import STORY, Prepared, Storyteller, Sweep
from tests.end_to_end.callers import EVERYBODY
from voxint.cli.logs import configure_logs
from voxint.core.agent import Agent, Limits
from voxint.providers.kokoro import Kokoro
from voxint.providers.moonshine import Moonshine
from voxint.providers.silero import Silero
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import HEAR, ScriptedEars


class Options(msgspec.Struct, forbid_unknown_fields=True):
    """What the program is told.

    Args:
        port: Where to listen; 0: anywhere.
        ears: Moonshine, or a recogniser that understands `understood` in everything.
        detector: Silero, one that goes by loudness, or none: then there is no feature `server_vad`.
        voice: Kokoro, or the sweep.
        answers: What the model says, in turn; the last one for good. A voice of a model has said the first before.
        understood: What scripted ears understand.
        server: More of `ServerConfig`.
        limits: More of `Limits`.
    """

    port: int = 0
    ears: Literal["models", "scripted"] = "scripted"
    detector: Literal["models", "scripted", "none"] = "scripted"
    voice: Literal["models", "scripted"] = "scripted"
    answers: tuple[str, ...] = (STORY,)
    understood: str = "tell me a story"
    server: dict[str, Any] = msgspec.field(default_factory=dict)
    limits: dict[str, Any] = msgspec.field(default_factory=dict)


def tell(**facts: object) -> None:
    """Write a line."""
    sys.stdout.buffer.write(msgspec.json.encode(facts) + b"\n")
    sys.stdout.buffer.flush()


@asynccontextmanager
async def opened(options: Options) -> AsyncGenerator[Agent]:
    """Open what the options name."""
    async with AsyncExitStack() as stack:
        ears: Any = ScriptedEars(HEAR, options.understood)
        if options.ears == "models":
            ears = await stack.enter_async_context(Moonshine(seats=4))
        voice: Any = Sweep()
        if options.voice == "models":
            voice = Prepared(await stack.enter_async_context(Kokoro(seats=4)))
            await voice.prepare(options.answers[0])
        detector: Any = {"none": None, "scripted": ScriptedDetector()}.get(options.detector)
        if options.detector == "models":
            detector = await stack.enter_async_context(Silero())
        model = Storyteller(options.answers, lambda shown: tell(asked=shown))
        yield Agent(llm=model, stt=ears, tts=voice, vad=detector, limits=Limits(**options.limits))


async def main(options: Options) -> None:
    """Serve until the process is killed."""
    config = ServerConfig(port=options.port, drain_s=0.5, **options.server)
    async with opened(options) as agent, trio.open_nursery() as nursery:
        server: Server = await nursery.start(partial(serve, agent, config, quotas=EVERYBODY))
        tell(port=server.port)


if __name__ == "__main__":
    configure_logs("error", "json")  # on standard error: what clients do wrong is the tests' own doing
    trio.run(main, msgspec.json.decode(sys.argv[1], type=Options))
