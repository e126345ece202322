"""`GET /v1/agent`: what a browser client has to know of a server before it connects."""

from __future__ import annotations

from typing import Literal

import msgspec

from voxint._version import __version__
from voxint.core.offers import Offers
from voxint.core.stages import VoiceOption
from voxint.protocol.renderer import FEATURES, granted
from voxint.server.auth import is_open
from voxint.server.config import ServerConfig
from voxint.server.host import Host
from voxint.server.readiness import readiness

__all__ = ["PATH", "AgentFacts", "agent_facts"]

PATH = "/v1/agent"


class AgentFacts(msgspec.Struct, frozen=True):
    """What is told to anybody: nothing of it is secret, and none of it is about a caller.

    Args:
        version: Of the server.
        ws_path: Where the WebSocket is.
        state: As /readyz says it.
        asks: What has to be shown to register.
        hears: Whether there is a recogniser.
        speaks: Whether there is a synthesizer.
        listens: Whether a microphone may be always open.
        voices: Those that can be asked for.
        languages: Those that recognition can be told.
        features: Those that are granted.
    """

    version: str
    ws_path: str
    state: Literal["ready", "draining", "busy"]
    asks: Literal["nothing", "key", "key_or_account"]
    hears: bool
    speaks: bool
    listens: bool
    voices: tuple[VoiceOption, ...]
    languages: tuple[str, ...]
    features: tuple[str, ...]


def agent_facts(host: Host, ws_path: str, offered: Offers) -> AgentFacts:
    """Return what there is to know of a server now.

    Args:
        host: The server.
        ws_path: Where its WebSocket is.
        offered: What its agent lets callers choose.
    """
    agent = host.agent
    return AgentFacts(
        version=__version__,
        ws_path=ws_path,
        state=readiness(host).state,
        asks=_asks(host.config),
        hears=agent.stt is not None,
        speaks=agent.tts is not None,
        listens=agent.listens,
        voices=offered.voices,
        languages=offered.languages,
        features=tuple(sorted(granted(FEATURES, listens=agent.listens))),
    )


def _asks(config: ServerConfig) -> Literal["nothing", "key", "key_or_account"]:
    if is_open(config):
        return "nothing"
    return "key_or_account" if config.accounts else "key"
