"""The list of models that an OpenAI-compatible server gives at `GET /models`."""

from __future__ import annotations

import msgspec

__all__ = ["LIST_BYTES", "ListedModel", "listed_models"]

LIST_BYTES = 1 << 20
"""What is read of a list; the longest public one has some hundred KiB."""

MOST_OBJECTS = 20_000
"""In a list; ours: some have a dozen for each of several hundred models, and others wait for the reading."""


class ListedModel(msgspec.Struct, frozen=True):
    """One model of a list.

    Args:
        id: The name by which it is asked for.
        owned_by: Whose it is, or which server has it; any value, for nobody says which there are.
    """

    id: str
    owned_by: object = None


class _List(msgspec.Struct):
    data: list[ListedModel] | None


def listed_models(body: bytes) -> tuple[ListedModel, ...] | None:
    """Return the models in a list; None where `body` is no such list. Of a server without models it may be null."""
    if body.count(b"{") > MOST_OBJECTS:
        return None
    try:
        return tuple(msgspec.json.decode(body, type=_List).data or ())
    except (msgspec.MsgspecError, RecursionError):
        return None
