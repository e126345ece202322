"""The kokoro provider over a scripted process: what it asks for, in whose turn, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio
import trio.testing
from attrs import define, field

from tests.providers.spoken import speak
from voxint.assets import Asset
from voxint.assets.table import entry_of
from voxint.core.stages import Speech, TextToSpeech, VoiceOption
from voxint.core.turns import LANE
from voxint.errors import ConfigError, UpstreamError
from voxint.providers import kokoro
from voxint.providers._kokoro_jobs import Facts, SpokenWindow, Wish
from voxint.providers._kokoro_voices import VoicesThere
from voxint.providers.kokoro import Kokoro

pytestmark = pytest.mark.virtual_time

VOICES = ("af_heart", "zf_xiaobei")
SECOND = b"\1\0" * 24_000


@define(eq=False)
class Process:
    """What stands for the process: each job takes `takes_s`, each text has `windows` windows of a second."""

    windows: int = 2
    takes_s: float = 0.5
    factor: float | None = 0.3
    wishes: list[Wish] = field(factory=list)
    order: list[str] = field(factory=list)
    aborted: int = 0
    fail: Callable[[Wish], None] = lambda wish: None
    usable: bool = True
    left_out: dict[str, str] = field(factory=dict)

    @property
    def ready(self) -> bytes:
        """What it tells at its start."""
        return Facts(self.factor, self.left_out).packed()

    @asynccontextmanager
    async def worker(self, wait_s: float) -> AsyncIterator[Process]:
        """Lend it."""
        yield self

    async def ask(self, kind: int, payload: bytes) -> bytes:
        """Do a job."""
        wish = Wish.unpacked(payload)
        self.wishes.append(wish)
        self.order.append("/".join(LANE.get()))
        try:
            await trio.sleep(self.takes_s)
        except trio.Cancelled:
            self.aborted += 1
            raise
        self.fail(wish)
        at = wish.place[1]
        last = at + 1 == self.windows
        words = ((0, wish.text),) if at == 0 else ()
        return SpokenWindow(words, (0, 0), None if last else (0, at + 1), -20.0 - at, SECOND).packed()


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    """A machine with two voices, whose process is scripted."""
    process = Process()

    @asynccontextmanager
    async def opened(*_: Any, **__: Any) -> AsyncIterator[Process]:
        yield process

    def found(name: str, folder: Path | None = None) -> Asset:
        return Asset(entry_of("kokoro"), "folder", (Path(name),))

    monkeypatch.setattr(kokoro, "open_pool", opened)
    monkeypatch.setattr(kokoro, "find", found)
    monkeypatch.setattr(kokoro, "voices_there", lambda folder: VoicesThere({name: found(name) for name in VOICES}, {}))
    monkeypatch.setattr(kokoro, "has_mandarin", lambda: True)
    return process


async def test_a_text_is_said_window_by_window(process: Process) -> None:
    """Each window is asked for with the place and the loudness that the one before told."""
    async with Kokoro() as stage:
        assert isinstance(stage, TextToSpeech)
        assert await speak(stage, "Hello there. ") == [Speech(SECOND, "Hello there. "), Speech(SECOND, None)]
    assert [(wish.place, wish.level) for wish in process.wishes] == [((0, 0), None), ((0, 1), -20.0)]
    assert {(wish.voice, wish.language, wish.speed) for wish in process.wishes} == {("af_heart", "en", 1.0)}


async def test_the_first_sound_is_wanted_soon_and_later_ones_well(process: Process) -> None:
    """A text is begun with a short window where the listener has nothing to play, and only there."""
    async with Kokoro() as stage:
        await speak(stage, "One. ", "Two. ")
    assert [(wish.text, wish.first) for wish in process.wishes if wish.place == (0, 0)] == [
        ("One. ", True),
        ("Two. ", False),
    ]
    assert process.wishes[2].level == -21.0, "the loudness goes on from one text to the next"


async def test_chinese_is_said_by_the_chinese_voice(process: Process) -> None:
    """Text that is mostly Chinese has its voice, and its way to read numbers; signs go on in the language before."""
    async with Kokoro() as stage:
        await speak(stage, "Hello. ", "你好，一共5元。", "42 ")
    assert [(wish.voice, wish.language) for wish in process.wishes[::2]] == [
        ("af_heart", "en"),
        ("zf_xiaobei", "zh"),
        ("zf_xiaobei", "zh"),
    ]


async def test_a_voice_that_a_caller_has_chosen_says_all(process: Process) -> None:
    """Whatever the language, beside others who have chosen another one or none; in one process, in their turns."""
    async with Kokoro("af_heart") as stage, trio.open_nursery() as nursery:
        for each in (stage, stage.speaking_as("zf_xiaobei")):
            nursery.start_soon(speak, each, "Hello. ", "你好。")
    said = {(wish.text, wish.voice, wish.language) for wish in process.wishes}
    assert said == {(text, voice, tag) for text, tag in (("Hello. ", "en"), ("你好。", "zh")) for voice in VOICES}


async def test_without_dictionaries_no_chinese_voice_is_offered(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not say what it is for."""
    monkeypatch.setattr(kokoro, "has_mandarin", lambda: False)
    assert Kokoro().voices == (VoiceOption("af_heart", "en"),)


async def test_voices_of_wrong_files_are_left_out(process: Process) -> None:
    """The log has a line for each file, with the voices in it; the others are offered."""
    process.left_out = {"zf_xiaobei": "z.bin: this is not the file"}
    stage = Kokoro("af_heart")
    with structlog.testing.capture_logs() as lines:
        async with stage:
            assert stage.voices == (VoiceOption("af_heart", "en"),)
    assert lines == [
        {
            "event": "voices are left out",
            "log_level": "warning",
            "provider": "kokoro",
            "voices": ["zf_xiaobei"],
            "detail": "z.bin: this is not the file",
        }
    ]


async def test_chinese_that_nobody_speaks_is_the_operators_affair(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its dictionaries the request fails: the caller hears that, and the operator what to install."""
    monkeypatch.setattr(kokoro, "has_mandarin", lambda: False)
    async with Kokoro() as stage:
        assert stage.languages == ("en",)
        with pytest.raises(UpstreamError, match="has no Chinese") as raised:
            await speak(stage, "你好。")
        assert "[mandarin]" in raised.value.operator_detail
        assert "你好" not in str(raised.value)
        assert not raised.value.retryable
        assert await speak(stage, "Say 你 for you, all of you. ")
        assert "[mandarin]" in await stage.check()


async def test_what_has_nothing_to_say_is_not_asked_for(process: Process) -> None:
    """Marks and pictures alone give one Speech without a sound."""
    async with Kokoro() as stage:
        assert await speak(stage, "... ", "\x00\U0001f600") == [Speech(b"", "... "), Speech(b"", "\x00\U0001f600")]
    assert process.wishes == []


async def test_who_runs_dry_soonest_comes_first(process: Process) -> None:
    """Two have begun and have a second to play; one who comes then has its turn before them."""
    process.windows = 3
    async with Kokoro() as stage, trio.open_nursery() as nursery:

        async def one(caller: str, after_s: float) -> None:
            LANE.set((caller,))
            await trio.sleep(after_s)
            await speak(stage, "Hello there. ")

        for number, caller in enumerate(("a", "b", "late")):
            nursery.start_soon(one, caller, 0.6 * number * number)  # 0, 0.6, 2.4 s
    # a: 0-0.5 and, alone, 0.5-1; b is dry and comes then; the late one, at 2.4 s, before what b still has to play.
    assert process.order == ["a", "a", "b", "a", "b", "late", "b", "late", "late"]


async def test_ten_callers_take_turns(process: Process) -> None:
    """Ten who ask at once: all have their first sound before any has its second."""
    process.takes_s = 0.05
    async with Kokoro() as stage, trio.open_nursery() as nursery:

        async def one(caller: str) -> None:
            LANE.set((caller,))
            await speak(stage, "Hello there. ")

        for number in range(10):
            nursery.start_soon(one, str(number))
    assert len(set(process.order[:10])) == 10


async def test_it_does_not_make_what_nobody_takes(process: Process) -> None:
    """Where what was said is not taken, nothing more is made."""
    process.windows = 10
    async with Kokoro() as stage, trio.open_nursery() as nursery:
        text_in, text_out = trio.open_memory_channel[str](1)
        speech_in, speech_out = trio.open_memory_channel[Speech](0)
        text_in.send_nowait("Hello there. ")
        nursery.start_soon(stage.synthesize, text_out, speech_in)
        await trio.sleep(60)
        assert len(process.wishes) == 1
        await speech_out.receive()
        await trio.sleep(60)
        assert len(process.wishes) == 2
        nursery.cancel_scope.cancel()


async def test_an_interruption_ends_the_job_and_the_wait(process: Process) -> None:
    """One who speaks and one who waits are cancelled: both are over at once, and the next has the turn."""
    async with Kokoro() as stage, trio.open_nursery() as nursery:
        scopes = [trio.CancelScope(), trio.CancelScope()]

        async def one(scope: trio.CancelScope) -> None:
            with scope:
                await speak(stage, "Hello there. ")

        for scope in scopes:
            nursery.start_soon(one, scope)
            await trio.testing.wait_all_tasks_blocked()
        begin = trio.current_time()
        for scope in scopes:
            scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() == begin
        assert process.aborted == 1
        assert len(process.wishes) == 1
        assert await speak(stage, "Go on. ")


async def test_the_wait_for_a_turn_is_bounded(process: Process) -> None:
    """One who gets no turn in time is told to try again, and the operator what to change."""
    process.takes_s = 5
    async with Kokoro(wait_s=1) as stage, trio.open_nursery() as nursery:
        nursery.start_soon(speak, stage, "Hello there. ")
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(UpstreamError, match="busy; try again") as raised:
            await speak(stage, "Me too. ")
        assert raised.value.retryable
        assert "lower seats" in raised.value.operator_detail
        nursery.cancel_scope.cancel()


async def test_a_failure_costs_one_request(process: Process) -> None:
    """A text that the process fails at fails its request; the next is spoken."""

    def fail(wish: Wish) -> None:
        if "bad" in wish.text:
            raise UpstreamError("the voice failed; try again")

    process.fail = fail
    async with Kokoro() as stage:
        with pytest.raises(UpstreamError, match="the voice failed"):
            await speak(stage, "A bad text. ")
        assert await speak(stage, "A good text. ")


async def test_a_crash_costs_the_rest_of_one_text(process: Process) -> None:
    """The process dies in the second window of a text: what was said is kept, the rest is written, the next is said."""

    def crash(wish: Wish) -> None:
        process.usable = "deadly" not in wish.text or wish.place == (0, 0)
        if not process.usable:
            raise UpstreamError("the voice failed; try again")

    process.fail = crash
    async with Kokoro() as stage:
        spoken = await speak(stage, "A deadly text. ", "A good text. ")
    assert "".join(speech.text or "" for speech in spoken) == "A deadly text. A good text. "
    assert [len(speech.audio) // len(SECOND) for speech in spoken] == [1, 0, 1, 1]


async def test_where_nothing_can_be_spoken_the_answer_fails(process: Process) -> None:
    """Three texts in a row crash the process: silence is no answer."""

    def crash(wish: Wish) -> None:
        process.usable = False
        raise UpstreamError("the voice failed; try again")

    process.fail = crash
    async with Kokoro() as stage:
        with pytest.raises(UpstreamError, match="the voice failed") as raised:
            await speak(stage, "One. ", "Two. ", "Three. ", "Four. ")
    assert len(process.wishes) == 3
    assert "crashes on whatever" in raised.value.operator_detail


@pytest.mark.parametrize(("factor", "seats"), [(0.2, 4), (0.42, 2), (0.86, 1), (3.0, 1)])
async def test_seats_are_what_was_measured(process: Process, factor: float, seats: int) -> None:
    """As many as the processor keeps up with, and never none; before it is entered that is not known."""
    process.factor = factor
    stage = Kokoro()
    assert stage.seats is None
    async with stage:
        assert stage.seats == seats


async def test_seats_are_what_was_told(process: Process) -> None:
    """An operator who knows better is believed."""
    process.factor = None
    async with Kokoro(seats=7) as stage:
        assert stage.seats == 7
        assert "ms; 7 callers at once" in await stage.check()


async def test_a_check_speaks_and_says_what_it_found(process: Process) -> None:
    """It enters where it has to, and says who speaks and for how many."""
    words = await Kokoro().check()
    assert "af_heart spoke 1000 ms of speech in 500 ms" in words
    assert "2 callers at once" in words
    assert "zf_xiaobei speaks Chinese" in words
    assert Kokoro().voices == (VoiceOption("af_heart", "en"), VoiceOption("zf_xiaobei", "zh"))
    assert Kokoro().languages == ("en", "zh")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("voice", 3),
        ("voice", "nobody"),
        ("speed", 0.1),
        ("speed", "fast"),
        ("speed", float("nan")),
        ("threads", 0),
        ("threads", True),
        ("seats", 0),
        ("seats", 1.5),
        ("wait_s", -1),
        ("assets", 5),
    ],
)
def test_a_bad_option_is_refused(process: Process, option: str, value: object) -> None:
    """A value that can't be is refused where it is set, by the option's name; a text is not repeated."""
    options: dict[str, Any] = {option: value}
    with pytest.raises(ConfigError, match=f"kokoro option {option}") as raised:
        Kokoro(**options)
    assert "fast" not in str(raised.value)


async def test_it_has_to_be_entered_once(process: Process) -> None:
    """It owns a process: before the block and in two blocks it is the program's mistake."""
    stage = Kokoro()
    with pytest.raises(RuntimeError, match="enter it first"):
        await speak(stage, "Hello.")
    async with stage:
        with pytest.raises(RuntimeError, match="entered before"):
            await stage.__aenter__()
