"""A run on disk while it goes on: each slot is kept as it is done, so that an interrupted run can be resumed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from attrs import evolve

from bench.schema import Results, Slot, TargetInfo, load, save

__all__ = ["Store"]

RUN = "run.json"
SLOTS = "slots.jsonl"
RESULTS = "results.json"


class Store:
    """A folder that holds one run.

    Args:
        folder: Where; made if it is not there.
        fresh: The run without slots, as it would begin now.
        resume: Go on with the run that the folder holds.

    Raises:
        ValueError: The folder holds a run and `resume` is not asked for, or it holds one of another commit or mode.
    """

    def __init__(self, folder: Path, fresh: Results, *, resume: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.results = fresh
        if (folder / RUN).exists():
            if not resume:
                raise ValueError(f"{folder} holds a run: go on with it by --resume, or name another folder by --out")
            self.results = _same(load(folder / RUN), fresh, folder)
            self.results = evolve(self.results, slots=tuple(_read(folder / SLOTS)))
        self._write_run()
        _write_slots(folder / SLOTS, self.results.slots)
        self._slots = (folder / SLOTS).open("ab")

    def close(self) -> None:
        """Close its file."""
        self._slots.close()

    def has(self, case: str, target: str, round: int) -> bool:
        """Return whether a slot is there already."""
        return any((slot.case, slot.target, slot.round) == (case, target, round) for slot in self.results.slots)

    def add(self, slot: Slot) -> None:
        """Keep a slot, in the place of an earlier one of the same kind: it survives whatever ends this process."""
        self._slots.write(msgspec.json.encode(slot) + b"\n")
        self._slots.flush()
        os.fsync(self._slots.fileno())
        same = (slot.case, slot.target, slot.round)
        others = [kept for kept in self.results.slots if (kept.case, kept.target, kept.round) != same]
        self.results = evolve(self.results, slots=(*others, slot))

    def know(self, targets: Mapping[str, TargetInfo]) -> None:
        """Keep what targets said of themselves, or why they are absent; what one has said outlives a failed start."""
        known = dict(self.results.targets)
        for name, info in targets.items():
            before = known.get(name)
            if info.absent and before is not None and before.versions:
                known[name] = evolve(before, notes=f"{before.notes} Once it did not start: {info.absent}")
            else:
                known[name] = info
        self.results = evolve(self.results, targets=known)
        self._write_run()

    def capacity(self, figure: str, target: str, value: float, *, at_least: bool) -> None:
        """Keep how much a target can take."""
        capacity: dict[str, Mapping[str, float]] = dict(self.results.capacity)
        capacity[figure] = {**capacity.get(figure, {}), target: value}
        bounds: dict[str, tuple[str, ...]] = dict(self.results.at_least)
        if at_least:
            bounds[figure] = (*bounds.get(figure, ()), target)
        self.results = evolve(self.results, capacity=capacity, at_least=bounds)
        self._write_run()

    def finish(self) -> Path:
        """Write the whole run to one file, and return where."""
        path = self.folder / RESULTS
        save(self.results, path)
        return path

    def _write_run(self) -> None:
        save(evolve(self.results, slots=()), self.folder / RUN)


def _same(old: Results, fresh: Results, folder: Path) -> Results:
    kinds = (("commit", fresh.commit, old.commit), ("mode", fresh.mode, old.mode))
    granted = ((it.generator_first, it.kernel_stamps) for it in (fresh.machine, old.machine))
    for what, mine, its in (
        *kinds,
        ("processor", fresh.machine.cpu, old.machine.cpu),
        ("permissions", *map(str, granted)),
    ):
        if mine != its:
            raise ValueError(f"{folder} holds a run of {what} {its}, this is {mine}: they can't be one run")
    return old


def _write_slots(path: Path, slots: Iterable[Slot]) -> None:
    """Write a file of whole lines; it takes the old one's place at once."""
    new = path.with_suffix(".new")
    new.write_bytes(b"".join(msgspec.json.encode(slot) + b"\n" for slot in slots))
    new.replace(path)


def _read(path: Path) -> list[Slot]:
    """Return the slots; a last line that was cut off is measured again."""
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    slots = [msgspec.json.decode(line, type=Slot) for line in lines[:-1]]
    return list({(slot.case, slot.target, slot.round): slot for slot in slots}.values())
