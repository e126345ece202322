"""Session settings as clients write them: in either spelling, prompts in pieces, functions in two forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from voxint.core.depth import MOST_LEVELS, nests_too_deep
from voxint.core.settings import MAX_TOOLS, SettingsChange
from voxint.core.stages import MOST_NAME_CHARS
from voxint.core.tools import FunctionOp, Tool
from voxint.protocol.message_repr import Discreet
from voxint.protocol.messages import LongText

__all__ = ["Payload", "SettingsPayload", "check_depth", "first", "settings_of"]

_T = TypeVar("_T")

_Name = Annotated[str, Meta(max_length=MOST_NAME_CHARS)]

_SCENE_DESCRIPTION = ("scene_description", "sceneDescription", "description")


class Payload(Discreet, frozen=True, omit_defaults=True, kw_only=True):
    """None means absent, read or written."""


def check_depth(value: object) -> None:
    """Raise ValueError, which msgspec gives its path, where free-form JSON is nested too deeply to be handled later."""
    if nests_too_deep(value):
        raise ValueError(f"holds JSON that is nested deeper than {MOST_LEVELS} levels")


def first(*values: _T | None) -> _T | None:
    """Return the first value that is there."""
    for value in values:
        if value is not None:
            return value
    return None


class _Parameter(Payload, frozen=True):
    """One entry of a function's parameters in the protocol's own list form."""

    name: str
    type: str
    description: str | None = None

    def schema(self) -> dict[str, str]:
        about = {} if self.description is None else {"description": self.description}
        return {"type": self.type, **about}


class _ToolPayload(Payload, frozen=True):
    name: Annotated[str, Meta(min_length=1)]
    description: str | None = None
    parameters: list[_Parameter] | dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.parameters, dict):
            check_depth(self.parameters)

    def tool(self) -> Tool:
        return Tool(self.name, self.description or "", self._schema())

    def _schema(self) -> dict[str, Any]:
        if not isinstance(self.parameters, list):
            return self.parameters or {}
        return {
            "type": "object",
            "properties": {parameter.name: parameter.schema() for parameter in self.parameters},
            "required": [parameter.name for parameter in self.parameters],
        }


_Tools = Annotated[tuple[_ToolPayload, ...], Meta(max_length=MAX_TOOLS)]


class _Prompt(Payload, frozen=True):
    role_description: LongText | None = None
    roleDescription: LongText | None = None
    response_requirements: LongText | None = None
    responseRequirements: LongText | None = None

    def text(self) -> str | None:
        return _joined(
            [
                first(self.role_description, self.roleDescription),
                first(self.response_requirements, self.responseRequirements),
            ]
        )


def _joined(parts: Iterable[str | None]) -> str | None:
    """Return the parts that are there as lines; None where none is there, so that `{}` changes nothing."""
    there = [part for part in parts if part is not None]
    return "\n".join(filter(None, there)) if there else None


def _prompt_text(prompt: _Prompt | str | None) -> str | None:
    return prompt.text() if isinstance(prompt, _Prompt) else prompt


def _scene_text(scene: dict[str, Any] | str | None) -> str | None:
    """Return the description, then each further key as a line `key: value`."""
    if scene is None or isinstance(scene, str):
        return scene
    texts = {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for key, value in scene.items()
        if value is not None
    }
    description = [texts.pop(key) for key in _SCENE_DESCRIPTION if key in texts]
    return _joined([*description, *(f"{key}: {text}" if text else "" for key, text in texts.items())])


class SettingsPayload(Payload, frozen=True):
    """The session settings, wherever a message carries them; a prompt may also be one plain text."""

    require_tts: bool | None = None
    requireTts: bool | None = None
    enable_srs: bool | None = None
    enableSrs: bool | None = None
    system_prompt: _Prompt | LongText | None = None
    systemPrompt: _Prompt | LongText | None = None
    scene_context: dict[str, Any] | LongText | None = None
    sceneContext: dict[str, Any] | LongText | None = None
    function_calling: _Tools | None = None
    functionCalling: _Tools | None = None
    function_calling_op: FunctionOp | None = None
    functionCallingOp: FunctionOp | None = None
    voice: _Name | None = None
    language: _Name | None = None

    def __post_init__(self) -> None:
        for scene in (self.scene_context, self.sceneContext):
            if isinstance(scene, dict):
                check_depth(scene)

    def patch(self) -> SettingsChange:
        """Return the changes asked for; of two spellings the protocol's own, snake_case, wins."""
        tools = first(self.function_calling, self.functionCalling)
        return SettingsChange(
            require_tts=first(self.require_tts, self.requireTts),
            enable_srs=first(self.enable_srs, self.enableSrs),
            system_prompt=first(_prompt_text(self.system_prompt), _prompt_text(self.systemPrompt)),
            scene_context=first(_scene_text(self.scene_context), _scene_text(self.sceneContext)),
            function_calling=None if tools is None else tuple(tool.tool() for tool in tools),
            function_calling_op=self.op() or "REPLACE",
            voice=self.voice,
            language=self.language,
        )

    def op(self) -> FunctionOp | None:
        """Return the operation on the functions, None where none was named."""
        return first(self.function_calling_op, self.functionCallingOp)


def settings_of(patch: SettingsChange) -> dict[str, Any]:
    """Return the fields of `SettingsPayload` that say `patch`."""
    tools = patch.function_calling
    return {
        "require_tts": patch.require_tts,
        "enable_srs": patch.enable_srs,
        "system_prompt": None if patch.system_prompt is None else _Prompt(role_description=patch.system_prompt),
        "scene_context": None if patch.scene_context is None else {"scene_description": patch.scene_context},
        "function_calling": None if tools is None else tuple(_tool_payload(tool) for tool in tools),
        "function_calling_op": patch.function_calling_op,
        "voice": patch.voice,
        "language": patch.language,
    }


def _tool_payload(tool: Tool) -> _ToolPayload:
    return _ToolPayload(name=tool.name, description=tool.description, parameters=dict(tool.parameters))
