"""What a client sets for its session, and how a message changes it."""

from __future__ import annotations

from typing import Literal

import msgspec
from attrs import evolve, field, frozen

from voxint.arguments import check_fields
from voxint.core.audio import AudioFormat
from voxint.core.discreet import size_of
from voxint.core.languages import language_name
from voxint.core.tools import FunctionOp, Tool, apply_function_op
from voxint.errors import RequestRefused

__all__ = ["MAX_BYTES", "MAX_TOOLS", "OnDisconnect", "Platform", "Settings", "SettingsChange"]

Platform = Literal["WEB", "APP", "MINI_PROGRAM", "TV"]

OnDisconnect = Literal["interrupt", "keep"]
"""What becomes of a session's live requests when nobody listens any more: an end, or they go on until the bound of
what is kept (`Limits.keep_ms`)."""

MAX_TOOLS = 128
"""Functions of a session: what OpenAI's API takes; other vendors take fewer."""

MAX_BYTES = 256 * 1024
"""Prompts and functions of a session together; chosen here: all of it goes to the model with every turn."""


@frozen(kw_only=True, field_transformer=check_fields)
class SettingsChange:
    """What a message changes of a session's settings; None leaves one as it is.

    `system_prompt` and `scene_context` are plain text: each replaces the whole of what the session had, "" clears it.
    `function_calling_op` says what `function_calling` does to the session's list; without a list it says nothing.
    `voice` and `language` are one of what the agent offers (`core.offers`), or "".
    """

    require_tts: bool | None = None
    enable_srs: bool | None = None
    system_prompt: str | None = field(default=None, repr=size_of)
    scene_context: str | None = field(default=None, repr=size_of)
    function_calling: tuple[Tool, ...] | None = None
    function_calling_op: FunctionOp = "REPLACE"
    voice: str | None = None
    language: str | None = None


@frozen(field_transformer=check_fields)
class Settings:
    """The settings of a session.

    Args:
        platform: What the client runs on.
        require_tts: Whether answers are spoken, where the agent has a voice.
        enable_srs: Kept for 1.0 clients and told on SESSION_QUERY; voxint has no retrieval service to switch.
        system_prompt: The role the client gives the model, after the operator's own prompt.
        scene_context: Where the person is, for the model.
        tools: The functions the model may call.
        input: The format of the client's voice.
        output: The format of the answers' voice.
        voice: Who speaks, by a name that the agent's synthesizer offers; "": whom it takes by itself.
        language: What is spoken to the agent, as a tag that its recogniser offers, such as ``zh``; "": what it takes
            the speech for.
    """

    platform: Platform = "WEB"
    require_tts: bool = True
    enable_srs: bool = True
    system_prompt: str = field(default="", repr=size_of)
    scene_context: str = field(default="", repr=size_of)
    tools: tuple[Tool, ...] = ()
    input: AudioFormat = AudioFormat()
    output: AudioFormat = AudioFormat()
    voice: str = ""
    language: str = ""

    def changed(self, change: SettingsChange, *, most_tools: int = MAX_TOOLS, most_bytes: int = MAX_BYTES) -> Settings:
        """Return the settings after `change`; what it leaves out stays.

        Args:
            change: What changes.
            most_tools: Functions that there may be.
            most_bytes: Bytes of prompts and functions that there may be.

        Raises:
            RequestRefused: `too_large`: there would be more of prompts and functions than a session may have.
        """
        if change == SettingsChange():
            return self
        tools = self.tools
        if change.function_calling is not None:
            tools = apply_function_op(tools, change.function_calling_op, change.function_calling)
        settings = evolve(
            self,
            require_tts=self.require_tts if change.require_tts is None else change.require_tts,
            enable_srs=self.enable_srs if change.enable_srs is None else change.enable_srs,
            system_prompt=self.system_prompt if change.system_prompt is None else change.system_prompt,
            scene_context=self.scene_context if change.scene_context is None else change.scene_context,
            tools=tools,
            voice=self.voice if change.voice is None else change.voice,
            language=self.language if change.language is None else change.language,
        )
        settings._check_size(most_tools, most_bytes)
        return settings

    def _check_size(self, most_tools: int, most_bytes: int) -> None:
        if len(self.tools) > most_tools:
            raise RequestRefused(
                "too_large", f"a session may have at most {most_tools} functions, and this would be more", "functions"
            )
        if len(msgspec.json.encode((self.system_prompt, self.scene_context, self.tools))) > most_bytes:
            message = (
                f"prompts and functions of a session may have at most {most_bytes} bytes together, and these have more"
            )
            raise RequestRefused("too_large", message, "settings_bytes")

    def instructions(self, operator_prompt: str, language_prompt: str = "") -> str:
        """Return the system prompt: the operator's words first, then the session's role and scene.

        Args:
            operator_prompt: The operator's words.
            language_prompt: What stands behind all that where the session has a language, whose name stands there for
                ``{language}``.
        """
        last = language_prompt.replace("{language}", language_name(self.language)) if self.language else ""
        return "\n\n".join(part for part in (operator_prompt, self.system_prompt, self.scene_context, last) if part)
