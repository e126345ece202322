"""Function calls that come in pieces, put together as each kind of server cuts and numbers them."""

from __future__ import annotations

import json

import msgspec
from attrs import define, field

from voxint.core.tools import ToolCall
from voxint.providers._openai_characters import mend, mend_escapes
from voxint.providers._openai_chunk import CallPiece

__all__ = ["BadCall", "Calls"]

MOST_CALLS = 128
"""So many functions OpenAI lets one offer; an answer that calls more is a mad server's."""

MOST_CHARS = 1 << 20
"""Of all arguments together, as much as one event may hold: it keeps a mad server from filling the memory."""

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
            arguments = json.dumps(arguments)
            self.arguments.clear()
        if arguments:
            self.arguments.append(arguments)
        return len(arguments)


@define
class Calls:
    """The function calls of one answer."""

    _calls: list[_Call] = field(factory=list)
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
        self._chars += call.add(piece)
        if self._chars > MOST_CHARS:
            raise BadCall(f"function calls with more than {MOST_CHARS:,} characters of arguments")

    def _call_of(self, piece: CallPiece) -> _Call | None:
        """Return the call that `piece` goes on with; None: it begins one."""
        candidates = [call for call in self._calls if piece.index in (None, call.index)]
        same = next((call for call in candidates if piece.id and call.id == piece.id), None)
        if same is not None or not candidates:
            return same
        return candidates[-1] if candidates[-1].continued_by(piece) else None

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


def _read_arguments(text: str) -> dict[str, object]:
    if text in ("", "null"):
        return {}
    try:
        return _decode_arguments(text)
    except msgspec.MsgspecError:
        # Models write line breaks into strings, and servers cut a character in two.
        found = json.loads(mend_escapes(text), strict=False)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
