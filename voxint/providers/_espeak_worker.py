"""espeak's own process: a job for each short text, answered by its speech.

The provider runs this file as a script, so it needs the standard library alone; the engine is loaded when it runs.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from voxint.providers._espeak_job import job_of, utterance_bytes
from voxint.workers.child import Job, serve_jobs

if TYPE_CHECKING:
    from voxint.providers._espeak_library import EspeakLibrary

__all__ = ["main"]


def main() -> None:
    """Answer jobs until standard input ends."""
    serve_jobs(_load)


def _load() -> _Speaker:
    from voxint.providers._espeak_library import load

    return _Speaker(load(), sys.argv[1:])


class _Speaker:
    """Speaks one short text after another.

    Args:
        library: The engine.
        voices: Those that will be asked for; what it tells of itself names the ones that it lacks.
    """

    def __init__(self, library: EspeakLibrary, voices: list[str]) -> None:
        self._library = library
        lacking = [voice for voice in voices if not library.has_voice(voice)]
        facts = {"version": library.version, "rate": library.rate, "lacking": lacking, "voices": library.voices()}
        self.ready = json.dumps(facts).encode()

    def run(self, job: Job) -> bytes:
        """Speak the text; an abort ends that about half a millisecond later, and leaves the engine as it was."""
        text, manner = job_of(job.payload)
        utterance = self._library.speak(text, manner, lambda: job.aborted)
        job.check()
        return utterance_bytes(utterance)


if __name__ == "__main__":
    main()
