"""What brings sample rates together is loaded when a conversation opens, and by no import of voxint."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import trio
from trio.testing import MockClock
from voxint import Agent, AudioFormat, Settings, open_conversation
from voxint.testing.stages import ScriptedModel, ScriptedVoice

def loaded():
    return "soxr" in sys.modules

async def main():
    agent, began = Agent(llm=ScriptedModel("Yes."), tts=ScriptedVoice()), trio.current_time()
    async with open_conversation(agent, Settings(output=agent.tts.audio_format)):
        equal = loaded()
    with trio.fail_after(60):
        async with open_conversation(agent, Settings(output=AudioFormat(agent.tts.audio_format.rate * 3 // 2))):
            print(imported, equal, loaded(), trio.current_time() == began)

imported = loaded()
trio.run(main, clock=CLOCK)
"""


def told_with(clock: str) -> str:
    """Return what the program prints on a clock, in a process that has loaded nothing yet."""
    command = [sys.executable, "-c", PROGRAM.replace("CLOCK", clock)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_a_conversation_that_converts_loads_what_it_needs_before_it_opens() -> None:
    """Else the first answer would, and hold the loop; who converts nothing pays nothing."""
    assert told_with("None") == "False False True False"


def test_in_virtual_time_no_thread_loads_it() -> None:
    """The clock would leap to the next deadline while a thread works."""
    assert told_with("MockClock(autojump_threshold=0)") == "False False True True"
