"""Errors can be told, however they were made: trio asks each that leaves a task for its `repr`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import trio

from voxint import errors
from voxint.core.agent import Agent
from voxint.core.conversation import open_conversation
from voxint.core.failure import stage_failure
from voxint.errors import RequestFailed, UpstreamError, VoxintError

ALL = [error for _, error in inspect.getmembers(errors, inspect.isclass) if issubclass(error, VoxintError)]


def _forgetful(base: type[VoxintError]) -> VoxintError:
    """Return an error of a subclass that fills no field."""

    def forget(self: Exception, status: int) -> None:
        Exception.__init__(self, "persimmon")

    made: VoxintError = type("Forgetful", (base,), {"__init__": forget})(3)
    return made


class _Broken(str):
    __slots__ = ()

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


@pytest.mark.parametrize("base", ALL)
def test_an_error_that_was_never_filled_can_be_told(base: type[VoxintError]) -> None:
    """Its repr and its str don't raise, and it has a traceback as any."""
    error = _forgetful(base)
    assert repr(error).startswith("Forgetful(")
    str(error)
    assert not hasattr(error, "of_no_such_name")


@pytest.mark.parametrize("base", ALL)
def test_an_error_has_plain_texts(base: type[VoxintError]) -> None:
    """A str of another class, whose own repr may raise, becomes a plain one."""
    fields: tuple[Any, ...] = getattr(base, "__attrs_attrs__", ())
    if not fields:
        return
    kind = {"kind": "internal" if base is RequestFailed else "busy"}
    texts = {field.name: kind.get(field.name, _Broken("x")) for field in fields if "str" in str(field.type)}
    texts |= {name: kind[name] for name in ("kind",) if "Literal" in str(fields[0].type)}
    assert "'x'" in repr(base(**texts))


def test_an_upstream_error_that_says_nothing_is_named() -> None:
    """It is the stage's failure, told by the class, as any other exception is."""
    failure = stage_failure("llm", _forgetful(UpstreamError))
    assert (failure.kind, failure.message) == ("upstream", "the provider raised Forgetful")
    assert failure.operator_detail == ""


@pytest.mark.virtual_time
async def test_an_upstream_error_that_says_nothing_ends_one_request() -> None:
    """Also out of a task in the stage's own nursery, where trio tells it: nobody else's request ends with it."""

    class Model:
        async def generate(self, turn: Any, out: Any) -> None:
            async def fail() -> None:
                raise _forgetful(UpstreamError)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail)
                await trio.sleep(1)

    async with open_conversation(Agent(llm=Model())) as talk:
        with pytest.raises(RequestFailed, match="the provider raised Forgetful") as caught:
            await talk.ask("Hello?").text()
        assert (caught.value.kind, caught.value.stage) == ("upstream", "llm")
