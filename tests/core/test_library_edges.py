"""What the library's door says to a program that uses it wrongly, or too late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
import trio

from tests.talk import Book
from voxint.core.agent import Agent, Limits
from voxint.core.audio import AudioFormat
from voxint.core.conversation import Conversation, Reply, open_conversation
from voxint.core.events import Ended, Event, Text, Voice
from voxint.core.observer import check_observer
from voxint.core.settings import Settings
from voxint.errors import RequestFailed
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

CANARY = "persimmon"
wrong: Any = CANARY
octets: Any = CANARY.encode()
number: Any = 3
nothing: Any = None
nested: Any = {}


@pytest.mark.parametrize(
    ("use", "kind", "sentence"),
    [
        (lambda c: c.ask(octets), TypeError,
         "text must be a str, not bytes: the user's words; a voice is heard by listen()"),
        (lambda c: c.ask(nothing), TypeError, "text must be a str, not None: the user's words; a voice is heard by"),
        (lambda c: c.ask(""), ValueError, "text is empty: give at least a word"),
        (lambda c: c.ask(" \n"), ValueError, "text is empty: give at least a word"),
        (lambda c: c.ask("Hi", request_id=number), TypeError, "request_id must be a str or None, not an int"),
        (lambda c: c.listen(request_id=octets), TypeError, "request_id must be a str or None, not bytes: decode it"),
        (lambda c: c.interrupt_nowait(number), TypeError, "reason must be a str, not an int"),
        (lambda c: c.ask("Hi").interrupt_nowait(nothing), TypeError, "reason must be a str, not None"),
        (lambda c: c.ask("Hi").interrupt_nowait(played_ms=wrong), TypeError, "played_ms must be a number, not a str"),
        (lambda c: c.ask("Hi").played(-1), ValueError, "played_ms must be a number from 0 on, not -1"),
        (lambda c: c.listen().send(wrong), TypeError,
         "audio must be bytes, a bytearray or a memoryview, not a str: PCM, 16 bits a sample"),
        (lambda c: setattr(c, "settings", nested), TypeError,
         "settings must be a Settings, not a dict: write Settings(...)"),
    ],
)  # fmt: skip
async def test_a_wrong_argument_is_told_at_the_call(
    use: Callable[[Conversation], object], kind: type[Exception], sentence: str
) -> None:
    """In a sentence that names it, and quotes nothing; the conversation goes on."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars())
    async with open_conversation(agent) as conversation:
        with pytest.raises(kind) as raised:
            use(conversation)
        assert str(raised.value).startswith(sentence)
        assert CANARY not in str(raised.value)
        assert await conversation.ask("Well?").text() == "Yes."


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"agent": nothing}, "agent must be an Agent, not None"),
        ({"agent": ScriptedModel()}, "agent must be an Agent, not a ScriptedModel: write Agent(...)"),
        ({"settings": nested}, "settings must be a Settings, not a dict: write Settings(...)"),
        ({"settings": nothing}, "settings must be a Settings, not None"),
        ({"observer": Book}, "observer is the class Book: give an instance, Book(...)"),
        (
            {"observer": number},
            "observer is an int without accepted, finished, reaped, cleanup_failed, utterance_over, released:",
        ),
    ],
)
async def test_a_conversation_is_not_opened_with_what_is_none(given: dict[str, Any], sentence: str) -> None:
    """Before anything begins."""
    arguments: dict[str, Any] = {"agent": Agent(llm=ScriptedModel()), **given}
    with pytest.raises(TypeError) as raised:
        async with open_conversation(**arguments):
            pytest.fail("it was opened")
    assert str(raised.value).startswith(sentence)


def test_an_observer_needs_all_its_methods() -> None:
    """One that lacks some would cost a line in the log at every request; the names of those are told."""

    class Quarter:
        def finished(self, request: object) -> None:
            """Do nothing."""

    check_observer(None)
    check_observer(Book())
    with pytest.raises(TypeError, match="observer is a Quarter without accepted, reaped, cleanup_failed"):
        check_observer(Quarter())


async def test_numbers_of_numpy_are_numbers() -> None:
    """What a sound library reckons is fine, and the receipt can be written as JSON."""
    rate: Any = np.int64(24_000)
    played: tuple[Any, ...] = (np.int64(20), np.float32(20))
    settings = Settings(output=AudioFormat(rate))
    async with open_conversation(Agent(llm=ScriptedModel("Yes. ", FOREVER), tts=ScriptedVoice()), settings) as talk:
        reply = talk.ask("Hi")
        async for event in reply:
            if isinstance(event, Voice):
                break
        reply.played(played[0])
        receipt = await reply.interrupt(played_ms=played[1])
        assert receipt is not None
        assert msgspec.json.decode(msgspec.json.encode(receipt))["audio"]["heard_ms"] == 20


async def test_a_conversation_is_made_by_its_block() -> None:
    """Whoever makes one as any other object is told by whom it is made."""
    agent: Any = Agent(llm=ScriptedModel("Yes."))
    with pytest.raises(TypeError, match=r"^open_conversation\(\) makes a Conversation: write async with open_conv"):
        Conversation(agent)


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        (1, "end() was not called, and the voice upload brought neither audio nor its end for 2 s: send one of them"),
        (100, "end() was not called, and the utterance lasts longer than 1 s: send less at a time"),
    ],
)
async def test_a_voice_whose_end_was_forgotten_is_told_by_end(pieces: int, told: str) -> None:
    """A program has no end frame: what it has not called is named, whichever bound the voice meets for that."""
    limits = Limits(upload_idle_s=2.0, upload_s=1.0, upload_share=0)
    agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR, "hello"), limits=limits)
    async with open_conversation(agent) as conversation:
        reply = conversation.listen()
        for _ in range(pieces):
            reply.send(bytes(640))
        with pytest.raises(RequestFailed) as raised:
            await reply.text()
        assert raised.value.message == told


async def test_a_voice_that_has_ended_fails_in_its_own_words() -> None:
    """What comes after `end()` is not the program's."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR, FOREVER), limits=Limits(transcript_s=1.0))
    async with open_conversation(agent) as conversation:
        reply = conversation.listen()
        reply.send(bytes(640))
        reply.end()
        with pytest.raises(RequestFailed) as raised:
            await reply.text()
        assert "end()" not in raised.value.message


async def test_audio_of_any_kind_of_bytes_is_audio() -> None:
    """What a sound library gives is often no `bytes`."""
    ears = ScriptedEars(HEAR, "hello")
    async with open_conversation(Agent(llm=ScriptedModel("Yes."), stt=ears)) as conversation:
        reply = conversation.listen()
        for audio in (bytes(640), bytearray(640), memoryview(bytes(640))):
            reply.send(audio)
        reply.end()
        assert await reply.text() == "Yes."
    assert len(b"".join(ears.calls[0].given)) == 3 * 640


async def test_a_wav_file_is_no_audio() -> None:
    """Its header would be heard as noise; what comes after the refusal is heard."""
    ears = ScriptedEars(HEAR, "hello")
    async with open_conversation(Agent(llm=ScriptedModel("Yes."), stt=ears)) as conversation:
        reply = conversation.listen()
        with pytest.raises(ValueError, match=r"^audio is a WAV file: give its samples alone"):
            reply.send(b"RIFF\x2c\0\0\0WAVEfmt ")
        reply.send(bytes(640))
        reply.end()
        assert await reply.text() == "Yes."
    assert b"".join(ears.calls[0].given) == bytes(640)


BLOCK_ENDED = (
    "the block of open_conversation() has ended, and what was live is interrupted: use a conversation and its replies"
    " within it"
)


async def test_a_conversation_after_its_block_says_so() -> None:
    """What would begin or change something; what was said can still be read, and there is nothing to interrupt."""
    async with open_conversation(Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars())) as conversation:
        voice = conversation.listen()
        reply = conversation.ask("Well?")
        assert await reply.text() == "Yes."
    uses: tuple[Callable[[], object], ...] = (
        lambda: conversation.ask("Well?"),
        conversation.listen,
        lambda: setattr(conversation, "settings", Settings()),
        lambda: reply.played(10),
        lambda: voice.send(bytes(2)),
        voice.end,
    )
    for use in uses:
        with pytest.raises(trio.ClosedResourceError) as raised:
            use()
        assert str(raised.value) == BLOCK_ENDED
    assert conversation.settings == Settings()
    assert [exchange.reply for exchange in conversation.history] == ["Yes."]
    assert await conversation.interrupt() == {}
    assert await reply.interrupt() is None
    assert await reply.text() == ""  # it had been read to its end


async def test_a_reply_that_is_read_after_the_block_says_so() -> None:
    """It was interrupted with it: an empty text would look like an answer."""
    async with open_conversation(Agent(llm=ScriptedModel("Yes."))) as conversation:
        reply = conversation.ask("Well?")
    for read in (reply.text, reply.__anext__):
        with pytest.raises(trio.ClosedResourceError) as raised:
            await read()
        assert str(raised.value) == BLOCK_ENDED


async def read_on(reply: Reply, events: list[Event]) -> None:
    """Read a reply, and take a moment after each event."""
    async for event in reply:
        events.append(event)
        await trio.sleep(0.5)


async def test_who_reads_while_the_block_ends_gets_the_end() -> None:
    """Whether it waits for the next event or is busy with the last one: that is an interruption as any other."""
    waiting, busy = list[Event](), list[Event]()
    async with trio.open_nursery() as nursery:
        for model, events in (
            (ScriptedModel("Well, ", FOREVER), waiting),
            (ScriptedModel("Well, ", 0.25, "well, ", FOREVER), busy),
        ):
            async with open_conversation(Agent(llm=model)) as conversation:
                nursery.start_soon(read_on, conversation.ask("Well?"), events)
                await trio.sleep(1.25)
    assert waiting == [Text("Well, "), Ended(True, "CLOSED")]
    assert busy == [Text("Well, "), Text("well, "), Ended(True, "CLOSED")]


async def test_a_reply_that_had_failed_says_that_after_the_block_too() -> None:
    """What was its end stays its end."""
    async with open_conversation(Agent(llm=ScriptedModel(ValueError()))) as conversation:
        reply = conversation.ask("Well?")
        with pytest.raises(RequestFailed):
            await reply.text()
    with pytest.raises(RequestFailed):
        await anext(reply)


async def test_what_text_passes_over_counts_as_heard_as_time_goes_by() -> None:
    """`text` returns when the last audio was sent, before it is all heard; the next question cuts it there."""
    agent = Agent(llm=ScriptedModel("One two three four five six seven eight."), tts=ScriptedVoice())
    async with open_conversation(agent) as conversation:
        assert await conversation.ask("Count.").text() == "One two three four five six seven eight."
        assert [exchange.ending for exchange in conversation.history] == ["complete"]
        await conversation.ask("Thank you.").text()
        first, _ = conversation.history
        assert (first.reply, first.ending) == ("One two three four five six seven", "interrupted")


async def test_text_alone_counts_as_heard_when_it_was_read() -> None:
    """Nothing is left to play."""
    agent = Agent(llm=ScriptedModel("One two three four."), tts=ScriptedVoice())
    async with open_conversation(agent, Settings(require_tts=False)) as conversation:
        for _ in range(2):
            await conversation.ask("Count.").text()
        assert {exchange.ending for exchange in conversation.history} == {"complete"}
