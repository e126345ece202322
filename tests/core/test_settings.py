from __future__ import annotations

from enum import StrEnum

import numpy as np
import pytest

from voxint.core.settings import MAX_BYTES, MAX_TOOLS, Settings, SettingsChange
from voxint.core.tools import Tool
from voxint.errors import RequestRefused


def test_a_patch_leaves_alone_what_it_does_not_name() -> None:
    """An empty string clears a prompt, and None is no change."""
    settings = Settings(system_prompt="a guide", scene_context="lobby", tools=(Tool("sing"),))
    assert settings.changed(SettingsChange()) == settings
    changed = settings.changed(
        SettingsChange(require_tts=False, enable_srs=False, system_prompt="", function_calling=())
    )
    assert changed == Settings(require_tts=False, enable_srs=False, scene_context="lobby")


def test_a_platform_of_another_kind_of_text_is_a_plain_one() -> None:
    """Whatever equals one that is known is taken for it, and no sentence says that a bool is no bool."""

    class Client(StrEnum):
        TV = "TV"

    for given in (Client.TV, np.str_("TV")):
        settings = Settings(platform=given)  # type: ignore[arg-type]  # mypy does not take it for its value
        assert (type(settings.platform), settings) == (str, Settings(platform="TV"))
    with pytest.raises(TypeError, match=r"require_tts must be True or False, not a numpy\.bool"):
        Settings(require_tts=np.True_)  # type: ignore[arg-type]  # wrong on purpose


def test_a_caller_that_sets_a_prompt_is_still_spoken_to() -> None:
    """Speech is the library's default, whatever else is set; the wire's default is the wire's to set."""
    assert Settings(system_prompt="a guide").require_tts


def test_instructions_put_the_operator_first() -> None:
    """Parts that are empty leave no gap."""
    settings = Settings(system_prompt="a guide", scene_context="lobby")
    assert settings.instructions("Be brief.") == "Be brief.\n\na guide\n\nlobby"
    assert Settings().instructions("") == ""


@pytest.mark.parametrize(
    "patch",
    [
        SettingsChange(function_calling=(Tool("one_more"),), function_calling_op="ADD"),
        SettingsChange(system_prompt="雨" * (MAX_BYTES // 3)),
        SettingsChange(
            function_calling=(Tool("tool_0", parameters={"x": "y" * MAX_BYTES}),), function_calling_op="UPDATE"
        ),
    ],
)
def test_a_session_does_not_grow_for_ever(patch: SettingsChange) -> None:
    """However many messages bring them, functions and prompts have a bound."""
    settings = Settings(tools=tuple(Tool(f"tool_{number}") for number in range(MAX_TOOLS)))
    with pytest.raises(RequestRefused, match="session"):
        settings.changed(patch)
