"""The moonshine provider, with real processes and people's recordings: what it hears, and that nothing goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import structlog.testing
import trio

from tests.needs import needs_moonshine
from tests.processes import every_child, until
from tests.providers.recordings import noises, prompts, readings, share_of_errors
from tests.providers.spoken import hear
from voxint.assets import find
from voxint.core.stages import SpeechToText, Transcript
from voxint.core.transcript import join_transcripts
from voxint.core.turns import LANE
from voxint.errors import ConfigError, UpstreamError
from voxint.providers.moonshine import FILES, MOST_WORKERS, Moonshine

pytestmark = needs_moonshine


def said(heard: list[Transcript]) -> str:
    """Return what was understood in the end."""
    return join_transcripts(each.text for each in heard if each.is_final)


async def test_it_is_a_stage() -> None:
    """A Moonshine is a SpeechToText at 16 kHz; how many callers it carries is measured when it is entered, or told."""
    async with Moonshine() as stt:
        assert isinstance(stt, SpeechToText)
        assert stt.audio_format.rate == 16_000
        assert stt.seats is not None
        assert stt.seats >= 1
    assert Moonshine().seats is None
    assert Moonshine(seats=3).seats == 3


async def test_it_understands_readers() -> None:
    """Of five sentences at most 6 words in 100 are wrong: measured 1.4."""
    async with Moonshine() as stt:
        pairs = [(words, said(await hear(stt, sound))) for sound, words in readings()]
    assert share_of_errors(pairs) <= 0.06, pairs


async def test_it_understands_a_telephone() -> None:
    """Of prompts at 8 kHz at most 8 words in 100 are wrong: measured 2.4."""
    async with Moonshine() as stt:
        pairs = [(words, said(await hear(stt, sound))) for sound, words in prompts()]
    assert share_of_errors(pairs) <= 0.08, pairs


async def test_what_is_no_speech_is_no_text() -> None:
    """Silence, noise and tones: one final each, empty."""
    async with Moonshine() as stt:
        for name, sound in noises().items():
            assert await hear(stt, sound) == [Transcript("", is_final=True)], name
        assert await hear(stt, b"") == [Transcript("", is_final=True)]


async def test_words_appear_as_they_are_spoken() -> None:
    """In real time there are partials, each longer piece by piece, and the final comes soon after the end."""
    sound, words = readings()[1]
    give, take = trio.open_memory_channel[bytes](0)
    out, written = trio.open_memory_channel[Transcript](100)
    async with Moonshine() as stt, trio.open_nursery() as nursery:
        nursery.start_soon(stt.transcribe, take, out)
        begin = trio.current_time()
        for at in range(0, len(sound), 640):
            await trio.sleep_until(begin + at / 32_000)
            await give.send(sound[at : at + 640])
        give.close()
        with trio.fail_after(1.5):  # a generous bound, for a machine that does other things too
            heard = [await written.receive()]
            while not heard[-1].is_final:
                heard.append(await written.receive())
    assert len(heard) >= 4
    assert share_of_errors([(words, said(heard))]) <= 0.15


async def test_cancelled_it_lets_go() -> None:
    """Cancelled at any moment, the same process answers the next caller at once."""
    sound, words = readings()[0]
    chance, others = random.Random(11), every_child()
    async with Moonshine() as stt:
        (before,) = every_child() - others
        for _ in range(12):
            with trio.move_on_after(chance.uniform(0, 0.4)):
                await hear(stt, sound + sound)
        with trio.fail_after(5):
            heard = said(await hear(stt, sound))
        assert share_of_errors([(words, heard)]) <= 0.1
        assert every_child() - others == {before}
    assert every_child() == others


async def test_a_killed_process_costs_one_utterance() -> None:
    """Who has it gets an error; another process is started, and hears the next."""
    sound, words = readings()[1]
    others = every_child()
    async with Moonshine(wait_s=30) as stt:  # another one starts meanwhile, on a busy machine too
        (before,) = every_child() - others
        give, take = trio.open_memory_channel[bytes](1)
        out, _written = trio.open_memory_channel[Transcript](100)
        give.send_nowait(sound * 3)
        give.close()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_kill_at_work, before)
            with pytest.raises(UpstreamError, match="the recogniser failed"):
                await stt.transcribe(take, out)
        await until(lambda: bool(every_child() - others - {before}))
        assert share_of_errors([(words, said(await hear(stt, sound)))]) <= 0.15


async def _kill_at_work(pid: int) -> None:
    """Kill a process as soon as it has computed for a while."""
    begun = _ticks(pid)
    await until(lambda: _ticks(pid) > begun + 1)
    await trio.run_process(["kill", "-9", str(pid)])


def _ticks(pid: int) -> int:
    """Return how long a process has computed, in hundredths of a second."""
    return int(Path(f"/proc/{pid}/stat").read_text().split()[13])


async def test_ten_callers() -> None:
    """One process serves ten at once; each gets his own words."""
    sentences = readings()
    heard = dict[int, str]()

    async def caller(number: int) -> None:
        LANE.set((f"caller {number}",))
        heard[number] = said(await hear(stt, sentences[number % 5][0]))

    async with Moonshine(wait_s=30) as stt, trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(caller, number)
    assert share_of_errors([(sentences[number % 5][1], text) for number, text in heard.items()]) <= 0.06


async def test_check() -> None:
    """It tells what a process answered, entered or not."""
    assert "a moonshine process heard a second of silence in" in await Moonshine().check()


async def test_as_many_threads_as_may_be() -> None:
    """Each takes address space: without room for it the process would hang at its start."""
    assert "a moonshine process heard" in await Moonshine(threads=MOST_WORKERS, wait_s=60).check()


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"workers": 0}, "moonshine option workers"),
        ({"threads": "2"}, "moonshine option threads"),
        ({"wait_s": -1}, "moonshine option wait_s"),
        ({"seats": 0}, "moonshine option seats"),
        ({"assets": "/nowhere"}, "moonshine option assets"),
    ],
)
def test_options_that_are_none(options: dict[str, object], wrong: str) -> None:
    """Each is refused by its name, with what to write."""
    with pytest.raises(ConfigError, match=f"{wrong}: write"):
        Moonshine(**options)  # type: ignore[arg-type]  # that is the point


async def test_it_has_to_be_entered() -> None:
    """Outside of `async with` it owns no process; and it is entered once."""
    out, _written = trio.open_memory_channel[Transcript](1)
    _give, take = trio.open_memory_channel[bytes](1)
    with pytest.raises(RuntimeError, match="enter it first"):
        await Moonshine().transcribe(take, out)
    async with Moonshine() as stt:
        with pytest.raises(RuntimeError, match="entered before"):
            await stt.__aenter__()


async def test_a_wrong_model_file_is_told(tmp_path: Path) -> None:
    """A file of the right name with other bytes is an error that names it, before any process is started."""
    wrong = tmp_path / "moonshine-tiny-en" / "encoder_model.ort"
    wrong.parent.mkdir()
    wrong.write_bytes(b"no model")
    others = every_child()
    with pytest.raises(ConfigError, match=r"encoder_model\.ort"):
        async with Moonshine(assets=str(tmp_path)):
            raise AssertionError("it was entered")
    assert every_child() == others


async def test_a_model_file_that_is_replaced_meanwhile_is_not_loaded(tmp_path: Path) -> None:
    """A process that is started later checks its files too, and says which is wrong; the right one mends it."""
    for name in FILES:
        asset = find(name)
        (tmp_path / asset.entry.file).parent.mkdir(exist_ok=True)
        (tmp_path / asset.entry.file).write_bytes(asset.read())
    tokens = tmp_path / find(FILES[2]).entry.file
    right = tokens.read_bytes()
    others = every_child()
    sound, words = readings()[1]
    async with Moonshine(wait_s=60, assets=str(tmp_path)) as stt:
        (before,) = every_child() - others
        tokens.write_bytes(right[:-1] + b"?")
        with structlog.testing.capture_logs() as logs:
            await trio.run_process(["kill", "-9", str(before)])
            await until(lambda: len(logs) > 0)
        assert [log["event"] for log in logs] == ["an engine does not start"]
        assert f"{tokens}: this is not the file {FILES[2]}: its SHA-256 is" in logs[0]["detail"]
        tokens.write_bytes(right)
        assert share_of_errors([(words, said(await hear(stt, sound)))]) <= 0.15
