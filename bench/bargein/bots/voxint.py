"""voxint's server with its ears: ``python -m bench.bargein.bots.voxint BASE_URL LANGUAGE hold|at_onset``.

When it listens, it prints the URL of its WebSocket, and serves until it is killed.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import cast

import structlog
import trio

from bench.bargein.line import RATE, Language
from bench.bargein.upstream import recogniser_config
from voxint.cli.agent import open_stage
from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.rules import EarRules
from voxint.core.resample import load_resampler
from voxint.core.stages import SpeechToText
from voxint.net.http import open_http
from voxint.providers.openai_chat import OpenAIChat
from voxint.providers.silero import Silero
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.serve import serve
from voxint.testing.upstream_stages import HttpSpeech

__all__ = ["serve_voxint"]


async def serve_voxint(base_url: str, language: Language, *, hold: bool) -> None:
    """Serve on a free port until killed.

    Args:
        base_url: Of the model and the voice.
        language: Which recogniser hears.
        hold: Whether an answer is held before it is decided.
    """
    await load_resampler()
    ears = EarRules() if hold else EarRules(barge_in=BargeIn(hold=False))
    async with (
        open_http() as http,
        Silero() as detector,
        open_stage(recogniser_config(language), http) as recogniser,
        trio.open_nursery() as nursery,
    ):
        agent = Agent(
            llm=OpenAIChat(base_url=base_url, model="sim", http=http),
            tts=HttpSpeech(http, base_url, AudioFormat(RATE)),
            stt=cast("SpeechToText", recogniser),
            vad=detector,
            ears=ears,
        )
        server = await nursery.start(partial(serve, agent, ServerConfig(port=0)))
        calm_collector()
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # Standard output is the benchmark's.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    trio.run(partial(serve_voxint, sys.argv[1], cast("Language", sys.argv[2]), hold=sys.argv[3] == "hold"))
