"""An interruptible voice server: what is interrupted really stops, and the acknowledgement proves it."""

# A map; arrows point one way, and a test parses the imports:
#
#   core <- protocol <- server <- cli
#   net and normalize lie beside them and know none; client stands on core and protocol, workers on core, assets on net,
#   providers on core, net, workers, assets and normalize, testing on core, protocol and net, measure on client
#
#   core/          the request scope, the pipeline in it, sessions and what they say; trio, no socket, no wire
#   protocol/      wire protocol 1.0 over the core's events: messages, codec, renderer; no trio, no clock
#   net/           bytes on the network: HTTP client and server, WebSocket, server-sent events; nothing of voice
#   workers/       engines in processes of their own: start, ask, abort, kill, and lend in fair turns
#   assets/        the files of speech models: found on the disk, fetched when somebody asks
#   normalize/     what is said aloud for written text: numbers, dates, money, units, addresses; pure
#   providers/     one adapter for each engine
#   server/        one port: WebSocket, health, metrics; the store of sessions
#   client/        the Python client
#   web/           what a browser loads: static files, and no code of Python's
#   testing/       public: scripted stages, a conformance test, the simulated upstream, a checker of the promises
#   measure/       how long interruptions take, seen from outside
#   cli/           the command line, which alone binds a server to its providers
#   __main__.py    `python -m voxint`, the command line
#   errors.py      every error, and whose fault it is
#   arguments.py   what a program hands over, judged by its type
#   kinds.py       what annotations mean for a value
#   background.py  a nursery for the tasks behind a resource
#   authors_line.py  which line of a traceback or a stack its author can change
#   inside_trio.py  where and when a call is made: in its trio and its block, or elsewhere by mistake
#   logs.py        the log of a library
#   lag.py         how long the event loop is away from its sockets, in numbers
#   loop_watch.py  what measures them, and tells in the log what holds the loop
#   printable.py   what others wrote, made fit for a terminal and a log
#   extras.py      what to run to install an extra, from where the user is
#   file_lock.py   the system's lock of a file
#   children.py    what a child process gets: its environment, its limits
#   ticker.py      a cheap sleep for many streams at once
#   _version.py    the version

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from voxint._version import __version__

if TYPE_CHECKING:
    from voxint.client import Client, RemoteReply, ResumePoint, connect
    from voxint.core.agent import Agent, Limits
    from voxint.core.audio import AudioFormat
    from voxint.core.conversation import Conversation, open_conversation
    from voxint.core.dialogue import ChatMessage, Dialogue, Exchange
    from voxint.core.ears.barge_in import BargeIn
    from voxint.core.ears.echo import EchoRules
    from voxint.core.ears.endpointing import Endpointing
    from voxint.core.ears.rules import EarRules
    from voxint.core.ears.turn_detector import TurnDetector
    from voxint.core.events import (
        Called,
        Committed,
        Ended,
        Endpoint,
        Event,
        Held,
        Marks,
        Onset,
        Released,
        Said,
        Text,
        Understood,
        Voice,
    )
    from voxint.core.failure import Failure
    from voxint.core.observer import Observer
    from voxint.core.open_microphone import OpenMicrophone
    from voxint.core.receipt import Receipt
    from voxint.core.reply import Reply, VoiceReply
    from voxint.core.settings import Settings
    from voxint.core.stages import (
        CheckVerdict,
        Delta,
        LanguageModel,
        ModelOutput,
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
    from voxint.core.voice_activity import VoiceCuts, VoiceDetector
    from voxint.errors import (
        ConfigError,
        Disconnected,
        OutsideTrio,
        ReplyOverflow,
        RequestFailed,
        RequestRefused,
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
    "core.conversation": ("Conversation", "open_conversation"),
    "core.ears.barge_in": ("BargeIn",),
    "core.ears.echo": ("EchoRules",),
    "core.ears.endpointing": ("Endpointing",),
    "core.ears.rules": ("EarRules",),
    "core.ears.turn_detector": ("TurnDetector",),
    "core.failure": ("Failure",),
    "core.observer": ("Observer",),
    "core.open_microphone": ("OpenMicrophone",),
    "core.reply": ("Reply", "VoiceReply"),
    "core.settings": ("Settings",),
    "core.stages": (
        "CheckVerdict",
        "Delta",
        "LanguageModel",
        "ModelOutput",
        "Speech",
        "SpeechToText",
        "TextToSpeech",
        "Thinking",
        "ToolCall",
        "Transcript",
        "Turn",
        "Usage",
        "VoiceOption",
    ),
    "errors": (
        "ConfigError",
        "Disconnected",
        "OutsideTrio",
        "ReplyOverflow",
        "RequestFailed",
        "RequestRefused",
        "ServerError",
        "UpstreamError",
        "UpstreamTimeout",
        "VoxintError",
        "WireError",
    ),
    "net.http": ("HttpClient", "open_http"),
    "core.audio": ("AudioFormat",),
    "core.dialogue": ("ChatMessage", "Dialogue", "Exchange"),
    "core.events": (
        "Called",
        "Committed",
        "Ended",
        "Endpoint",
        "Event",
        "Held",
        "Marks",
        "Onset",
        "Released",
        "Said",
        "Text",
        "Understood",
        "Voice",
    ),
    "core.receipt": ("Receipt",),
    "core.tools": ("Tool",),
    "core.voice_activity": ("VoiceCuts", "VoiceDetector"),
    "server.config": ("ServerConfig",),
    "server.serve": ("Server", "serve"),
}
_MODULE = {name: f"voxint.{module}" for module, names in _HOME.items() for name in names}

__all__ = [
    "Agent",
    "AudioFormat",
    "BargeIn",
    "Called",
    "ChatMessage",
    "CheckVerdict",
    "Client",
    "Committed",
    "ConfigError",
    "Conversation",
    "Delta",
    "Dialogue",
    "Disconnected",
    "EarRules",
    "EchoRules",
    "Ended",
    "Endpoint",
    "Endpointing",
    "Event",
    "Exchange",
    "Failure",
    "Held",
    "HttpClient",
    "LanguageModel",
    "Limits",
    "Marks",
    "ModelOutput",
    "Observer",
    "Onset",
    "OpenMicrophone",
    "OutsideTrio",
    "Receipt",
    "Released",
    "RemoteReply",
    "Reply",
    "ReplyOverflow",
    "RequestFailed",
    "RequestRefused",
    "ResumePoint",
    "Said",
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
    "TurnDetector",
    "Understood",
    "UpstreamError",
    "UpstreamTimeout",
    "Usage",
    "Voice",
    "VoiceCuts",
    "VoiceDetector",
    "VoiceOption",
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
