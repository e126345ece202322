"""The espeak provider, with the real library: what it speaks, how it shares the library, and how it stops."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import pytest
import trio
import trio.testing

from voxint.core.stages import Speech, TextToSpeech
from voxint.core.turns import LANE
from voxint.errors import ConfigError
from voxint.providers import _espeak_library as library
from voxint.providers import espeak
from voxint.providers._espeak_text import segments
from voxint.providers.espeak import Espeak

LONG = "the quick brown fox jumps over the lazy dog while nobody is looking "


async def speak(stage: Espeak, *pieces: str) -> list[Speech]:
    """Run `stage` over `pieces` and return what it wrote."""
    text_in, text_out = trio.open_memory_channel[str](len(pieces))
    speech_in, speech_out = trio.open_memory_channel[Speech](0)
    for piece in pieces:
        text_in.send_nowait(piece)
    text_in.close()
    spoken: list[Speech] = []

    async def listen() -> None:
        spoken.extend([speech async for speech in speech_out])

    async with trio.open_nursery() as nursery, speech_in:
        nursery.start_soon(listen)
        await stage.synthesize(text_out, speech_in)
        speech_in.close()
    return spoken


class Watched:
    """The engine, noting the texts it is given and the chunks it makes of each, with a hook at each chunk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, on_chunk: Callable[[int], None] = lambda chunk: None) -> None:
        self.chunks: list[int] = []
        self.texts: list[str] = []
        self.stopped = 0
        self.speaking = 0
        self.most_speaking = 0
        plain = library.Engine.speak

        def watched(
            engine: library.Engine, text: str, manner: library.Manner, stop: Callable[[], bool]
        ) -> library.Utterance:
            self.speaking += 1
            self.most_speaking = max(self.most_speaking, self.speaking)
            self.chunks.append(0)
            self.texts.append(text)

            def ask() -> bool:
                self.chunks[-1] += 1
                on_chunk(self.chunks[-1])
                answer = stop()
                self.stopped += answer
                return answer

            try:
                return plain(engine, text, manner, ask)
            finally:
                self.speaking -= 1

        monkeypatch.setattr(library.Engine, "speak", watched)


def test_it_is_a_stage() -> None:
    """An Espeak is a TextToSpeech at espeak's own rate."""
    stage = Espeak()
    assert isinstance(stage, TextToSpeech)
    assert stage.audio_format.rate == 22_050


async def test_it_says_of_all_text_where_it_is_spoken() -> None:
    """What its Speech says, joined, is the text as it came, white space too; all hold whole samples."""
    pieces = ("  Hello there.\n", LONG * 8, "Goodbye!")
    spoken = await speak(Espeak(), *pieces)
    assert "".join(speech.text or "" for speech in spoken) == "".join(pieces)
    assert len(spoken) > len("".join(pieces).split()) / 2
    assert all(speech.audio and len(speech.audio) % 2 == 0 for speech in spoken)


@pytest.mark.parametrize("piece", ["", "  \n", "...", "。", "—", "\x00\x07", "😀😀", "\u200b"])
async def test_nothing_to_say_is_still_accounted_for(piece: str) -> None:
    """A piece without a letter, digit or sign gives one empty Speech with its text."""
    assert await speak(Espeak(), piece) == [Speech(b"", piece)]


async def duration_ms(stage: Espeak, text: str) -> float:
    """How long `stage` speaks `text`."""
    return stage.audio_format.bytes_ms(sum(len(speech.audio) for speech in await speak(stage, text)))


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("one\x00two", "one two"),
        ("\x0150S one two", " 50S one two"),
        ("one 😀 two", "one two"),
        ("one \ud800 two", "one two"),
        ("one\x1b[31m two", "one [31m two"),
    ],
)
async def test_control_characters_and_pictures_are_spaces(text: str, same_as: str) -> None:
    """What espeak would obey, end at or describe is spoken like a space; espeak's own jitter is a few samples."""
    stage = Espeak()
    assert await duration_ms(stage, text) == pytest.approx(await duration_ms(stage, same_as), abs=10)


@pytest.mark.parametrize("markup", ['<break time="9000ms"/>', "<voice name='cmn'>", "[[h@l'oU]]", "&amp;"])
async def test_markup_is_plain_text(markup: str) -> None:
    """Neither SSML nor espeak's phoneme brackets are interpreted: their letters are read out."""
    stage = Espeak()
    plain, marked = await duration_ms(stage, "hello"), await duration_ms(stage, f"{markup} hello")
    assert plain + 100 < marked < plain + 8_000


async def test_words_that_would_overrun_the_library_are_broken() -> None:
    """A word of 2,100 letters, of the kind that kills the process when espeak gets it whole, is spoken."""
    assert await duration_ms(Espeak(), "antidis" * 300) > 10_000


async def test_auto_speaks_the_language_of_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mostly Chinese text gets the Mandarin voice, other text the English one, figures the one before."""
    voices: list[str] = []
    plain = library.Engine.speak

    def watched(
        engine: library.Engine, text: str, manner: library.Manner, stop: Callable[[], bool]
    ) -> library.Utterance:
        voices.append(manner.voice)
        return plain(engine, text, manner, stop)

    monkeypatch.setattr(library.Engine, "speak", watched)
    await speak(Espeak(), "12", "我用 Python 编程。", "3.14", "Say 你好 to all of them.", "42")
    assert voices == ["en", "cmn", "cmn", "en", "en"]


async def test_options_change_the_speech() -> None:
    """A faster rate is shorter, no volume is silence, and another pitch is another sound."""
    slow, fast = Espeak(rate_wpm=100), Espeak(rate_wpm=300)
    assert await duration_ms(fast, LONG) < 0.6 * await duration_ms(slow, LONG)
    assert not any(b"".join(speech.audio for speech in await speak(Espeak(volume=0), "hello")))
    low, high = [[speech.audio for speech in await speak(Espeak(pitch=pitch), "hello")] for pitch in (0, 99)]
    assert low != high


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("voice", "klingonese"),
        ("voice", 3),
        ("voice", "en\x00"),
        ("rate_wpm", 79),
        ("rate_wpm", "fast"),
        ("pitch", 101),
        ("pitch", True),
        ("volume", 1.5),
    ],
)
def test_a_bad_option_is_named(option: str, value: object) -> None:
    """A bad value is a ConfigError that names its option."""
    with pytest.raises(ConfigError, match=f"espeak option {option}"):
        Espeak(**{option: value})  # type: ignore[arg-type]  # values as TOML may hold them


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without espeakng-loader the ConfigError says what to install."""
    library.load.cache_clear()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ConfigError, match=r"the speech extra: pip install .*speech]"):
        Espeak()


async def test_check_says_that_it_works() -> None:
    """`check` names the engine and what it spoke."""
    assert "espeak-ng 1." in await Espeak().check()


async def test_cancellation_stops_the_thread_in_mid_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller cancelled at the second chunk: espeak is told to stop at the next, and the thread has left by then."""
    scope, token = trio.CancelScope(), trio.lowlevel.current_trio_token()

    def cancel(chunk: int) -> None:
        if chunk == 2:
            trio.from_thread.run_sync(scope.cancel, trio_token=token)

    whole = await duration_ms(Espeak(), LONG) / library.CALLBACK_MS
    watched = Watched(monkeypatch, cancel)
    with scope:
        await speak(Espeak(), LONG)
    assert scope.cancelled_caught
    assert watched.speaking == 0
    assert watched.stopped == 1
    assert watched.chunks[-1] == 2 < whole


async def test_speech_after_an_abort_is_whole() -> None:
    """An aborted text leaves nothing behind in the library: the next one sounds as long as it does alone."""
    stage = Espeak()
    alone = await duration_ms(stage, "hello there")
    stage._engine.speak(LONG, library.Manner("en", 175, 50, 100), lambda: True)
    assert await duration_ms(stage, "hello there") == pytest.approx(alone, abs=10)


async def test_the_cancelled_in_the_queue_leave_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller cancelled while another is being spoken never reaches the library, and does not wait for it."""
    stage, left = Espeak(), trio.Event()
    waiting = trio.CancelScope()

    def cancel(chunk: int) -> None:
        if chunk == 1:
            trio.from_thread.run_sync(waiting.cancel)
            trio.from_thread.run(left.wait)  # holds the library until the one who waits for it has gone

    watched = Watched(monkeypatch, cancel)

    async def wait_in_vain() -> None:
        with waiting:
            await speak(stage, "never spoken")
        left.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(speak, stage, LONG)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(wait_in_vain)
    assert waiting.cancelled_caught
    assert len(watched.chunks) == 1


async def test_fifty_callers_take_turns_and_some_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty callers, each third cancelled in its first segment: the rest are spoken whole, one at a time, in turn."""
    stage, text = Espeak(), (LONG * 3).strip()
    cut = [segment.spoken for segment in segments(text, espeak.SEGMENT_CHARS)]
    scopes = [trio.CancelScope() for _ in range(50)]
    watched = Watched(monkeypatch)
    finished: list[int] = []
    first: list[int] = []

    async def call(number: int) -> None:
        pieces, text_out = trio.open_memory_channel[str](1)
        speech_in, speech_out = trio.open_memory_channel[Speech](math.inf)
        await pieces.send(text)
        pieces.close()
        with scopes[number]:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch_first, number, speech_out)
                await stage.synthesize(text_out, speech_in)
                speech_in.close()
            finished.append(number)

    async def watch_first(number: int, speech_out: trio.MemoryReceiveChannel[Speech]) -> None:
        async for _ in speech_out:
            if number not in first:
                first.append(number)
                if number % 3 == 0:
                    scopes[number].cancel()

    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(call, number)
    assert sorted(finished) == [number for number in range(50) if number % 3]
    assert sorted(first) == list(range(50))
    assert watched.most_speaking == 1
    assert watched.texts[:50] == [cut[0]] * 50  # everybody's first segment comes before anybody's second
    assert len(watched.chunks) <= len(finished) * len(cut) + 2 * (50 - len(finished))


async def test_one_who_has_much_to_say_makes_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty answers of one caller wait for the engine; another's one is spoken next, not behind them."""
    stage, order, ready = Espeak(), list[str](), trio.Event()

    def hold(chunk: int) -> None:
        if chunk == 1:
            trio.from_thread.run(ready.wait)  # holds the engine until all wait for it

    Watched(monkeypatch, hold)

    async def say(caller: str) -> None:
        LANE.set((caller, "s"))
        await speak(stage, "Yes.")
        order.append(caller)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(say, "many")
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.start_soon(say, "one")
        await trio.testing.wait_all_tasks_blocked(0.01)
        ready.set()
    assert order.index("one") == 1
