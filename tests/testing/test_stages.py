from __future__ import annotations

import pytest
import trio

from voxint.core.stages import Delta, ModelOutput, Speech, ToolCall, Transcript, Turn, Usage
from voxint.testing.stages import FOREVER, HEAR, REPEAT, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

TURN = Turn(())
CALL = ToolCall("c1", "look_up", {"word": "voxint"})


async def items_of(stage: ScriptedModel) -> list[tuple[float, object]]:
    """Run a model's turn and return what it wrote, and when."""
    items: list[tuple[float, object]] = []
    out, received = trio.open_memory_channel[ModelOutput](0)
    began = trio.current_time()

    async def generate() -> None:
        async with out:
            await stage.generate(TURN, out)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(generate)
        async for item in received:
            items.append((trio.current_time() - began, item))
    return items


async def test_a_model_says_its_texts_at_their_time() -> None:
    """Each text comes `every` seconds after the one before."""
    model = ScriptedModel.says("Hello. ", "Bye.", every=0.125)
    assert await items_of(model) == [(0.125, Delta("Hello. ")), (0.25, Delta("Bye."))]
    [call] = model.calls
    assert (call.given, call.written, call.finished) == ([TURN], 2, True)


async def test_calls_and_usage_are_written_as_they_are() -> None:
    """A step that is an item of the stage's output is that item."""
    assert await items_of(ScriptedModel(CALL, 0.5, Usage(7, 3))) == [(0.0, CALL), (0.5, Usage(7, 3))]


async def test_an_exception_is_raised_and_noted() -> None:
    """The call that raised did not finish and says what it raised."""
    model = ScriptedModel("Well, ", fault := ValueError("out of words"))
    with pytest.raises(ExceptionGroup) as caught:
        await items_of(model)
    assert caught.value.exceptions == (fault,)
    assert model.calls[0].error is fault
    assert not model.calls[0].finished


async def test_turns_have_a_script_each() -> None:
    """The last script goes for all further calls."""
    model = ScriptedModel.turns(ScriptedModel("one"), ScriptedModel("two"))
    said = [(await items_of(model))[0][1] for _ in range(3)]
    assert said == [Delta("one"), Delta("two"), Delta("two")]


async def test_a_flood_ends_with_its_cancellation() -> None:
    """REPEAT goes on until it is cancelled, and costs no time."""
    model = ScriptedModel("word ", REPEAT)
    with pytest.raises(trio.TooSlowError), trio.fail_after(1):  # noqa: PT012 - the reader is part of what is cut off
        out, received = trio.open_memory_channel[ModelOutput](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(model.generate, TURN, out)
            for _ in range(1000):
                assert await received.receive() == Delta("word ")
            await trio.sleep(2)
    assert model.calls[0].written == 1001


async def test_a_clean_up_lingers_for_as_long_as_it_was_told() -> None:
    """Cancelled at 1 s with two seconds of clean-up, the call ends at 3 s, and the cancellation goes through."""
    model = ScriptedModel(FOREVER, lingers=2.0)
    out, _received = trio.open_memory_channel[ModelOutput](0)
    began = trio.current_time()
    with trio.move_on_after(1) as scope:
        await model.generate(TURN, out)
    [call] = model.calls
    assert scope.cancelled_caught
    assert (call.cancelled, call.ended) == (began + 1, began + 3)
    assert not call.finished
    assert model.running == 0


async def test_a_clean_up_can_break() -> None:
    """A stage that raises while it is cancelled is the nastiest kind; a script can be one."""
    model = ScriptedModel(FOREVER, breaks=OSError("no goodbye"))
    out, _received = trio.open_memory_channel[ModelOutput](0)
    with pytest.raises(OSError, match="no goodbye"), trio.move_on_after(1):
        await model.generate(TURN, out)


async def speech_of(voice: ScriptedVoice, *pieces: str) -> list[tuple[float, Speech]]:
    """Synthesize pieces and return the audio, and when it came."""
    spoken: list[tuple[float, Speech]] = []
    text_in, text_out = trio.open_memory_channel[str](len(pieces))
    out, received = trio.open_memory_channel[Speech](0)
    for piece in pieces:
        text_in.send_nowait(piece)
    text_in.close()

    async def synthesize() -> None:
        async with out:
            await voice.synthesize(text_out, out)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(synthesize)
        async for speech in received:
            spoken.append((trio.current_time(), speech))
    return spoken


async def test_a_voice_speaks_each_piece_in_chunks() -> None:
    """Four characters of 1/16 s are two chunks of 1/8 s; the first names the text."""
    voice = ScriptedVoice(0.5, SPEAK, every=0.125, rate=8000)
    began = trio.current_time()
    spoken = await speech_of(voice, "abcd", "ef")
    eighth = bytes(2000)
    assert spoken == [
        (began + 0.625, Speech(eighth, "abcd")),
        (began + 0.75, Speech(eighth, None)),
        (began + 1.375, Speech(eighth, "ef")),
    ]
    assert voice.calls[0].given == ["abcd", "ef"]


async def test_a_voice_writes_given_speech() -> None:
    """A step that is a `Speech` is written for every piece."""
    given = Speech(b"\1\0", "ab")
    assert [speech for _, speech in await speech_of(ScriptedVoice(given), "ab")] == [given]


async def test_ears_read_to_the_end_and_understand() -> None:
    """HEAR notes the audio; an interim transcript comes where the script has it."""
    ears = ScriptedEars(Transcript("what", is_final=False), HEAR, 0.25, "what time is it?")
    audio_in, audio_out = trio.open_memory_channel[bytes](2)
    out, received = trio.open_memory_channel[Transcript](2)
    for _ in range(2):
        audio_in.send_nowait(b"\0\0")
    audio_in.close()
    await ears.transcribe(audio_out, out)
    assert ears.calls[0].given == [b"\0\0", b"\0\0"]
    assert received.receive_nowait() == Transcript("what", is_final=False)
    assert received.receive_nowait() == Transcript("what time is it?", is_final=True)


async def test_ears_that_hear_are_one_word() -> None:
    """`hears` reads the upload whole and answers after a while."""
    audio_in, audio_out = trio.open_memory_channel[bytes](0)
    audio_in.close()
    out, received = trio.open_memory_channel[Transcript](1)
    began = trio.current_time()
    await ScriptedEars.hears("hello", after=0.5).transcribe(audio_out, out)
    assert received.receive_nowait() == Transcript("hello", is_final=True)
    assert trio.current_time() == began + 0.5
