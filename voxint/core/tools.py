"""The functions a client offers the model, the operations that change the list, and the model's calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, assert_never

from attrs import field, frozen

from voxint.arguments import check_fields
from voxint.core.discreet import size_of

__all__ = ["FunctionOp", "Tool", "ToolCall", "apply_function_op"]

FunctionOp = Literal["REPLACE", "ADD", "UPDATE", "DELETE"]


@frozen(field_transformer=check_fields)
class Tool:
    """A function the model may call.

    Args:
        name: What the model calls it.
        description: What it does, for the model.
        parameters: A JSON-Schema object; the wire's list form is turned into one on decoding.
    """

    name: str
    description: str = field(default="", repr=size_of)
    parameters: Mapping[str, object] = field(factory=dict, hash=False, repr=size_of)


@frozen
class ToolCall:
    """One function call of the model, assembled; `arguments` is the decoded JSON object."""

    call_id: str
    name: str
    arguments: Mapping[str, object] = field(factory=dict, hash=False, repr=size_of)


def apply_function_op(tools: Sequence[Tool], op: FunctionOp, given: Sequence[Tool]) -> tuple[Tool, ...]:
    """Return the tools after `op`: replace all, add or overwrite, overwrite those known, or delete by name."""
    by_name = {tool.name: tool for tool in tools}
    named = {tool.name: tool for tool in given}
    match op:
        case "REPLACE":
            return tuple(named.values())
        case "ADD":
            return tuple((by_name | named).values())
        case "UPDATE":
            return tuple(named.get(name, tool) for name, tool in by_name.items())
        case "DELETE":
            return tuple(tool for name, tool in by_name.items() if name not in named)
    assert_never(op)
