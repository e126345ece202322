"""What a client sets for its session, and how a message changes it."""

from __future__ import annotations

import msgspec
from attrs import evolve, frozen

from voxint.core.audio import AudioFormat
from voxint.core.tools import Tool, apply_function_op
from voxint.errors import WireError
from voxint.protocol.messages import Platform, SessionPatch
from voxint.protocol.settings import MAX_TOOLS

__all__ = ["MAX_BYTES", "Settings"]

MAX_BYTES = 256 * 1024
"""Prompts and functions of a session together; chosen here: all of it goes to the model with every turn."""


@frozen
class Settings:
    """The settings of a session.

    Args:
        platform: What the client runs on.
        require_tts: Whether answers are spoken, where the agent has a voice.
        enable_srs: Kept for 1.0 clients and told on SESSION_QUERY; voxint has no retrieval service to switch.
        system_prompt: The role the client gives the model, after the operator's own prompt.
        scene_context: Where the person is, for the model.
        tools: The functions the model may call.
        features: The ext features granted.
        input: The format of the client's voice.
        output: The format of the answers' voice.
    """

    platform: Platform = "WEB"
    require_tts: bool = True
    enable_srs: bool = True
    system_prompt: str = ""
    scene_context: str = ""
    tools: tuple[Tool, ...] = ()
    features: frozenset[str] = frozenset()
    input: AudioFormat = AudioFormat()
    output: AudioFormat = AudioFormat()

    def patched(self, patch: SessionPatch) -> Settings:
        """Return the settings after `patch`; what it leaves out stays.

        Raises:
            WireError: `PAYLOAD_TOO_LARGE`: there would be more of prompts and functions than a session may have.
        """
        if patch == SessionPatch():
            return self
        tools = self.tools
        if patch.function_calling is not None:
            tools = apply_function_op(tools, patch.function_calling_op, patch.function_calling)
        settings = evolve(
            self,
            require_tts=self.require_tts if patch.require_tts is None else patch.require_tts,
            enable_srs=self.enable_srs if patch.enable_srs is None else patch.enable_srs,
            system_prompt=self.system_prompt if patch.system_prompt is None else patch.system_prompt,
            scene_context=self.scene_context if patch.scene_context is None else patch.scene_context,
            tools=tools,
        )
        settings._check_size()
        return settings

    def _check_size(self) -> None:
        if len(self.tools) > MAX_TOOLS:
            raise WireError("PAYLOAD_TOO_LARGE", f"a session has at most {MAX_TOOLS} functions", "$.payload")
        if len(msgspec.json.encode((self.system_prompt, self.scene_context, self.tools))) > MAX_BYTES:
            message = f"prompts and functions of a session have at most {MAX_BYTES} bytes together"
            raise WireError("PAYLOAD_TOO_LARGE", message, "$.payload")

    def instructions(self, operator_prompt: str) -> str:
        """Return the system prompt: the operator's words first, then the session's role and scene."""
        return "\n\n".join(part for part in (operator_prompt, self.system_prompt, self.scene_context) if part)
