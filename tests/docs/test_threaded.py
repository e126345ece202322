"""The how-to for asyncio: its conversation in a thread tells whoever asks of every end."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import ROOT
from tests.docs.test_examples import Example, examples, run

PAGE = ROOT / "docs" / "howto" / "asyncio.md"

ASKS = """
import asyncio

from threaded import Talk, Teller
from voxint import Agent, Text


async def bad_question():
    async with Talk(Agent(llm=Teller())) as talk:
        try:
            async for event in talk.ask(""):
                print(event)
        except Exception as error:
            print(type(error).__name__)
        async for event in talk.ask("Go."):
            if isinstance(event, Text):
                print(event.text)
                await talk.interrupt()


async def bad_thread():
    async with Talk(Agent(llm=Teller())) as talk:
        talk.token.run_sync_soon(talk.nursery.start_soon, fail)
        async for event in talk.ask("Go."):
            pass


async def fail():
    raise KeyError("rotten")


async def left_thread():
    async with Talk(Agent(llm=Teller())) as talk:
        talk.token.run_sync_soon(talk.nursery.cancel_scope.cancel)
        async for event in talk.ask("Go."):
            pass


async def main():
    await asyncio.wait_for(bad_question(), 20)
    try:
        await asyncio.wait_for(bad_thread(), 20)
    except* KeyError as group:
        print("KeyError")
    await asyncio.wait_for(left_thread(), 20)
    print("over")


asyncio.run(main())
"""


def test_a_question_that_fails_and_a_thread_that_ends_are_told(tmp_path: Path) -> None:
    """Nobody waits for an event that can't come: a failed question ends by its error, and the next is answered."""
    [threaded] = [example for example in examples(PAGE) if example.name == "threaded.py"]
    (tmp_path / "threaded.py").write_text(threaded.code, encoding="utf-8")
    (tmp_path / "asks.py").write_text(ASKS, encoding="utf-8")
    lines = run(Example("asks.py", ASKS), tmp_path).splitlines()
    assert lines[0] == "ValueError"
    assert lines[1].startswith("and then")
    assert lines[-2:] == ["KeyError", "over"]
