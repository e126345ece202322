"""The tasks of a stage on trial: how long a step of them holds the event loop, and which of them stay.

A task belongs to the stage if a run of it started it, directly or by another of its tasks, in whatever nursery: a
task inherits the context of the one that starts it, and a run leaves a mark there. So a server for the test beside
it, or the test's own tasks, are not taken for the stage's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import trio
from attrs import define, field, frozen

from voxint.authors_line import CodeLine
from voxint.loop_watch import LoopWatch, watched_loop

__all__ = ["Hold", "StageTasks", "watched_tasks"]

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
        step_s: A step that lasts longer holds the loop.
        watch: Sees which line holds it.

    Attributes:
        holds: The steps that did.
    """

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
        return [task for task in _all_tasks() if self._is_the_stages(task) or self._is_a_new_system_task(task)]

    def _is_the_stages(self, task: trio.lowlevel.Task) -> bool:
        return task.context.get(_ON_TRIAL) is self

    def _is_a_new_system_task(self, task: trio.lowlevel.Task) -> bool:
        """Return whether a task belongs to nobody: a system task doesn't inherit, and no resource can end it."""
        nursery = task.parent_nursery
        belongs = nursery is None or nursery.parent_task is not trio.lowlevel.current_root_task()
        return not belongs and task not in self._before


@contextmanager
def watched_tasks(step_s: float) -> Iterator[StageTasks]:
    """Watch the tasks of a stage in this loop while the block runs; a step longer than `step_s` holds the loop."""
    with watched_loop() as watch:
        tasks = StageTasks(step_s, watch)
        trio.lowlevel.add_instrument(tasks)
        try:
            yield tasks
        finally:
            trio.lowlevel.remove_instrument(tasks)


def _all_tasks() -> Iterator[trio.lowlevel.Task]:
    root = trio.lowlevel.current_root_task()
    found = [] if root is None else [root]
    while found:
        task = found.pop()
        yield task
        found += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
