from __future__ import annotations

from voxint.core.settings import Settings
from voxint.protocol.messages import SessionPatch
from voxint.protocol.tools import Tool


def test_a_patch_leaves_alone_what_it_does_not_name() -> None:
    """An empty string clears a prompt, and None is no change."""
    settings = Settings(system_prompt="a guide", scene_context="lobby", tools=(Tool("sing"),))
    assert settings.patched(SessionPatch()) == settings
    changed = settings.patched(SessionPatch(require_tts=False, enable_srs=False, system_prompt="", function_calling=()))
    assert changed == Settings(require_tts=False, enable_srs=False, scene_context="lobby")


def test_a_caller_that_sets_a_prompt_is_still_spoken_to() -> None:
    """Speech is the library's default, whatever else is set; the wire's default is the wire's to set."""
    assert Settings(system_prompt="a guide").require_tts


def test_instructions_put_the_operator_first() -> None:
    """Parts that are empty leave no gap."""
    settings = Settings(system_prompt="a guide", scene_context="lobby")
    assert settings.instructions("Be brief.") == "Be brief.\n\na guide\n\nlobby"
    assert Settings().instructions("") == ""
