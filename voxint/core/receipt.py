"""What an interruption stopped, saved and cost."""

from __future__ import annotations

from typing import Literal

import msgspec

from voxint.core.discreet import size_of

__all__ = ["STAGES", "AudioAccount", "Receipt", "StageState", "TextAccount", "UsageAccount"]

STAGES = ("stt", "llm", "tts", "tools")

StageState = Literal["closed", "finished", "idle", "overrun"]
"""`closed`: cut off and torn down; `finished`: had ended by itself; `idle`: never began; `overrun`: would not stop."""


class UsageAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What the models were asked to do.

    `llm_tokens` is None where nothing is known; `estimated` counts by `core.tokens.estimate_tokens` over the text
    received, because a cancelled stream never delivers the provider's own figure.
    """

    llm_tokens: int | None
    tts_characters: int
    source: Literal["provider", "estimated", "unknown"]


class AudioAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of speech synthesized, sent and heard; `client` where the client reported what it played."""

    generated_ms: float
    sent_ms: float
    heard_ms: float
    source: Literal["client", "estimated"]


class TextAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Characters of text the model wrote, and the words of it that were heard."""

    generated_chars: int
    heard: str

    def __repr__(self) -> str:
        return f"TextAccount(generated_chars={self.generated_chars}, heard={size_of(self.heard)})"


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account of one request that was interrupted, or failed.

    `stop_ms` runs from the instant the interrupt came to the instant the request's scope had exited. One that a program
    makes comes when it calls. One that comes over a socket may have waited for its turn, where the event loop was held
    or other frames came first: `read_late_ms`, which is None where it was read in time as far as is known, says how
    long at most, and `stop_ms` counts from there. `closed_ms` says of each stage that is `closed` when it had let go,
    from the same instant: never more than `stop_ms`. `speculative`: it was asked before the person had finished, and
    nobody has heard of it.
    """

    request_id: str
    reason: str
    stop_ms: float
    stages: dict[str, StageState]
    usage: UsageAccount
    audio: AudioAccount
    text: TextAccount
    read_late_ms: float | None = None
    speculative: bool = False
    closed_ms: dict[str, float] = {}
