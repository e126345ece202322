"""A stage on trial: run whole, several at once, and cancelled at many moments; after each it has to be gone."""

from __future__ import annotations

import functools
import inspect
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

import trio
from attrs import define, field, frozen

from voxint.arguments import check_fields, type_in_words
from voxint.authors_line import CodeLine, line_of_stack
from voxint.logs import get_logger
from voxint.testing.stage_tasks import StageTasks, watched_tasks

__all__ = ["Subject", "TrialBounds", "class_name", "put_on_trial"]

T = TypeVar("T")

MOMENTS = 16
"""At most so many sends, and gaps between them, are tried for a cancellation; chosen to keep a check short."""

STEPS = (0, 1, 2, 3, 5, 8)
"""Scheduler passes after which a run is cancelled: the steps of a connect, where streams get lost."""

AT_ONCE = 3
"""Runs of a stage side by side."""

STARVES_S = 0.25
"""How long a stage waits for input that never comes, before it is cancelled; ours: it has read all there is by then."""

AT_LEAST = 2
"""Of the moments between its first and its last send, tried however slow the stage is: one send, one gap."""

AGAIN = 8
"""Where a run has left a task, so many more are done, and looked at together: a leak in every second of them, or in
every eighth, is one too. Ours."""

AGAIN_AT_LEAST, AGAIN_AT_MOST = 2, 5
"""So many times: what grows each time is a leak. A pool stops at its bound, of at least 40 where there is time for all
of them. Ours; those beyond the least are done within the budget."""

log = get_logger()


@frozen(field_transformer=check_fields)
class TrialBounds:
    """What a stage may take, in seconds; the numbers are ours, and fit what voxint grants a stage.

    Args:
        within_s: For a whole run, on trio's clock.
        stop_s: For a cancelled run to be gone, on trio's clock: the interrupt deadline of a request.
        step_s: For a step, in which the event loop can do nothing else, on the real clock.
        budget_s: For the check, on the real clock: after that no further moment is tried. What has to be tried, 19 runs
            of a model and 21 of a voice or a recogniser, may take longer.

    Raises:
        TypeError: One is no number.
    """

    within_s: float = 30.0
    stop_s: float = 0.25
    step_s: float = 0.1
    budget_s: float = 5.0


Run = Callable[[trio.abc.SendChannel[T]], Awaitable[None]]


@define(eq=False)
class _Probe(trio.abc.SendChannel[T], Generic[T]):
    """The writing end a stage is given: notes what comes and when, and can cancel the run at one of the sends.

    Args:
        types: What may be written.
        cancel_at: The number of that send; None: it is cancelled elsewhere, or not at all.
    """

    types: tuple[type, ...]
    cancel_at: int | None = None
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    items: list[T] = field(factory=list)
    times: list[float] = field(factory=list)
    asked: float | None = None
    """When the run was cancelled."""
    reached: bool = False
    """Whether a send has raised `Cancelled` into the stage."""
    went_on: bool = False
    """Whether the stage tried to write again after that."""
    wrong: tuple[T, CodeLine | None] | None = None
    """The first piece of another type, and the line that wrote it."""

    def cancel(self) -> None:
        self.asked = trio.current_time()
        self.scope.cancel(reason="conformance")

    async def send(self, value: T) -> None:
        self.went_on = self.went_on or self.reached
        if self.wrong is None and not isinstance(value, self.types):
            self.wrong = value, line_of_stack(inspect.currentframe())
        if len(self.items) == self.cancel_at:
            self.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled:
            self.reached = True
            raise
        self.items.append(value)
        self.times.append(trio.current_time())

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@frozen
class _Moment:
    """When to cancel a run.

    Args:
        told: As a complaint names it.
        until: Waits until it is there; None: it is a send.
        send: Which send.
    """

    told: str
    until: Callable[[], Awaitable[None]] | None = None
    send: int | None = None


@frozen
class Subject(Generic[T]):
    """A stage on trial, as all three kinds are looked at.

    Args:
        stage: The stage.
        run: One whole run.
        types: What it may write.
        writes: A statement that writes a piece, for complaints.
        sound: Looks at all that a whole run wrote.
        starve: A run whose input neither goes on nor ends; it is cancelled.
        nothing: A run whose input ends at once; it returns.
        answers: Whether what a whole run wrote says anything; what the first has done, each later one has to do.
    """

    stage: object
    run: Run[T]
    types: tuple[type, ...]
    writes: str
    sound: Callable[[Sequence[T]], None] = lambda items: None
    starve: Run[T] | None = None
    nothing: Run[T] | None = None
    answers: Callable[[Sequence[T]], bool] = bool

    @property
    def name(self) -> str:
        """What to call the stage in complaints."""
        return class_name(self.stage)


async def put_on_trial(subject: Subject[T], bounds: TrialBounds) -> list[T]:
    """Try a stage at every moment that there is time for; return what the first run wrote.

    Raises:
        AssertionError: The stage does not keep its contract.
    """
    with watched_tasks(subject.stage, bounds.step_s) as tasks:
        trial = _Trial(subject, bounds, tasks)
        items = await trial.whole()
    trial.tell()
    return items


@define(eq=False)
class _Trial(Generic[T]):
    """The checks of one stage, from the first run to the last."""

    subject: Subject[T]
    bounds: TrialBounds
    _tasks: StageTasks
    _began: float = field(init=False, factory=time.perf_counter)
    _kept: int = field(init=False, default=0)
    _runs: int = field(init=False, default=0)
    _left_out: int = field(init=False, default=0)
    _answered: bool = field(init=False, default=False)  # a run did

    @property
    def name(self) -> str:
        return self.subject.name

    async def whole(self) -> list[T]:
        """Do all of it; return what the first run wrote."""
        items = await self._moments()
        if (starve := self.subject.starve) is not None:
            waits = functools.partial(trio.sleep, STARVES_S)
            await self._cancelled(starve, _Moment("while it waits for input", waits), ends=False)
        if (nothing := self.subject.nothing) is not None:
            await self._returns(nothing)
        return items

    def tell(self) -> None:
        """Log what was tried, and how long it took."""
        took_s = round(self._spent_s, 2)
        tell = log.warning if self._left_out else log.info
        tell("conformance checked", stage=self.name, took_s=took_s, runs=self._runs, moments_left_out=self._left_out)

    @property
    def _spent_s(self) -> float:
        return time.perf_counter() - self._began

    async def _moments(self) -> list[T]:
        began = trio.current_time()
        first = await self._to_the_end()
        ended, run_s = trio.current_time(), self._spent_s
        if self._tasks.holds:
            await self._to_the_end()  # it was the machine, or it does it again
        await self._at_once()
        connects = [_Moment(f"after {steps} steps", functools.partial(_take_steps, steps)) for steps in STEPS]
        for moment in connects:
            await self._cancel_at(self.subject.run, moment)
        self._kept = len(self._tasks.left())  # what a provider keeps for longer than a request, such as a pool's
        for moment in connects:
            await self._cancelled(self.subject.run, moment)
        for number, moment in enumerate(_between(first, began, ended)):
            # Of the budget, one run is for this moment and one for the end.
            if number >= AT_LEAST and self._spent_s + 2 * run_s > self.bounds.budget_s:
                self._left_out += 1
            else:
                await self._cancelled(self.subject.run, moment)
        await self._to_the_end()
        await self._none_left(self.name, self._to_the_end)
        return first.items

    async def _to_the_end(self) -> _Probe[T]:
        """Run whole, and look at what was written."""
        probe = await self._returns(self.subject.run)
        if probe.wrong is not None:
            self._complain_of(*probe.wrong)
        self.subject.sound(probe.items)
        answers = self.subject.answers(probe.items)
        assert answers or not self._answered, (
            f"{self.name} wrote an answer in its first run, and none in a later one: "
            "what ends a run, a cancellation too, must leave the stage as it was"
        )
        self._answered = answers
        return probe

    def _complain_of(self, wrong: object, line: CodeLine | None) -> None:
        """Say what was written in the place of a piece, and where."""
        at = "" if line is None else f" at {line.place}"
        remedy = f"an instance, {wrong.__name__}(...)" if isinstance(wrong, type) else f"`{self.subject.writes}`"
        raise AssertionError(f"{self.name} wrote {type_in_words(wrong)}{at}: write {remedy}")

    async def _returns(self, run: Run[T]) -> _Probe[T]:
        """Run to the return, within the time there is."""
        probe: _Probe[T] = _Probe(self.subject.types)
        self._runs += 1
        with trio.move_on_after(self.bounds.within_s) as patience, self._tasks.run():
            await run(probe)
        assert not patience.cancelled_caught, f"{self.name} did not return within {self.bounds.within_s:g} s"
        self._loop_was_free()
        return probe

    async def _at_once(self) -> None:
        """Run several side by side: they must not meet."""
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(AT_ONCE):
                    nursery.start_soon(self._to_the_end)
        except* Exception as group:
            raise AssertionError(f"{self.name}, run {AT_ONCE} times at once: {_first(group)}") from group

    async def _cancelled(self, run: Run[T], moment: _Moment, *, ends: bool = True) -> None:
        """Run, cancel at the moment, and look at what is left."""
        again = functools.partial(self._cancel_at, run, moment, ends=ends)
        await again()
        await self._none_left(f"{self.name}, cancelled {moment.told},", again)

    async def _cancel_at(self, run: Run[T], moment: _Moment, *, ends: bool = True) -> None:
        about = f"{self.name}, cancelled {moment.told},"
        probe: _Probe[T] = _Probe(self.subject.types, moment.send)
        error: Exception | None = None
        returned = False
        self._runs += 1

        async def cancel(until: Callable[[], Awaitable[None]]) -> None:
            await until()
            probe.cancel()

        async with trio.open_nursery() as nursery:
            if moment.until is not None:
                nursery.start_soon(cancel, moment.until)
            try:
                with probe.scope, self._tasks.run():
                    await run(probe)
                    returned = True
            except Exception as raised:  # noqa: BLE001 - whatever a stage raises here is what the check reports
                error = raised
            ended = trio.current_time()
            nursery.cancel_scope.cancel(reason="the run has ended")
        self._loop_was_free()
        assert error is None, f"{about} raised {error!r} instead of letting Cancelled through"
        assert not probe.went_on, f"{about} went on writing"
        assert not (returned and (probe.reached or not ends)), f"{about} swallowed Cancelled and returned"
        took_s, stop_s = ended - (ended if probe.asked is None else probe.asked), self.bounds.stop_s
        assert took_s <= stop_s, f"{about} took {took_s:g} s to stop, {stop_s:g} s are allowed"

    def _loop_was_free(self) -> None:
        """Find that no step of the stage keeps the loop from everybody else."""
        if (hold := self._tasks.held_twice) is None:
            return
        at = "code that keeps the interpreter to itself" if hold.line is None else hold.line.place
        raise AssertionError(
            f"{self.name} held the event loop for {hold.lasted_s:.2g} s at {at}; {self.bounds.step_s:g} s are allowed, "
            "for nobody can be answered or interrupted meanwhile: wait with trio (`await trio.sleep`, an asynchronous "
            "client), and do what blocks in a thread (`await trio.to_thread.run_sync`) or a process"
        )

    async def _none_left(self, about: str, again: Callable[[], Awaitable[object]]) -> None:
        """Find that nothing stays of a run; what a pool keeps has a bound, and stops growing."""
        left = await self._settled()
        if (first := len(left)) <= self._kept:
            return
        for times in range(AGAIN_AT_MOST):
            if times >= AGAIN_AT_LEAST and self._spent_s > self.bounds.budget_s:
                break
            before = len(left)
            for _ in range(AGAIN):
                await again()
            left = await self._settled(before)
            if len(left) <= before:
                self._kept = len(left)
                return
            runs = (times + 1) * AGAIN
        names = ", ".join(sorted({task.name for task in left}))
        raise AssertionError(
            f"{about} left a task running, and {len(left) - first} more in {runs} more such runs ({names}): "
            "keep every task in a nursery of the call"
        )

    async def _settled(self, kept: int | None = None) -> list[trio.lowlevel.Task]:
        """Give what the stage left behind a moment to go; return what has stayed."""
        kept = self._kept if kept is None else kept
        with trio.move_on_after(self.bounds.stop_s):
            while len(self._tasks.left()) > kept:  # noqa: ASYNC110 - no event says so
                await trio.sleep(self.bounds.stop_s / 16)
        return self._tasks.left()


def class_name(stage: object) -> str:
    """Return what to call a stage, or what it wrote, in a complaint."""
    return type(stage).__name__


async def _take_steps(steps: int) -> None:
    for _ in range(steps):
        await trio.lowlevel.checkpoint()


def _between(first: _Probe[T], began: float, ended: float) -> Iterator[_Moment]:
    """Yield the moments of a run like `first`, each beside another one's: its sends, and half-way between two."""
    sends = [_Moment(f"at send {number}", send=number) for number in _spread(range(len(first.items)))]
    instants = [began, *first.times, ended]
    delays = [(start + end) / 2 - began for start, end in itertools.pairwise(instants) if end > start]
    gaps = [_Moment(f"after {delay:g} s", functools.partial(trio.sleep, delay)) for delay in _spread(delays)]
    for pair in itertools.zip_longest(_halved(sends), _halved(gaps)):
        yield from (moment for moment in pair if moment is not None)


def _spread(values: Sequence[T]) -> list[T]:
    """Return at most `MOMENTS` of the values: the first, the last, and evenly between."""
    if len(values) <= MOMENTS:
        return list(values)
    return [values[index * (len(values) - 1) // (MOMENTS - 1)] for index in range(MOMENTS)]


def _halved(values: Sequence[T]) -> Iterator[T]:
    """Yield all the values, the middle first, then those of the halves: wherever it ends, it was everywhere."""
    parts = deque([values])
    while parts:
        if part := parts.popleft():
            middle = len(part) // 2
            yield part[middle]
            parts += [part[:middle], part[middle + 1 :]]


def _first(error: BaseException) -> BaseException:
    """Return the first exception in a group, however deep."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
