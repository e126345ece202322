"""A voice server as a process of its own: started, killed, started again on the same port; every wait is bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from tests.browser.rig.waiting import LIMIT_S, START_S
from tests.processes import ENVIRONMENT

__all__ = ["VoiceServer"]


class VoiceServer:
    """`tests.browser.rig.serving` as a process; a context manager, at whose end it is killed.

    Args:
        options: What that program is told, as its `Options` has it.

    Attributes:
        port: Where it listens.
        told: What it has told so far, in order, over all its lives: each question with what the model was shown.
    """

    def __init__(self, **options: object) -> None:
        self.port = 0
        self.told: list[dict[str, Any]] = []
        self._options: Mapping[str, object] = options
        self._news = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._gone = False

    @property
    def origin(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The WebSocket's address."""
        return f"ws://127.0.0.1:{self.port}/ws/agent/stream"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()  # of a block that is not entered nobody leaves
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, on the port that it had before where it had one; return when it listens."""
        command = [sys.executable, "-m", "tests.browser.rig.serving", json.dumps({**self._options, "port": self.port})]
        self._gone = False
        # Its standard error is ours: whoever reads a failure finds the server's log in it.
        self._process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        before = sum("port" in each for each in self.told)
        ready = self.wait(lambda told: [each for each in told if "port" in each][before:], "that it listens", START_S)
        self.port = ready[0]["port"]

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(LIMIT_S)
        if self._reader is not None:
            self._reader.join(LIMIT_S)
        if process.stdout is not None:
            process.stdout.close()

    def wait(
        self, found: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], what: str, limit_s: float = LIMIT_S
    ) -> list[dict[str, Any]]:
        """Wait until `found` finds something in what it has told; return that."""
        until = time.monotonic() + limit_s
        with self._news:
            while not (result := found(self.told)):
                left = until - time.monotonic()
                assert left > 0, f"the server has not told {what}: {self.told}"
                assert not self._gone, f"the server has ended before it told {what}: {self.told}"
                self._news.wait(left)
        return result

    def questions(self, at_least: int) -> list[list[tuple[str, str]]]:
        """Wait until the model was asked so often; return what it was shown each time: (role, words) in order."""

        def asked(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
            found = [each for each in told if "asked" in each]
            return found if len(found) >= at_least else []

        return [[(role, words) for role, words in each["asked"]] for each in self.wait(asked, f"{at_least} questions")]

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._news:
                self.told.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._gone = True
            self._news.notify_all()
