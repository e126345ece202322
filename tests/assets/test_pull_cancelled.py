from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import define, field

from tests.assets.https_server import CONTENT, client_tls, open_server, whole
from tests.assets.test_pull import files_of
from voxint.assets.pull import open_puller

SHORT = CONTENT[:20_000]
"""A file of few steps, since there is a fetch for each."""

serving = partial(whole, content=SHORT)


@define(eq=False)
class CancelAt(trio.abc.Instrument):
    """Cancels a scope before the step of that number which the task of a fetch takes."""

    number: int
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    task: trio.lowlevel.Task | None = None
    steps: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count the step, and cancel before it if it is the one."""
        if task is self.task:
            if self.steps == self.number:
                self.scope.cancel(reason="a test cancels at each step")
            self.steps += 1


async def test_a_cancellation_at_any_step_leaves_what_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing, a true beginning or the whole file: never a wrong one, and never a lock that is held."""
    number, left = 0, set[str]()
    monkeypatch.setattr("voxint.assets.pull.BLOCK_BYTES", 4_000)
    async with open_server(serving) as server:
        while True:
            folder = tmp_path / str(number)
            at = CancelAt(number)
            trio.lowlevel.add_instrument(at)
            with at.scope:
                at.task = trio.lowlevel.current_task()
                async with open_puller(folder, verify=client_tls()) as puller:
                    await puller.pull(server.entry(SHORT))
                at.task = None
            trio.lowlevel.remove_instrument(at)
            for name, content in files_of(folder).items():
                left.add(name)
                assert SHORT.startswith(content)
                assert name.endswith(".part") or content == SHORT
            async with open_puller(folder, verify=client_tls(), waiting=pytest.fail) as puller:
                await puller.pull(server.entry(SHORT))
            assert files_of(folder) == {"test-file.bin": SHORT}
            if not at.scope.cancelled_caught:
                break
            number += 1
    assert number > 10
    assert left == {"test-file.bin", "test-file.bin.part"}
