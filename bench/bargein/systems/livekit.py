"""livekit-agents, with its defaults but for what has no room."""

from __future__ import annotations

from bench.bargein.systems.peer import Peer

__all__ = ["SYSTEM"]

SYSTEM = Peer(
    "livekit",
    "An AgentSession for each call over a WebSocket, without room or job, on uvloop. Its defaults: the Silero "
    "detector and the turn detector v1-mini of livekit-local-inference, end of turn after 0.3 to 2.5 s, an "
    "interruption after 0.5 s of voice, which pauses the answer; words end it, 2 s without them let it go on "
    "(resume_false_interruption); preemptive generation. Its adaptive detector of interruptions runs on LiveKit's "
    "servers alone, and is off by default elsewhere. Not its default: aec_warmup_duration is none, as livekit has "
    "it for calls that it makes to a telephone; with 3 s, nobody could interrupt the begin of a call's first "
    "answer, where all of the set's overlaps come. The player keeps what it has at a pause, where livekit's own "
    "output to a room drops up to 0.2 s. Its OpenAI plugin for the model; for voice and recogniser small plugins of "
    "ours, for which its adapters cut sentences and utterances: the recogniser hears an utterance when its detector "
    "has found the end, without partial words.",
    ("livekit-agents", "livekit-local-inference", "livekit-plugins-openai", "openai", "aiohttp", "uvloop"),
)
