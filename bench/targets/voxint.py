"""voxint itself, as its README says to use it."""

from __future__ import annotations

import logging
import re
from functools import partial

import structlog
import trio

from bench.targets.plain import RATE, Tell, Upstream
from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.observer import NoObserver
from voxint.core.request import Request
from voxint.extras import DISTRIBUTION
from voxint.net.http import open_http
from voxint.providers.openai_chat import OpenAIChat
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.quotas import Quotas
from voxint.server.serve import serve
from voxint.testing.upstream_stages import HttpSpeech, HttpTranscription

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "run"]

DIALECT = "voxint"
PACKAGES = (DISTRIBUTION, "trio", "trio-websocket", "httpx", "h11", "msgspec")
NOTES = (
    "The server of `voxint serve`, its garbage collector calmed in the same way, with its OpenAI model stage; speech "
    "and transcription by the HTTP stages of voxint.testing, since it ships none for OpenAI's yet. Speech to the "
    "client in binary frames of 40 ms (feature `binary_audio`)."
)
CANNOT: dict[str, str] = {}

EVERYBODY = Quotas(
    busy_share=1,
    session_requests_per_minute=0,
    session_upstream_calls_per_minute=0,
    key_requests_per_minute=0,
    key_upstream_calls_per_minute=0,
)
"""Nobody is refused, as by no other target: a capacity is where those who are served are served late."""

NUMBER = re.compile(r"\d+$")


class _Marks(NoObserver):
    """Tells when an interrupted request has left its scope, which is later than when it was told to."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def finished(self, request: Request) -> None:
        """Tell the turn in the request's id."""
        if request.reason is not None and (number := NUMBER.search(request.id)):
            self._tell.cancelled(int(number[0]))


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve on a free port until killed."""
    # The log's line for each request is the operator's choice; standard output is the benchmark's.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    trio.run(_serve, upstream, tell)


async def _serve(upstream: Upstream, tell: Tell) -> None:
    async with open_http() as http, trio.open_nursery() as nursery:
        agent = Agent(
            llm=OpenAIChat(base_url=upstream.llm, model="sim", http=http),
            tts=HttpSpeech(http, upstream.speech, AudioFormat(RATE)),
            stt=HttpTranscription(http, upstream.transcription),
        )
        server = await nursery.start(
            partial(serve, observer=_Marks(tell), quotas=EVERYBODY), agent, ServerConfig(port=0)
        )
        calm_collector()
        tell.ready(server.url)
