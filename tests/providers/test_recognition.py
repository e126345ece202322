"""Streaming by a recogniser of whole sounds, in virtual time: when it is asked, what is written, what stops."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.providers.scripted_ears import Ears, Shown, finals, quiet, talk
from voxint.core.stages import Transcript
from voxint.core.turns import LANE
from voxint.errors import UpstreamError
from voxint.providers._recognition_speech import Cuts

pytestmark = pytest.mark.virtual_time

WORD_S = 0.5


async def test_words_appear_while_somebody_speaks() -> None:
    """Each is shown within 0.4 s of its end, and nothing is shown twice."""
    ears = Ears()
    shown, _ = await ears.hear(quiet(1), talk(1, 2, 3, 4, 5, 6), quiet(1))
    for word in range(1, 7):
        first = next(each.at for each in shown if str(word) in each.text)
        assert first <= 1 + word * WORD_S + 0.4
    partials = [each.text for each in shown if not each.is_final]
    assert len(set(partials)) == len(partials)
    assert finals(shown) == ["1 2 3 4 5 6"]


async def test_after_a_pause_the_final_is_known() -> None:
    """At the end frame, 0.4 s after the last word, the words are there, and nothing is asked any more."""
    ears = Ears()
    shown, ended_at = await ears.hear(talk(1, 2, 3), quiet(0.4))
    assert shown[-1] == Shown(ended_at, "1 2 3", is_final=True)
    assert ears.asked[-1][0] < ended_at - ears.took_s


async def test_an_end_without_a_pause_is_heard_to_its_last_sample() -> None:
    """The last window is none that is whole, and its word is in the final, which comes as soon as it was heard."""
    ears = Ears()
    shown, ended_at = await ears.hear(talk(1, 2, 3), talk(4, seconds=0.02))
    assert shown[-1] == Shown(ended_at + ears.took_s, "1 2 3 4", is_final=True)


@pytest.mark.parametrize("sound", [b"", quiet(0.01), quiet(5), talk(9, seconds=0.06) + quiet(1)])
async def test_no_speech(sound: bytes) -> None:
    """Silence, or a click: one final, empty, and nobody is asked."""
    ears = Ears()
    shown, ended_at = await ears.hear(sound)
    assert shown == [Shown(ended_at, "", is_final=True)]
    assert ears.asked == []


async def test_only_speech_is_heard() -> None:
    """Of 10 s of silence before and after, the recogniser gets what belongs to the speech."""
    ears = Ears()
    sizes = list[int]()

    async def ask(pcm: bytes, hint: bytes) -> object:
        sizes.append(len(pcm))
        return await Ears.ask(ears, pcm, hint)

    ears.desk.ask = ask  # type: ignore[assignment]  # it hands on what the other returns
    await ears.hear(quiet(10), talk(1, 2), quiet(10))
    assert max(sizes) <= len(talk(1, 2) + quiet(0.8))


async def test_a_file_is_heard_once() -> None:
    """Audio that comes at once gets no partials, but a final for each stretch of speech."""
    ears = Ears()
    shown, _ = await ears.hear(talk(1, 2, 3, 4), quiet(1), talk(5), quiet(1), talk(6, 7), live=False)
    assert [each.is_final for each in shown] == [True, True, True]
    assert finals(shown) == ["1 2 3 4", "5", "6 7"]
    assert ears.done == 3


async def test_a_hint_is_of_the_same_segment() -> None:
    """Each look gets what the one before has made of it; a new stretch begins without."""
    ears = Ears()
    await ears.hear(talk(1, 2, 3), quiet(1), talk(4, 5), quiet(1))
    for (_, words, hint), (_, later, later_hint) in zip(ears.asked, ears.asked[1:], strict=False):
        assert later_hint == (bytes(words) if later[:1] == words[:1] else b""), (words, hint, later)


async def test_what_is_known_of_all_of_it_is_told_of_each_stretch() -> None:
    """Where nothing was made of it yet: such as the language that the caller has chosen."""
    ears = Ears(hint=b"zh")
    await ears.hear(talk(1, 2, 3), quiet(1), talk(4, 5), quiet(1))
    begun = {words[0]: hint for _, words, hint in reversed(ears.asked)}
    assert begun == {1: b"zh", 4: b"zh"}


async def test_long_speech_is_settled_at_its_pauses() -> None:
    """After six seconds a pause of 0.3 s ends a stretch, before that one of 0.6 s."""
    ears = Ears()
    speech = (talk(1, 2, 3), quiet(0.3), *[talk(4, 5, 6)] * 4, quiet(0.3), talk(7), quiet(0.7), talk(8), quiet(1))
    shown, _ = await ears.hear(*speech)
    assert finals(shown) == ["1 2 3 4 5 6 4 5 6 4 5 6 4 5 6", "7", "8"]


async def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    """At most 15 s at once; the quiet word is cut, and no sample is lost or heard twice."""
    ears = Ears()
    words = [*range(40, 64), 1, *range(65, 85)]
    shown, _ = await ears.hear(talk(*words), quiet(1))
    first, second = (list(map(int, text.split())) for text in finals(shown))
    assert first == words[:25]
    assert second == words[24:]


async def test_a_slow_recogniser_is_asked_less() -> None:
    """One that takes 0.5 s looks three times in 2.5 s, and the end calls the fourth off rather than wait for it."""
    ears = Ears(took_s=0.5)
    shown, ended_at = await ears.hear(talk(1, 2, 3, 4, 5), talk(6, seconds=0.25))
    assert shown[-1] == Shown(ended_at + 0.5, "1 2 3 4 5 6", is_final=True)
    assert len(ears.asked) == 5
    assert ears.done == 4


async def test_one_that_does_not_let_go_is_waited_for() -> None:
    """The end calls no look off that goes on, for that would cost the process; a look that waits its turn it does."""
    ears = Ears(took_s=0.5, lets_go=False)
    shown, ended_at = await ears.hear(talk(1, 2, 3, 4, 5), talk(6, seconds=0.25))
    assert ended_at + 0.5 < shown[-1].at < ended_at + 1
    assert finals(shown) == ["1 2 3 4 5 6"]
    assert ears.done == len(ears.asked) == 5


async def test_a_look_that_saw_all_is_waited_for() -> None:
    """It began in the pause, the end comes before it is done: its words are the final."""
    ears = Ears(took_s=0.5)
    shown, ended_at = await ears.hear(talk(1), quiet(0.375))
    assert ears.done == len(ears.asked) == 2
    assert ended_at < shown[-1].at < ended_at + 0.5
    assert finals(shown) == ["1"]


async def test_what_was_shown_and_not_understood_in_the_end_is_taken_back() -> None:
    """An empty final replaces the partials."""
    ears = Ears()

    async def change() -> None:
        await trio.sleep(0.9)
        ears.deaf = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(change)
        shown, _ = await ears.hear(talk(1, 2))
    assert [each.text for each in shown if not each.is_final]
    assert finals(shown) == [""]


async def test_who_settles_goes_first() -> None:
    """Of five callers who talk and one who ends, that one waits for the look that goes on, and for no other."""
    ears = Ears(took_s=0.25)

    async def caller(name: str, *sounds: bytes) -> tuple[list[Shown], float]:
        LANE.set((name,))
        return await ears.hear(*sounds)

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(caller, f"talks {number}", talk(*range(1, 20)))
        shown, ended_at = await caller("ends", talk(1, 2, 3, 4))
        nursery.cancel_scope.cancel()
    assert ended_at < shown[-1].at <= ended_at + 2 * 0.25
    assert finals(shown) == ["1 2 3 4"]


async def test_looks_go_round() -> None:
    """Of five callers who all talk, each is looked at as often as the others."""
    ears, seen = Ears(took_s=0.25), dict[str, int]()

    async def caller(name: str) -> None:
        LANE.set((name,))
        shown, _ = await ears.hear(talk(*range(1, 21)))
        seen[name] = len(shown)

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(caller, str(number))
    assert max(seen.values()) - min(seen.values()) <= 1
    assert min(seen.values()) >= 6


async def test_no_time_for_a_final() -> None:
    """Who waits longer than it may fails, says so to the operator, and leaves the turn to others."""
    ears = Ears(took_s=60.0, wait_s=1.0)
    give, take = trio.open_memory_channel[bytes](1)
    out, _written = trio.open_memory_channel[Transcript](1)
    give.send_nowait(talk(1))
    give.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ears.hear, talk(2))
        await trio.sleep(1)
        with pytest.raises(UpstreamError, match="every recogniser is busy") as caught:
            await ears.transcribe(take, out)
        nursery.cancel_scope.cancel()
    assert caught.value.operator_detail == "all 1 for 1 s: raise workers, or set fewer seats"
    ears.took_s = 0.0
    shown, _ = await ears.hear(talk(2), live=False)
    assert finals(shown) == ["2"]


@pytest.mark.parametrize("live", [True, False])
async def test_what_the_recogniser_raises_comes_out(live: bool) -> None:
    """As it is, in no group; the detector's stream is closed, and the turn given back."""
    ears = Ears(fails_with=UpstreamError("it died"))
    give, take = trio.open_memory_channel[bytes](1000)
    out, _written = trio.open_memory_channel[Transcript](1000)
    give.send_nowait(talk(1))
    if not live:
        give.close()
    with pytest.raises(UpstreamError, match="it died"):
        await ears.transcribe(take, out)
    assert ears.detector.streams[0].closed
    ears.fails_with = None
    shown, _ = await ears.hear(talk(2), live=False)
    assert finals(shown) == ["2"]


@pytest.mark.parametrize("moment", [0.0, 0.125, 0.5, 0.53, 1.0, 2.0, 2.03, 2.25])
async def test_cancelled_nothing_goes_on(moment: float) -> None:
    """Whenever it is cancelled: no question goes on, the stream is closed, and the next caller has his turn."""
    ears = Ears(took_s=0.25)
    with trio.move_on_after(moment):
        await ears.hear(talk(1, 2, 3, 4))
    assert ears.at_work == 0
    assert all(stream.closed for stream in ears.detector.streams)
    assert finals((await ears.hear(talk(7), live=False))[0]) == ["7"]


async def test_more_audio_than_can_wait() -> None:
    """Of an endless file at most a minute of speech waits, and one stretch more; then no more is read."""
    ears = Ears(took_s=3600.0, cuts=Cuts(most_ms=10_000.0))
    give, take = trio.open_memory_channel[bytes](0)
    out, _written = trio.open_memory_channel[Transcript](0)
    sent = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ears.transcribe, take, out)
        with trio.move_on_after(60.0):
            while True:
                await give.send(talk(1, seconds=1.0))
                sent += 1
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert 60 <= sent <= 75
