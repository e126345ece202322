from __future__ import annotations

import pytest

from voxint.providers.openai_models import ListedModel, listed_models


def test_a_list_gives_names_and_owners() -> None:
    """Whatever else a server writes of a model, and of whatever type its owner is."""
    body = (
        b'{"object": "list", "data": [{"id": "a", "owned_by": "us", "x": []}, {"id": "b"}, {"id": "c", "owned_by": 3}]}'
    )
    assert listed_models(body) == (ListedModel("a", "us"), ListedModel("b"), ListedModel("c", 3))


def test_a_server_without_models_lists_none() -> None:
    """Ollama writes null where others write an empty list."""
    assert listed_models(b'{"object": "list", "data": null}') == listed_models(b'{"data": []}') == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"models": []}',
        b'{"data": [3]}',
        b'{"data": [{"id": null}]}',
        b'{"data": "a"}',
        b'{"data": [' + b"[" * 100_000,
        b'{"data": [' + b'{"id": "a"},' * 20_001 + b'{"id": "a"}]}',
        b'\xff{"data": []}',
    ],
)
def test_what_is_no_list_is_none(body: bytes) -> None:
    """Neither another form nor one that would take long to read raises."""
    assert listed_models(body) is None
