"""What a client sets for its session, and how a message changes it."""

from __future__ import annotations

from attrs import evolve, frozen

from voxint.protocol.audio import AudioFormat
from voxint.protocol.messages import Platform, SessionPatch
from voxint.protocol.tools import Tool, apply_function_op

__all__ = ["Settings"]


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
        """Return the settings after `patch`; what it leaves out stays."""
        tools = self.tools
        if patch.function_calling is not None:
            tools = apply_function_op(tools, patch.function_calling_op, patch.function_calling)
        return evolve(
            self,
            require_tts=self.require_tts if patch.require_tts is None else patch.require_tts,
            enable_srs=self.enable_srs if patch.enable_srs is None else patch.enable_srs,
            system_prompt=self.system_prompt if patch.system_prompt is None else patch.system_prompt,
            scene_context=self.scene_context if patch.scene_context is None else patch.scene_context,
            tools=tools,
        )

    def instructions(self, operator_prompt: str) -> str:
        """Return the system prompt: the operator's words first, then the session's role and scene."""
        return "\n\n".join(part for part in (operator_prompt, self.system_prompt, self.scene_context) if part)
