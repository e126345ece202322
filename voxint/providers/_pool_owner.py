"""What a provider is that owns processes: entered, it has a pool of them; left, it has none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from voxint.workers.pool import WorkerPool

__all__ = ["PoolOwner"]


class PoolOwner(ABC):
    """An async context manager with a pool of processes, which its subclass opens.

    As with a nursery, an error of the body leaves in a group.
    """

    def __init__(self) -> None:
        self._pool: WorkerPool | None = None
        self._stack = AsyncExitStack()

    @abstractmethod
    async def _open(self, stack: AsyncExitStack) -> WorkerPool:
        """Open the pool, and whatever else the provider needs, to be closed by `stack`; also where this raises."""

    @abstractmethod
    async def _try_out(self) -> str:
        """Have an engine do a little, and say how that went."""

    async def check(self) -> str:
        """Have an engine do a little and say how that went, entering for that time where need be.

        Raises:
            ConfigError: No process can be started with this configuration.
            UpstreamError: It was started and failed, or all are busy.
        """
        if self._pool is None:
            async with self:
                return await self.check()
        return await self._try_out()

    async def __aenter__(self) -> Self:
        if self._pool is not None:
            raise RuntimeError(f"this {type(self).__name__} was entered before: make one for each `async with`")
        async with AsyncExitStack() as stack:
            self._pool = await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool = None
        await self._stack.__aexit__(kind, error, trace)

    def _entered(self) -> WorkerPool:
        """Return the pool.

        Raises:
            RuntimeError: It was not entered.
        """
        if self._pool is None:
            name = type(self).__name__
            raise RuntimeError(f"{name} owns a process: enter it first, `async with {name}(...) as stage`")
        return self._pool
