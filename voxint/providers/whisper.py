"""Recognition of many languages by Whisper, in processes of this machine: no network, no key.

It is slower than Moonshine by far, and knows some hundred languages, Chinese among them. As there, the speech so far is
heard again and again, and only what the voice detector calls speech is heard at all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trio.abc
from attrs import frozen

from voxint.assets import find
from voxint.core.audio import AudioFormat
from voxint.core.stages import SpeechToText, Transcript
from voxint.errors import ConfigError
from voxint.providers import _whisper_worker
from voxint.providers._model_files import model_file
from voxint.providers._options import MOST_SEATS, check_folder, check_number, check_seconds
from voxint.providers._recognition_host import RecogniserHost
from voxint.providers._recognition_speech import Cuts
from voxint.workers.pool import WorkerPool
from voxint.workers.process import WorkerKind

__all__ = ["Whisper"]

MOST_WORKERS = 16
"""Upper limit of `workers` and `threads`. Chosen here: 8 GB of processes, more than a mistyped number should start."""

FILES = {
    "model": "whisper-base",
    "config": "whisper-base-config",
    "tokenizer": "whisper-base-tokenizer",
    "vocabulary": "whisper-base-vocabulary",
}
"""What the process loads, by the name that it knows it by."""

TAGS = {"jw": "jv"}
"""What BCP 47 calls a language for which the model has a code of its own: Javanese."""

PROMPT_CHARS = 200
"""Most characters of a prompt. Ours: the model takes 224 tokens."""

WORKER = WorkerKind(
    name="whisper",
    noun="recogniser",
    script=_whisper_worker.__file__,
    packages=("faster_whisper", "ctranslate2", "tokenizers", "huggingface_hub", "onnxruntime", "av", "numpy", "attrs"),
    extra="whisper",
    memory_mib=4096,
    start_s=60.0,  # it takes 1 to 3 s
    answer_s=30,  # a sentence took half a second on an idle machine, 3 s on a busy one
    abort_s=0.1,  # between two steps it lets go at once; the first may take half a second
    threads=True,
    remedy="raise workers, or set fewer seats",
    nice=5,  # the event loop, and a voice that must not falter, come first
)
"""Its process, with our bounds."""


class Whisper(RecogniserHost):
    """Recognise speech with Whisper base: `core.stages.SpeechToText`, used as an async context manager.

    Transcripts come as with `Moonshine`, but later: a look at a sentence takes half a second on two cores, so partials
    follow the voice by a second, and so does the final. The model's first step can't be broken off: a request that is
    cancelled meanwhile kills the process, and another one is started, which takes 1 to 3 s.

    Entering starts the processes; leaving kills them. A process has no environment, a bound on its memory, and on Linux
    no network (`voxint.children`). As with a nursery, an error of the body leaves in a group.

    Args:
        language: The code of the language that is spoken, such as ``zh`` or ``en``; ``auto``: what each stretch of the
            speech is taken for, which may be wrong for a word or two. A caller may choose another for itself.
        prompt: What the model is told to have heard before, at most 200 characters: names, or the way to write. None:
            for Chinese a sentence in simplified characters, for all others nothing.
        workers: Processes, each 400 MB, and 600 MB while it starts. One serves several callers in turn.
        threads: Threads with which a process computes. Ours: half of the cores that a small server has to spare.
        wait_s: Seconds a settled transcript waits for a process, before it fails with an error.
        seats: Callers that it carries at once; more are refused at the door. None: as many as the speed allows that
            the first process measures when it starts: 1 or 2 on two cores of a server.
        assets: A folder with the model's files, looked in first; None: the one of the environment, if any.

    Raises:
        ConfigError: An option has a bad value; on entering, the `whisper` extra is missing, or a model file.
    """

    def __init__(
        self,
        language: str = "auto",
        prompt: str | None = None,
        workers: int = 1,
        threads: int = 2,
        wait_s: float = 10.0,
        seats: int | None = None,
        assets: str | Path | None = None,
    ) -> None:
        if not isinstance(language, str) or not language.isalpha():
            raise ConfigError("whisper option language", f"write a code such as zh or en, or auto, not {language!r}")
        if prompt is not None and (not isinstance(prompt, str) or len(prompt) > PROMPT_CHARS):
            raise ConfigError("whisper option prompt", f"write a text of at most {PROMPT_CHARS} characters")
        folder = check_folder("whisper option assets", assets)
        given = {
            "language": language.lower(),
            "prompt": prompt,
            "threads": check_number("whisper option threads", threads, 1, MOST_WORKERS),
        }

        def find_files() -> Sequence[str]:
            files = {name: model_file(find(asset, folder)) for name, asset in FILES.items()}
            return [json.dumps({**given, "files": files})]

        super().__init__(
            WORKER,
            find_files,
            workers=check_number("whisper option workers", workers, 1, MOST_WORKERS),
            wait_s=check_seconds("whisper option wait_s", wait_s),
            seats=None if seats is None else check_number("whisper option seats", seats, 1, MOST_SEATS),
            cuts=Cuts(),
            lets_go=False,
        )
        self._codes: dict[str, str] = {}

    async def _open(self, stack: AsyncExitStack) -> WorkerPool:
        pool = await super()._open(stack)
        self._codes = {TAGS.get(code, code): code for code in json.loads(pool.ready)["languages"]}
        return pool

    @property
    def languages(self) -> tuple[str, ...]:
        """What it can be told to hear: the languages that the model knows; none before it is entered."""
        return tuple(self._codes)

    def hearing(self, language: str) -> SpeechToText:
        """Return who hears that language alone, in the same processes; it is one of `languages`."""
        return _WhisperLanguage(self, self._codes[language])


@frozen(eq=False)
class _WhisperLanguage:
    """Whisper for the callers that have chosen a language: `core.stages.SpeechToText`."""

    whisper: Whisper
    code: str

    @property
    def audio_format(self) -> AudioFormat:
        return self.whisper.audio_format

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        await self.whisper._recognise(audio, out, self.code.encode())
