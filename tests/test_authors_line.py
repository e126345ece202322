"""Which line of a traceback or a stack its author can change."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import traceback
from pathlib import Path
from types import FunctionType

import pytest
import trio

import voxint
from voxint.authors_line import CodeLine, line_of_error, line_of_stack
from voxint.core.agent import Limits


def _misread() -> None:
    json.loads("no JSON")


def _limit_to_nothing() -> None:
    Limits(frame_ms=0.0)


@pytest.mark.parametrize("wrong", [_misread, _limit_to_nothing], ids=["Python's", "voxint's"])
def test_an_error_of_a_library_is_told_by_the_line_that_called_it(wrong: FunctionType) -> None:
    """What Python's own modules and voxint raise was led to by the program."""
    with pytest.raises((ValueError, TypeError)) as caught:
        wrong()
    line = line_of_error(caught.value)
    assert line is not None
    assert (line.file, line.function) == (__file__, wrong.__name__)
    assert line.line == inspect.getsourcelines(wrong)[1] + 1


def test_an_error_that_was_never_raised_has_no_line() -> None:
    """As that of a future, made and handed over."""
    assert line_of_error(ValueError()) is None
    assert line_of_stack(None) is None


async def test_a_stack_is_told_by_the_task_not_by_who_called_the_loop() -> None:
    """The program's trio.run stands behind every task and holds nothing up."""
    seen: list[CodeLine | None] = []

    async def task() -> None:
        await trio.lowlevel.checkpoint()
        seen.append(line_of_stack(inspect.currentframe()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(task)
    assert seen[0] is not None
    assert seen[0].function.endswith("task")
    assert seen[0].file == __file__


def _in_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> CodeLine | None:
    """Return the line of an error in a package that a package called, where no program stands on the way."""
    monkeypatch.setattr("voxint.authors_line.INSTALLED", (f"{here}/",))
    entered, deeper = here / "entered" / "__init__.py", here / "deeper" / "__init__.py"
    for file, code in (
        (entered, "def enter():\n    import deeper\n    deeper.fail()\n"),
        (deeper, "def fail(): 1 / 0"),
    ):
        file.parent.mkdir()
        file.write_text(code)
    monkeypatch.syspath_prepend(str(here))
    import entered as package  # type: ignore[import-not-found]  # written above

    with pytest.raises(ZeroDivisionError) as caught:
        package.enter()
    assert caught.tb.tb_next is not None
    return line_of_error(caught.value.with_traceback(caught.tb.tb_next))  # this test is a program itself


def test_a_package_is_told_by_where_it_was_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that was installed is at fault, not the library that it uses; its place starts with its package."""
    line = _in_package(tmp_path, monkeypatch)
    assert line is not None
    assert line.function == "enter"
    assert line.place == "entered/__init__.py:3"


def test_what_has_no_file_is_nobodys_line() -> None:
    """Parts of Python are frozen into it: who is sent to a line there can't open it."""
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("no_such_module")
    assert caught.tb.tb_next is not None
    assert traceback.extract_tb(caught.tb)[-1].filename.startswith("<frozen ")
    line = line_of_error(caught.value.with_traceback(caught.tb.tb_next))  # this test is a program itself
    assert line is not None
    assert line.file == importlib.__file__


def test_a_place_is_as_short_as_it_can_be_found_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """From where the program runs, or from where Python imports; else whole."""
    monkeypatch.setattr(sys, "path", ["/opt/agents", "/opt"])
    assert CodeLine("/opt/agents/blocky.py", 16, "generate").place == "blocky.py:16"
    assert CodeLine("/opt/other/blocky.py", 16, "generate").place == "other/blocky.py:16"
    assert CodeLine(str(Path.cwd() / "stages" / "blocky.py"), 16, "generate").place == "stages/blocky.py:16"
    assert CodeLine("/srv/blocky.py", 16, "generate").place == "/srv/blocky.py:16"


def test_a_line_is_ours_unless_it_is_a_providers() -> None:
    """A stage of voxint's is a stage, as anybody's; what runs stages is not to be shown to their authors."""
    package = Path(voxint.__file__).parent
    ours = CodeLine(str(package / "core" / "pipeline.py"), 1, "run")
    stage = CodeLine(str(package / "providers" / "espeak.py"), 1, "synthesize")
    assert (ours.ours, stage.ours, CodeLine(__file__, 1, "it").ours) == (True, False, False)
