"""An interruptible voice server: what is interrupted really stops, and the acknowledgement proves it."""

# A map of the folders; arrows point one way, a test parses the imports:
#
#   protocol <- core <- { providers, server, testing } <- cli
#   net lies beside protocol; client needs protocol and net alone
#
#   errors.py    every error, and whose fault it is
#   background.py  a nursery for the tasks behind a resource
#   logs.py      the log of a library
#   ticker.py    a cheap sleep for many streams at once
#   protocol/    pure: messages, codec, dialogue, segments, playout, receipt; no trio, no clock
#   net/         bytes on the network: HTTP client with its pool cure and spares, HTTP server, SSE
#   core/        the request scope and the pipeline inside it; trio and the protocol, no socket
#   providers/   one file per adapter
#   server/      one port: WebSocket, health, metrics
#   testing/     public: scripted stages, memory transports, the simulated upstream, invariant checks
#   client/      the Python client
#   measure/     how long interruptions take, seen from outside; needs client, protocol and net
#   cli/         the composition root

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from voxint._version import __version__

if TYPE_CHECKING:
    from voxint.client import Client, RemoteReply, ResumePoint, connect
    from voxint.core.agent import Agent, Limits
    from voxint.core.audio import AudioFormat
    from voxint.core.conversation import Conversation, Reply, VoiceReply, open_conversation
    from voxint.core.dialogue import ChatMessage, Dialogue, Exchange
    from voxint.core.events import Called, Ended, Event, Text, Understood, Voice
    from voxint.core.observer import Observer
    from voxint.core.receipt import Receipt
    from voxint.core.settings import Settings
    from voxint.core.stages import (
        Delta,
        LanguageModel,
        Speech,
        SpeechToText,
        TextToSpeech,
        Thinking,
        ToolCall,
        Transcript,
        Turn,
        Usage,
    )
    from voxint.core.tools import Tool
    from voxint.errors import (
        ConfigError,
        Disconnected,
        ReplyOverflow,
        ServerError,
        UpstreamError,
        UpstreamTimeout,
        VoxintError,
        WireError,
    )
    from voxint.net.http import HttpClient, open_http
    from voxint.server.config import ServerConfig
    from voxint.server.serve import Server, serve

# Where each public name lives. They are imported when first asked for, so that a client does not load the server and
# `import voxint` costs nothing.
_HOME = {
    "client": ("Client", "RemoteReply", "ResumePoint", "connect"),
    "core.agent": ("Agent", "Limits"),
    "core.conversation": ("Conversation", "Reply", "VoiceReply", "open_conversation"),
    "core.observer": ("Observer",),
    "core.settings": ("Settings",),
    "core.stages": (
        "Delta",
        "LanguageModel",
        "Speech",
        "SpeechToText",
        "TextToSpeech",
        "Thinking",
        "ToolCall",
        "Transcript",
        "Turn",
        "Usage",
    ),
    "errors": (
        "ConfigError",
        "Disconnected",
        "ReplyOverflow",
        "ServerError",
        "UpstreamError",
        "UpstreamTimeout",
        "VoxintError",
        "WireError",
    ),
    "net.http": ("HttpClient", "open_http"),
    "core.audio": ("AudioFormat",),
    "core.dialogue": ("ChatMessage", "Dialogue", "Exchange"),
    "core.events": ("Called", "Ended", "Event", "Text", "Understood", "Voice"),
    "core.receipt": ("Receipt",),
    "core.tools": ("Tool",),
    "server.config": ("ServerConfig",),
    "server.serve": ("Server", "serve"),
}
_MODULE = {name: f"voxint.{module}" for module, names in _HOME.items() for name in names}

__all__ = [
    "Agent",
    "AudioFormat",
    "Called",
    "ChatMessage",
    "Client",
    "ConfigError",
    "Conversation",
    "Delta",
    "Dialogue",
    "Disconnected",
    "Ended",
    "Event",
    "Exchange",
    "HttpClient",
    "LanguageModel",
    "Limits",
    "Observer",
    "Receipt",
    "RemoteReply",
    "Reply",
    "ReplyOverflow",
    "ResumePoint",
    "Server",
    "ServerConfig",
    "ServerError",
    "Settings",
    "Speech",
    "SpeechToText",
    "Text",
    "TextToSpeech",
    "Thinking",
    "Tool",
    "ToolCall",
    "Transcript",
    "Turn",
    "Understood",
    "UpstreamError",
    "UpstreamTimeout",
    "Usage",
    "Voice",
    "VoiceReply",
    "VoxintError",
    "WireError",
    "__version__",
    "connect",
    "open_conversation",
    "open_http",
    "serve",
]


def __getattr__(name: str) -> object:
    """Import a public name from where it lives."""
    if name not in _MODULE:
        raise AttributeError(f"module 'voxint' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
