"""A nursery for the tasks behind a resource."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from voxint.inside_trio import require_trio

__all__ = ["open_background"]


@asynccontextmanager
async def open_background() -> AsyncGenerator[trio.Nursery, None]:
    """Open a nursery for background tasks; an exception of the block comes out as it is.

    A bare nursery wraps what its block raises in an exception group. That is right for a group of tasks, and wrong for
    a connection or a pool whose user knows nothing of tasks: ``except ValueError`` round the block must go on to work.
    What a background task raises still comes in a group. As with any nursery, the block's end waits for the tasks and
    its failure cancels them.
    """
    require_trio("open_background")
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield nursery
        except Exception as error:  # noqa: BLE001 - raised again below, outside the nursery
            raised = error
            nursery.cancel_scope.cancel(reason="the block failed")
    if raised is not None:
        raise raised
