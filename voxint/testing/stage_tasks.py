"""The tasks of a stage on trial: how long a step of them holds the event loop, and which of them stay.

A task belongs to the stage if a run of it started it, directly or by another of its tasks, in whatever nursery: a
task inherits the context of the one that starts it, and a run leaves a mark there. So a server for the test beside
it, or the test's own tasks, are not taken for the stage's. A task that the stage has had since before its runs has no
such mark to hand on: what such a one starts is found in the nurseries that the stage keeps.
"""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import ModuleType

import trio
from attrs import define, field, frozen

from voxint.authors_line import CodeLine
from voxint.loop_watch import LoopWatch, watched_loop

__all__ = ["Hold", "StageTasks", "watched_tasks"]

PARTS_DEEP = 3
"""A stage's own attributes, those of its parts, and of theirs, are looked through for nurseries; ours."""

_ON_TRIAL: ContextVar[StageTasks] = ContextVar("voxint stage on trial")


@frozen
class Hold:
    """A step that held the loop for too long.

    Args:
        lasted_s: For how long.
        line: The line that did; None where nobody could look: it kept the interpreter to itself.
    """

    lasted_s: float
    line: CodeLine | None

    @property
    def where(self) -> tuple[str, str] | None:
        """The function, by its file and name."""
        return None if self.line is None else (self.line.file, self.line.function)


@define(eq=False)
class StageTasks(trio.abc.Instrument):
    """Watches the tasks of all runs of one stage.

    Args:
        stage: The stage.
        step_s: A step that lasts longer holds the loop.
        watch: Sees which line holds it.

    Attributes:
        holds: The steps that did.
    """

    stage: object
    step_s: float
    watch: LoopWatch
    holds: list[Hold] = field(init=False, factory=list)
    _before: frozenset[trio.lowlevel.Task] = field(init=False, factory=lambda: frozenset(_all_tasks()))
    _began: float = field(init=False, factory=time.perf_counter)
    _begins_in_run: bool = field(init=False, default=False)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Take what this task does in the block, and every task that it starts there, for the stage's."""
        token = _ON_TRIAL.set(self)
        try:
            yield
        finally:
            _ON_TRIAL.reset(token)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Note the begin of a step; called by trio."""
        self._begins_in_run = self._is_the_stages(task)
        self._began = time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Note its end; called by trio."""
        lasted_s = time.perf_counter() - self._began
        # A run that ends in a step has taken its mark away by now, and one that begins in it had not made it before.
        if lasted_s > self.step_s and (self._begins_in_run or self._is_the_stages(task)):
            self.holds.append(Hold(lasted_s, self.watch.held_by))

    @property
    def held_twice(self) -> Hold | None:
        """The longest step of the function that held the loop more than once; None: none has.

        Once may be the machine, which had other things to do.
        """
        times = Counter(hold.where for hold in self.holds)
        again = [hold for hold in self.holds if times[hold.where] > 1]
        return max(again, key=lambda hold: hold.lasted_s, default=None)

    def left(self) -> list[trio.lowlevel.Task]:
        """Return the tasks of the stage that live, between two runs."""
        kept = set(_beneath(_nurseries_of(self.stage))) - self._before
        return [
            task
            for task in _all_tasks()
            if task in kept or self._is_the_stages(task) or self._is_a_new_system_task(task)
        ]

    def _is_the_stages(self, task: trio.lowlevel.Task) -> bool:
        return task.context.get(_ON_TRIAL) is self

    def _is_a_new_system_task(self, task: trio.lowlevel.Task) -> bool:
        """Return whether a task belongs to nobody: a system task doesn't inherit, and no resource can end it."""
        nursery = task.parent_nursery
        belongs = nursery is None or nursery.parent_task is not trio.lowlevel.current_root_task()
        return not belongs and task not in self._before


@contextmanager
def watched_tasks(stage: object, step_s: float) -> Iterator[StageTasks]:
    """Watch the tasks of a stage in this loop while the block runs; a step longer than `step_s` holds the loop."""
    with watched_loop() as watch:
        tasks = StageTasks(stage, step_s, watch)
        trio.lowlevel.add_instrument(tasks)
        try:
            yield tasks
        finally:
            trio.lowlevel.remove_instrument(tasks)


def _all_tasks() -> Iterator[trio.lowlevel.Task]:
    root = trio.lowlevel.current_root_task()
    if root is not None:
        yield root
        yield from _beneath(root.child_nurseries)


def _beneath(nurseries: Iterable[trio.Nursery]) -> Iterator[trio.lowlevel.Task]:
    found = [child for nursery in nurseries for child in nursery.child_tasks]
    while found:
        task = found.pop()
        yield task
        found += [child for nursery in task.child_nurseries for child in nursery.child_tasks]


def _nurseries_of(stage: object) -> list[trio.Nursery]:
    """Return the nurseries that a stage holds, or a part of it does, such as its pool."""
    nurseries: list[trio.Nursery] = []
    level, seen = [stage], {id(stage)}
    for _ in range(PARTS_DEEP):
        parts = [part for owner in level for part in _parts(owner) if id(part) not in seen]
        seen.update(map(id, parts))
        nurseries += [part for part in parts if isinstance(part, trio.Nursery)]
        level = [part for part in parts if not _leads_away(part)]
    return list(dict.fromkeys(nurseries))


def _leads_away(part: object) -> bool:
    """Return whether what a part holds is not its stage's: a class, a module, or what of trio leads to every task."""
    return isinstance(part, type | ModuleType) or type(part).__module__.partition(".")[0] == "trio"


def _parts(owner: object) -> list[object]:
    """Return what an object has as its attributes, in slots too; nothing of it is called."""
    slots = [getattr(kind, "__slots__", ()) for kind in type(owner).__mro__]
    names = [name for each in slots for name in ((each,) if isinstance(each, str) else each)]
    in_slots = [inspect.getattr_static(type(owner), name, None) for name in names]
    found = [slot for slot in in_slots if inspect.ismemberdescriptor(slot)]
    values: list[object] = list(getattr(owner, "__dict__", {}).values())
    for slot in found:
        with suppress(AttributeError):  # nothing is in it yet
            values.append(slot.__get__(owner))
    return values
