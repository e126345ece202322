"""pipecat-ai, with its defaults."""

from __future__ import annotations

from bench.bargein.systems.peer import Peer

__all__ = ["SYSTEM"]

SYSTEM = Peer(
    "pipecat",
    "FastAPIWebsocketTransport under uvicorn and uvloop, a pipeline for each call. Its defaults: SileroVADAnalyzer "
    "(confidence 0.7, start 0.2 s, stop 0.2 s, volume 0.6), a turn begins by voice or by words and interrupts at once, "
    "it ends by Smart Turn v3.2 on this machine and the words, or after 5 s without words; an empty turn that "
    "interrupted is answered once. It has no hold: what interrupts, ends the answer. Its OpenAI service for the model; "
    "for voice and recogniser small services of ours on its base classes, which cut sentences and utterances: the "
    "recogniser hears an utterance when its detector has found the end, without partial words.",
    ("pipecat-ai", "onnxruntime", "openai", "aiohttp", "fastapi", "uvicorn"),
)
