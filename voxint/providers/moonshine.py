"""Recognition of English by Moonshine, in processes of this machine: no network, no key.

The model hears a sound as a whole, so words appear while somebody still speaks by hearing the speech so far again and
again; that costs little, for the decoder takes what it heard before as a draft. Only what the voice detector calls
speech is heard at all: in silence the model would hear "You".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from voxint.assets import find
from voxint.providers import _moonshine_worker
from voxint.providers._model_files import model_file
from voxint.providers._options import MOST_SEATS, check_folder, check_number, check_seconds
from voxint.providers._recognition_host import RecogniserHost
from voxint.providers._recognition_speech import Cuts
from voxint.workers.process import WorkerKind

__all__ = ["Moonshine"]

MOST_WORKERS = 32
"""Upper limit of `workers` and `threads`. Chosen here: 6 GB of processes, more than a mistyped number should start."""

FILES = ("moonshine-tiny-en-encoder", "moonshine-tiny-en-decoder", "moonshine-tiny-en-tokenizer")
"""What the process loads, in the order of its first argument."""

WORKER = WorkerKind(
    name="moonshine",
    noun="recogniser",
    script=_moonshine_worker.__file__,
    packages=("onnxruntime", "numpy", "attr"),
    memory_mib=1024,  # after 15 s of sound it took 420 of address space
    start_s=30.0,  # it takes 0.7 s on an idle machine
    answer_s=10,  # 15 s of sound took 0.5 s
    abort_s=0.15,  # it lets go within 2 ms, 32 at most on a busy machine
    threads=True,
    remedy="raise workers, or set fewer seats",
    nice=5,  # the event loop, and a voice that must not falter, come first
)
"""Its process, with our bounds."""


class Moonshine(RecogniserHost):
    """Recognise English with Moonshine tiny: `core.stages.SpeechToText`, used as an async context manager.

    Partial transcripts follow the voice by 0.2 to 0.4 s. The words are settled where somebody has paused for 0.6 s, in
    long speech at shorter pauses, and at the end: 0.1 s after it for 5 s of speech; where a pause of 0.25 s came before
    the end, at once. Without speech there is one final, and it is empty. Audio that comes faster than it is spoken gets
    no partials.

    A request that is cancelled has its process let go within two steps of the model; one that does not in 0.15 s is
    killed, and another is started.

    Entering starts the processes; leaving kills them. A process has no environment, a bound on its memory, and on Linux
    no network (`voxint.children`); the system prefers other processes to it. As with a nursery, an error of the body
    leaves in a group.

    Args:
        workers: Processes, each 190 MB. One serves several callers in turn; more than the machine has cores gain
            nothing.
        threads: Threads with which a process computes. One is fastest, measured on two cores: two wait for each other.
        wait_s: Seconds a settled transcript waits for a process, before it fails with an error.
        seats: Callers that it carries at once; more are refused at the door. None: as many as the speed allows that
            the first process measures when it starts: 5 to 8 for each on a core of a server.
        assets: A folder with the model's files, looked in first; None: the one of the environment, if any.

    Raises:
        ConfigError: An option has a bad value; on entering, the `speech` extra is missing, or a model file.
    """

    def __init__(
        self,
        workers: int = 1,
        threads: int = 1,
        wait_s: float = 10.0,
        seats: int | None = None,
        assets: str | Path | None = None,
    ) -> None:
        folder = check_folder("moonshine option assets", assets)
        threads = check_number("moonshine option threads", threads, 1, MOST_WORKERS)

        def find_files() -> Sequence[str]:
            return [json.dumps([model_file(find(name, folder)) for name in FILES]), str(threads)]

        super().__init__(
            WORKER.with_threads(2 * threads),  # the encoder has its own, and the decoder
            find_files,
            workers=check_number("moonshine option workers", workers, 1, MOST_WORKERS),
            wait_s=check_seconds("moonshine option wait_s", wait_s),
            seats=None if seats is None else check_number("moonshine option seats", seats, 1, MOST_SEATS),
            cuts=Cuts(),
        )

    languages: Final = ("en",)
    """What a caller can choose: there is English alone."""

    def hearing(self, language: str) -> Moonshine:
        """Return itself: it hears English, whatever it is told."""
        return self
