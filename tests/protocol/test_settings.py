"""Session settings as existing clients write them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from voxint.core.depth import MOST_LEVELS
from voxint.core.settings import SettingsChange
from voxint.core.tools import Tool
from voxint.protocol.settings import SettingsPayload, settings_of


def patch(settings: dict[str, Any]) -> SettingsChange:
    """Return what the settings change."""
    return msgspec.json.decode(msgspec.json.encode(settings), type=SettingsPayload).patch()


def nested(levels: int) -> Any:
    """Return empty objects inside each other."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model": "x", "speaker": {"name": "y"}},
        {"require_tts": None, "systemPrompt": None, "sceneContext": None, "functionCalling": None},
        {"system_prompt": {}, "scene_context": {}},
        {"system_prompt": {"role_description": None}, "scene_context": {"scene_description": None}},
    ],
)
def test_what_says_nothing_changes_nothing(settings: dict[str, Any]) -> None:
    """Unknown keys, nulls and empty objects leave the session as it is."""
    assert patch(settings) == SettingsChange()


def test_both_spellings_mean_the_same() -> None:
    """The camelCase of older clients is read like snake_case, also inside the prompts."""
    expected = SettingsChange(
        require_tts=False,
        enable_srs=True,
        system_prompt="A guide\nBe short",
        scene_context="The hall",
        function_calling=(Tool("map"),),
        function_calling_op="ADD",
    )

    assert expected == patch(
        {
            "require_tts": False,
            "enable_srs": True,
            "system_prompt": {"role_description": "A guide", "response_requirements": "Be short"},
            "scene_context": {"scene_description": "The hall"},
            "function_calling": [{"name": "map"}],
            "function_calling_op": "ADD",
        }
    )
    assert expected == patch(
        {
            "requireTts": False,
            "enableSrs": True,
            "systemPrompt": {"roleDescription": "A guide", "responseRequirements": "Be short"},
            "sceneContext": {"description": "The hall"},
            "functionCalling": [{"name": "map"}],
            "functionCallingOp": "ADD",
        }
    )


def test_the_protocols_own_spelling_wins() -> None:
    """Of a setting in both spellings the snake_case one counts, also when it is false."""
    assert patch({"requireTts": True, "require_tts": False}) == SettingsChange(require_tts=False)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ({"role_description": "A guide"}, "A guide"),
        ({"response_requirements": "Be short"}, "Be short"),
        ({"role_description": "", "response_requirements": "Be short"}, "Be short"),
        ({"role_description": ""}, ""),
        ("A guide", "A guide"),
    ],
)
def test_a_prompt_is_the_text_of_the_parts_given(prompt: object, expected: str) -> None:
    """A prompt with one part is that part, an empty one clears, and a plain text stands for itself."""
    assert patch({"system_prompt": prompt}) == SettingsChange(system_prompt=expected)


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ({"floor": 2, "scene_description": "The hall", "lit": True}, "The hall\nfloor: 2\nlit: true"),
        ({"sceneDescription": "The hall", "tags": ["old", "new"]}, 'The hall\ntags: ["old","new"]'),
        ({"exhibit": "Bronze", "visitor": {"age": 9}, "none": None}, 'exhibit: Bronze\nvisitor: {"age":9}'),
        ({"scene_description": "", "exhibit": ""}, ""),
        ("The hall", "The hall"),
    ],
)
def test_a_scene_is_its_description_then_a_line_for_each_further_key(scene: object, expected: str) -> None:
    """The description comes first wherever it stands; further values are text, or JSON where they are not."""
    assert patch({"scene_context": scene}) == SettingsChange(scene_context=expected)


def test_parameters_in_a_list_become_a_schema() -> None:
    """The protocol's list form gives an object schema in which all listed parameters are required."""
    parameters = [{"name": "to", "type": "string", "description": "Where to", "x": 1}, {"name": "n", "type": "integer"}]

    got = patch({"function_calling": [{"name": "guide", "description": "Lead", "parameters": parameters}]})

    schema = {
        "type": "object",
        "properties": {"to": {"type": "string", "description": "Where to"}, "n": {"type": "integer"}},
        "required": ["to", "n"],
    }
    assert got.function_calling == (Tool("guide", "Lead", schema),)


def test_parameters_as_a_schema_stay_as_they_are() -> None:
    """A JSON-Schema object goes to the model unchanged; none at all is an empty one."""
    schema = {"type": "object", "properties": {"to": {"enum": ["hall", "café"]}}, "additionalProperties": False}

    got = patch({"function_calling": [{"name": "a", "parameters": schema}, {"name": "b", "parameters": None}]})

    assert got.function_calling == (Tool("a", "", schema), Tool("b", "", {}))


def test_an_empty_list_of_functions_is_a_list() -> None:
    """`[]` replaces what the session has by nothing, which is not the same as no list."""
    assert patch({"function_calling": []}) == SettingsChange(function_calling=(), function_calling_op="REPLACE")


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"require_tts": "yes"}, "$.require_tts"),
        ({"system_prompt": {"roleDescription": 1}}, "$.system_prompt.roleDescription"),
        ({"sceneContext": 1}, "$.sceneContext"),
        ({"function_calling": {}}, "$.function_calling"),
        ({"function_calling": [{"name": ""}]}, "$.function_calling[0].name"),
        ({"function_calling": [{"name": "a", "parameters": [{"name": "b"}]}]}, "$.function_calling[0].parameters[0]"),
        ({"function_calling": [{"name": "a", "parameters": nested(MOST_LEVELS + 1)}]}, "$.function_calling[0]"),
        ({"function_calling_op": "MERGE"}, "$.function_calling_op"),
    ],
)
def test_a_setting_of_the_wrong_shape_is_named(settings: dict[str, Any], place: str) -> None:
    """The error ends with the path of the setting."""
    with pytest.raises(msgspec.ValidationError) as caught:
        patch(settings)

    assert str(caught.value).endswith(f" - at `{place}`")


def test_a_scene_nested_too_deeply_is_refused() -> None:
    """Free-form JSON has a bound, so that whoever walks through it later need not have one."""
    with pytest.raises(msgspec.ValidationError, match=f"deeper than {MOST_LEVELS} levels"):
        patch({"scene_context": nested(MOST_LEVELS + 1)})


def test_json_may_be_nested_as_deeply_as_allowed() -> None:
    """The deepest nesting allowed is read."""
    schema = nested(MOST_LEVELS)

    assert patch({"function_calling": [{"name": "a", "parameters": schema}]}).function_calling == (
        Tool("a", "", schema),
    )


def test_settings_of_a_patch_give_the_patch_back() -> None:
    """What the Python client writes is read as it was meant, empty texts and schemas included."""
    full = SettingsChange(
        require_tts=True,
        enable_srs=False,
        system_prompt="",
        scene_context="The hall\nfloor: 2",
        function_calling=(Tool("map"), Tool("guide", "Lead", {"type": "object"})),
        function_calling_op="UPDATE",
        voice="anna",
        language="",
    )

    for given in (full, SettingsChange(), SettingsChange(function_calling=())):
        assert given == SettingsPayload(**settings_of(given)).patch()


@pytest.mark.parametrize(
    "settings",
    [
        {"system_prompt": "x" * 65_537},
        {"systemPrompt": {"roleDescription": "x" * 65_537}},
        {"scene_context": "x" * 65_537},
        {"voice": "x" * 65},
        {"language": "x" * 65},
        {"functionCalling": [{"name": f"tool_{number}"} for number in range(129)]},
    ],
)
def test_settings_are_bounded(settings: dict[str, Any]) -> None:
    """One message has 128 functions at most, prompts of 65,536 characters, and names of 64."""
    with pytest.raises(msgspec.ValidationError, match=r"length <= (65536|128|64)"):
        patch(settings)
