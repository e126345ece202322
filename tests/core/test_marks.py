"""How far in its text an answer's voice is, told to who asked for it. Speech lasts a sixteenth of a second a letter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.hearer import Hearer, House, a_house
from tests.core.markdown import markdown
from voxint.core.agent import Agent, Limits
from voxint.core.alignment import Aligned, Part
from voxint.core.answer import Answer
from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.conversation import open_conversation
from voxint.core.events import Ended, Event, Held, Marks, Released, Said, Text, Voice
from voxint.core.interrupt import InterruptOrder
from voxint.core.journal import Seen
from voxint.core.listener import Listener
from voxint.core.playout import PlayoutLedger
from voxint.core.stages import Speech, TextToSpeech
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

RATE = 16_000
FIRST, SECOND = "Sixteen letters. ", "It has nineteen now. "
LIMITS = Limits(frame_ms=125, lead_ms=500, hold_s=10)
STOP = InterruptOrder("USER_STOP")


class Wordy:
    """A voice that names each word as it begins it: a sixteenth of a second a character."""

    audio_format = AudioFormat(RATE)

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Write them."""
        async for piece in text:
            for word in piece.split():
                await out.send(Speech(bytes(RATE // 16 * BYTES_PER_SAMPLE * (len(word) + 1)), word))


def marks_in(events: Sequence[Event]) -> list[tuple[float, int]]:
    """Return all marks, in order."""
    return [mark for event in events if isinstance(event, Marks) for mark in event.marks]


def captions(hearer: Hearer) -> list[tuple[float, str]]:
    """Return what each mark says is reached, in the text that had come by then."""
    found, text = list[tuple[float, str]](), ""
    for event in hearer.events:
        if isinstance(event, Text):
            text += event.text
        elif isinstance(event, Marks):
            assert all(chars <= len(text) for _, chars in event.marks), "a mark came before its text"
            found += [(at_ms, text[:chars]) for at_ms, chars in event.marks]
    return found


def check_each_before_its_voice(events: Sequence[Event], begin_ms: float = 0.0) -> None:
    """Check that every mark comes in front of the sample that it is about, but for those behind the last."""
    sent_ms = begin_ms
    for event in events:
        if isinstance(event, Marks):
            assert all(at_ms >= sent_ms for at_ms, _ in event.marks)
        elif isinstance(event, Voice):
            sent_ms += AudioFormat(RATE).bytes_ms(len(event.audio))


def an_agent(*script: str | float, voice: TextToSpeech | None = None) -> Agent:
    """Return an agent that says that."""
    return Agent(llm=ScriptedModel(*script), tts=voice or ScriptedVoice(), limits=LIMITS)


async def spoken(house: House, *hearers: Hearer) -> None:
    """Ask, and wait until the answer has ended."""
    request = house.session.ask("r1", "Hi", hearers[0].listener)
    await request.stopped.wait()
    await trio.testing.wait_all_tasks_blocked()


async def test_a_mark_says_what_is_spoken_from_then_on() -> None:
    """A voice that names its sentences has one for each, with the sentence's end; it comes before the sentence."""
    async with a_house(an_agent(FIRST, SECOND), spoken=True) as house:
        hearer = house.come(marks=True)
        await spoken(house, hearer)
    assert captions(hearer) == [(0.0, FIRST), (len(FIRST) * 62.5, FIRST + SECOND)]
    check_each_before_its_voice(hearer.events)
    kinds = [type(event) for event in hearer.events]
    assert kinds.index(Text) < kinds.index(Marks) < kinds.index(Voice)


async def test_a_voice_that_names_its_words_has_a_mark_for_each() -> None:
    """Those of one write are joined: at most one message comes before its voice."""
    async with a_house(an_agent(FIRST, SECOND, voice=Wordy()), spoken=True) as house:
        hearer = house.come(marks=True)
        await spoken(house, hearer)
    words = (FIRST + SECOND).split(" ")[:-1]
    reached = [" ".join(words[: count + 1]) + " " for count in range(len(words))]
    at_ms = [62.5 * (len(text) - len(word) - 1) for text, word in zip(reached, words, strict=True)]
    assert captions(hearer) == list(zip(at_ms, reached, strict=True))
    kinds = [type(event) for event in hearer.events if not isinstance(event, Text)]
    assert (Marks, Marks) not in pairwise(kinds)


async def test_silent_text_behind_all_words_comes_with_the_end_of_the_sound() -> None:
    """What is written and not spoken is reached too, or a caption would lack it."""
    async with a_house(an_agent("Good to see you! ", 5.0, "\U0001f60a"), spoken=True) as house:
        hearer = house.come(marks=True)
        await spoken(house, hearer)
    assert captions(hearer)[-1] == (len("Good to see you! ") * 62.5, "Good to see you! \U0001f60a")
    assert [type(event) for event in hearer.events[-3:]] == [Text, Marks, Ended]


async def test_silent_text_comes_with_the_last_voice_where_that_waits() -> None:
    """The synthesizer is done long before its sound has left: the mark comes in front of the last of it."""
    async with a_house(an_agent(FIRST + SECOND + "**\U0001f60a**"), spoken=True) as house:
        hearer = house.come(marks=True)
        await spoken(house, hearer)
    assert captions(hearer)[-1][1] == FIRST + SECOND + "**\U0001f60a**"
    kinds = [type(event) for event in hearer.events]
    last = len(kinds) - kinds[::-1].index(Marks)
    assert set(kinds[last:-1]) == {Voice}
    assert kinds[-1] is Ended


async def test_who_has_not_asked_gets_none_and_nothing_is_reckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a listener that wants them they cost nothing."""
    monkeypatch.delattr(PlayoutLedger, "marks")
    async with a_house(an_agent(FIRST, SECOND), spoken=True) as house:
        hearer = house.come()
        await spoken(house, hearer)
    assert hearer.of(Marks) == []
    assert len(hearer.of(Voice)) > 10


async def test_each_listener_gets_what_it_asked_for() -> None:
    """One with marks beside one without; the voice of both is the same."""
    async with a_house(an_agent(FIRST, SECOND), spoken=True) as house:
        player, other = house.come(), house.come(marks=True)
        await spoken(house, player, other)
    assert player.of(Marks) == []
    assert captions(other) == [(0.0, FIRST), (len(FIRST) * 62.5, FIRST + SECOND)]
    assert player.audio == other.audio


async def test_an_answer_without_a_voice_has_none() -> None:
    """There is nothing to keep up with."""
    async with a_house(an_agent(FIRST, SECOND)) as house:
        hearer = house.come(marks=True)
        await spoken(house, hearer)
    assert hearer.of(Marks) == []


@pytest.mark.parametrize("eighths", range(1, 16))
async def test_a_held_answer_says_none_until_it_goes_on(eighths: int) -> None:
    """They wait with their voice, and come as if nothing had been."""
    async with a_house(an_agent(FIRST, SECOND, voice=Wordy()), spoken=True) as house:
        hearer = house.come(marks=True)
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(eighths / 8)
        assert request.hold()
        await trio.sleep(3)
        assert isinstance(hearer.events[-1], Held)
        assert request.release("silence")
        await request.stopped.wait()
        await trio.testing.wait_all_tasks_blocked()
    held = [isinstance(event, Held | Released) for event in hearer.events].index(True)
    assert isinstance(hearer.events[held + 1], Released)
    assert [text for _, text in captions(hearer)][-1] == FIRST + SECOND
    check_each_before_its_voice(hearer.events)
    assert marks_in(hearer.events) == sorted(set(marks_in(hearer.events)))


async def test_what_waits_is_thrown_away_with_the_answer() -> None:
    """A reader that takes nothing has no mark behind the end of an answer that was interrupted."""
    async with a_house(an_agent(FIRST, SECOND, FOREVER, voice=Wordy()), spoken=True) as house:
        player, late = house.come(), house.come(marks=True)
        request = house.session.ask("r1", "Hi", player.listener)
        await trio.sleep(0.5)
        before = len(late.events)
        request.interrupt(STOP)
        await request.stopped.wait()
        await trio.sleep(5)
    assert [type(event) for event in late.events[before:]] == [Ended]


@pytest.mark.parametrize("voices", range(12))
async def test_who_comes_back_gets_those_of_the_sound_that_it_gets(voices: int) -> None:
    """And first what was reached where that begins, so that it stands where it would have stood."""
    agent = an_agent(FIRST, SECOND, voice=Wordy())
    async with a_house(agent, spoken=True, on_disconnect="keep") as house:
        first = house.come(marks=True)
        request = house.session.ask("r1", "Hi", first.listener)
        await trio.sleep(1)
        sound = [event for _, event in first.of(Voice)]
        assert len(sound) == 11
        begin_ms = AudioFormat(RATE).bytes_ms(
            sum(len(event.audio) for event in sound[:voices] if isinstance(event, Voice))
        )
        again = house.come({"r1": Seen(1, voices)}, marks=True)
        await request.stopped.wait()
        await trio.testing.wait_all_tasks_blocked()
    whole, part = marks_in(first.events), marks_in(again.events)
    reached = max((chars for at_ms, chars in whole if at_ms <= begin_ms), default=0)
    assert part[0] == (begin_ms, reached)
    assert set(part[1:]) - {part[0]} == {mark for mark in whole if mark[0] > begin_ms}
    assert part == sorted(part)
    check_each_before_its_voice(again.events, begin_ms)
    assert (
        again.audio
        == b"".join(event.audio for _, event in first.of(Voice) if isinstance(event, Voice))[
            AudioFormat(RATE).bytes(begin_ms) :
        ]
    )


async def test_marks_hold_nothing_up_where_another_one_plays() -> None:
    """An answer waits for what its player has to play: who takes over with marks in front of it owes no more."""
    player, heir = Listener(), Listener(marks=True)
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    answer = Answer("r1", ledger, spoken=True, player=player, listeners=[player, heir])
    ledger.wrote_text("Well.")
    ledger.begin_span("Well.")
    ledger.generated(160)
    answer.voice(bytes(320))
    answer.play_to(heir)
    taken = [await heir.next() for _ in range(len(heir))]
    assert [said.event for said in taken if isinstance(said, Said)] == [Marks(((0.0, 5),)), Voice(bytes(320))]
    with trio.fail_after(1):
        await answer.flushed()


def test_words_that_are_forgotten_are_not_marked() -> None:
    """Of a reply long over nothing is known any more, not even that nothing was reached."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    ledger.wrote_text("Well.")
    ledger.begin_span("Well.")
    ledger.generated(160)
    assert ledger.marks(80, 160, joins=True) == ((5.0, 5),)
    ledger.forget_words()
    assert ledger.marks(80, 160, joins=True) == ()


async def test_nothing_is_told_of_an_answer_that_was_interrupted_meanwhile() -> None:
    """Who comes back to it gets its end alone."""
    async with a_house(an_agent(FIRST, SECOND, FOREVER), spoken=True, on_disconnect="keep") as house:
        first = house.come(marks=True)
        request = house.session.ask("r1", "Hi", first.listener)
        await trio.sleep(1)
        request.interrupt(STOP)
        await request.stopped.wait()
        again = house.come({"r1": Seen(1, 3)}, marks=True)
        await trio.testing.wait_all_tasks_blocked()
    assert [type(event) for event in again.events] == [Ended]


async def test_a_program_asks_for_them_when_it_opens_a_conversation() -> None:
    """They are events of its replies, each before the voice that it is of; without asking there are none."""
    agent = an_agent(FIRST, SECOND)
    for wanted in (True, False):
        async with open_conversation(agent, marks=wanted) as conversation:
            events = [event async for event in conversation.ask("Hi")]
        assert marks_in(events) == [(0.0, len(FIRST)), (len(FIRST) * 62.5, len(FIRST + SECOND))] * wanted


@pytest.mark.parametrize("sixteenths", range(1, 40, 2))
async def test_what_was_heard_lies_within_the_marks(sixteenths: int) -> None:
    """Interrupted at any instant, the receipt's text ends between what was reached then and at the mark before."""
    written = "It is **very** [good](https://a.example/long) `x`. And so on, to 重点。\U0001f60a Well "
    for voice in (ScriptedVoice(), Wordy(), ScriptedVoice(rate=24_000)):
        async with a_house(an_agent(written, FOREVER, voice=voice), spoken=True) as house:
            hearer = house.come(marks=True)
            request = house.session.ask("r1", "Hi", hearer.listener)
            await trio.sleep(sixteenths / 16)
            request.interrupt(STOP)
            await request.stopped.wait()
        assert request.receipt is not None
        check_heard(written, request.receipt.text.heard, request.receipt.audio.heard_ms, marks_in(hearer.events))


def check_heard(written: str, heard: str, heard_ms: float, marks: Sequence[tuple[float, int]]) -> None:
    """Check that `heard` ends between the last two marks up to then."""
    reached = [0, 0, *[chars for at_ms, chars in marks if at_ms <= heard_ms]]
    assert len(written[: reached[-2]].rstrip()) <= len(heard) <= reached[-1]
    assert written.startswith(heard)


words = st.text("ab .", min_size=1, max_size=6)
parts = (
    st.builds(Part, words, words) | words.map(lambda text: Part(text, text)) | words.map(lambda text: Part(text, ""))
)
spans = st.lists(st.tuples(st.lists(parts, min_size=1, max_size=3), st.integers(0, 500)), max_size=12)


@given(spans, st.lists(st.integers(1, 700), min_size=1), st.integers(0, 6000), st.integers(0, 200), st.booleans())
def test_marks_and_heard_agree(
    spans: list[tuple[list[Part], int]], cuts: list[int], heard: int, delayed: int, ends: bool
) -> None:
    """However the text is split into spans, and the sound into frames; marks of a piece are those of the whole."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    told, sent = list[tuple[float, int]](), 0

    def send(upto: int) -> None:
        nonlocal sent
        told.extend(ledger.marks(sent, upto))
        sent = upto
        ledger.sent_until(upto, 0.0)

    for index, (text, samples) in enumerate(spans):
        aligned = Aligned(tuple(text))
        ledger.wrote_text(aligned.written)
        ledger.begin_span(aligned, delayed if ledger.audio_account(0.0).generated_ms else 0)
        ledger.generated(samples + (delayed if not index else 0))
        send(min(sent + cuts[index % len(cuts)], ledger.audio_format.samples(ledger.audio_account(0.0).generated_ms)))
    if ends:
        ledger.end_spans()
        send(ledger.audio_format.samples(ledger.audio_account(0.0).generated_ms))
        assert not told or told[-1][1] == len(ledger.written)
    now = heard / RATE
    assert told == sorted(told)
    check_heard(ledger.written, ledger.heard_text(now), ledger.heard_ms(now), told)


def test_marks_that_are_too_close_to_tell_apart_are_one() -> None:
    """A synthesizer that names every sample makes no message large: the text counts from the first of them on."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    for _ in range(RATE):
        ledger.wrote_text("a")
        ledger.begin_span("a")
        ledger.generated(1)
    marks = ledger.marks(0, RATE)
    assert len(marks) == 100
    assert marks[:2] == ((0.0, 160), (10.0, 320))


def test_each_span_is_counted_once() -> None:
    """A long answer costs no more for its last frame than for its first."""
    counted = 0

    class Counted(Aligned):
        @property
        def written(self) -> str:
            nonlocal counted
            counted += 1
            return "word "

    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    for _ in range(1000):
        ledger.wrote_text("word ")
        ledger.begin_span(Counted((Part("word ", "word "),)))
        ledger.generated(RATE // 4)
    for begin in range(0, 1000 * RATE // 4, RATE // 25):
        ledger.marks(begin, begin + RATE // 25)
    assert counted <= 1002


@settings(deadline=None)
@given(markdown)
def test_marks_count_code_points_of_what_was_written(written: str) -> None:
    """The last one is the whole length, whatever a voice was given for it."""

    async def main() -> list[Event]:
        async with open_conversation(an_agent(written, voice=Wordy()), watch_loop=False, marks=True) as conversation:
            return [event async for event in conversation.ask("Hi")]

    events = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    reached = [chars for _, chars in marks_in(events)]
    assert reached == sorted(reached)
    if any(isinstance(event, Voice) for event in events):
        assert reached[-1] == len(written) == len("".join(event.text for event in events if isinstance(event, Text)))
