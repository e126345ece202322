"""Function calls that come in pieces, put together as each kind of server cuts and numbers them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from attrs import define, field

from voxint.core.gate import MOST_ARGUMENT_BYTES, MOST_CALLS, MOST_COMMAS
from voxint.core.tools import ToolCall
from voxint.providers._openai_characters import mend, mend_escapes
from voxint.providers._openai_chunk import CallPiece

__all__ = ["BadCall", "Calls"]

MOST_MENDED = 1 << 16
"""Characters of arguments that are mended where they are no JSON; ours: a model's slip in more than that is a flood."""

MOST_PARTS = 1024
"""Of arguments that are kept apart: a million of one character each would take fifty times their size."""

_decode_arguments = msgspec.json.Decoder(dict[str, object]).decode


class BadCall(ValueError):
    """A function call can't be used; the text says why and quotes none of it."""


@define
class _Call:
    """A call as far as it has come."""

    index: int
    id: str = ""
    name: str = ""
    arguments: list[str] = field(factory=list)

    def continued_by(self, piece: CallPiece) -> bool:
        """Return whether `piece` is more of this call.

        A new call has a name. With ids, a new one has a new id as well: some servers repeat the name in every piece,
        and some make up an id for every piece. Without ids it has another name, or it comes after arguments that are
        whole and brings its own.
        """
        name = piece.function.name if piece.function else None
        if not name or not self.name:
            return True
        if self.id and piece.id:
            return self.id == piece.id
        return name == self.name and not (piece.function and piece.function.arguments and self._whole())

    def _whole(self) -> bool:
        # Servers without ids send a call in one piece. Reading all that came before at every piece would be quadratic.
        if len(self.arguments) != 1:
            return False
        try:
            _decode_arguments(self.arguments[0])
        except (ValueError, RecursionError):
            return False
        return True

    def add(self, piece: CallPiece) -> int:
        """Take a piece; return how many characters it added to the arguments."""
        self.id = self.id or piece.id or ""
        if piece.function is None:
            return 0
        self.name = self.name or piece.function.name or ""
        arguments = piece.function.arguments or ""
        if isinstance(arguments, dict):  # as an object they are whole, also where every piece repeats them
            arguments = _written(arguments)
            self.arguments.clear()
        if arguments:
            self.arguments.append(arguments)
        if len(self.arguments) > MOST_PARTS:  # all but the first, which may be whole
            self.arguments[1:] = ["".join(self.arguments[1:])]
        return len(arguments)


@define
class _Group:
    """The calls with one index; or all, for pieces that have none.

    A server may send a piece for every few bytes, so none may cost a look at all calls.
    """

    last: _Call
    by_id: dict[str, _Call] = field(factory=dict)

    def called(self, call: _Call) -> None:
        """Note the id of a call, once it has one; the first with an id keeps it."""
        if call.id:
            self.by_id.setdefault(call.id, call)


@define
class Calls:
    """The function calls of one answer."""

    _calls: list[_Call] = field(factory=list)
    _groups: dict[int | None, _Group] = field(factory=dict)
    _chars: int = 0

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, piece: CallPiece) -> None:
        """Add a piece to its call, or begin another.

        Raises:
            BadCall: There are too many, or their arguments are too long.
        """
        call = self._call_of(piece)
        if call is None:
            if len(self._calls) == MOST_CALLS:
                raise BadCall(f"more than {MOST_CALLS} function calls")
            following = self._calls[-1].index + 1 if self._calls else 0
            call = _Call(following if piece.index is None else piece.index)
            self._calls.append(call)
            for index in (None, call.index):
                self._groups.setdefault(index, _Group(call)).last = call
        self._chars += call.add(piece)
        for index in (None, call.index):
            self._groups[index].called(call)
        if self._chars > MOST_ARGUMENT_BYTES:
            raise BadCall(f"function calls with more than {MOST_ARGUMENT_BYTES:,} characters of arguments")

    def _call_of(self, piece: CallPiece) -> _Call | None:
        """Return the call that `piece` goes on with; None: it begins one."""
        group = self._groups.get(piece.index)
        if group is None:
            return None
        same = group.by_id.get(piece.id) if piece.id else None
        if same is not None:
            return same
        return group.last if group.last.continued_by(piece) else None

    def whole(self, *, cut: bool) -> list[ToolCall]:
        """Return the calls in the order of their indices; `cut`: the answer ended at its token limit.

        Raises:
            BadCall: One has no name, or arguments that are no JSON object.
        """
        ordered = sorted(self._calls, key=lambda call: call.index)
        return [_tool_call(position, call, cut) for position, call in enumerate(ordered)]


def _tool_call(position: int, call: _Call, cut: bool) -> ToolCall:
    if not call.name:
        raise BadCall("a function call without a name")
    try:
        arguments = _read_arguments(mend("".join(call.arguments)).strip())
    except (ValueError, RecursionError):
        at_the_limit = ", cut off at the token limit" if cut else ""
        # Without the exception, whose text quotes what the model wrote.
        raise BadCall(f"arguments of a function call that are no JSON object{at_the_limit}") from None
    return ToolCall(mend(call.id) or f"call_{position}", mend(call.name), arguments)


def _written(arguments: dict[str, Any]) -> str:
    """Return arguments that came as an object as the others come."""
    try:
        return msgspec.json.encode(arguments).decode()
    except (ValueError, RecursionError):  # half a character, which is mended with all others
        return json.dumps(arguments)


def _read_arguments(text: str) -> dict[str, object]:
    if text in ("", "null"):
        return {}
    if sum(map(text.count, ",[{")) > MOST_COMMAS:
        raise ValueError("too many values")
    try:
        return _decode_arguments(text)
    except msgspec.MsgspecError:
        if len(text) > MOST_MENDED:
            raise
        # Models write line breaks into strings, and servers cut a character in two.
        found = json.loads(mend_escapes(text), strict=False)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
