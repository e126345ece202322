"""Which parts of an utterance are computed, where they are cut, and when each written word begins."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxint.providers._kokoro_plan import AUDIBLE, FIRST, GAP, LEADS, LEAST, MARGIN, MOST, Window, timeline, windows

QUIET, LOUD = AUDIBLE - 5, AUDIBLE + 9


def energy(*stretches: tuple[int, float]) -> list[float]:
    """Return the energy of each half frame of stretches, which are so many frames of one energy."""
    return [level for frames, level in stretches for _ in range(2 * frames)]


def spans(found: list[Window]) -> list[tuple[int, int]]:
    """Return where windows begin and end."""
    return [(window.begin, window.end) for window in found]


any_energy = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([QUIET, LOUD, LOUD - 3, AUDIBLE - 0.1])), max_size=12
).map(lambda stretches: energy(*stretches))


@given(any_energy)
def test_all_that_sounds_is_made_once(curve: list[float]) -> None:
    """The windows stand in order, none is too long, and whatever is audible lies in one of them."""
    found = windows(curve)
    for one, other in pairwise(found):
        assert one.end <= other.begin
        assert one.joined[1] == other.joined[0] == (one.end == other.begin)
        assert one.joined[1] or other.begin - one.end >= GAP
    inside = {frame for window in found for frame in range(window.begin, window.end)}
    assert all(at // 2 in inside for at, level in enumerate(curve) if level >= AUDIBLE)
    for number, window in enumerate(found):
        assert 0 < window.end - window.begin <= (MOST if number else FIRST)
        assert window.begin >= window.around[0] >= 0
        assert window.end + window.around[1] <= len(curve) // 2


def test_silence_is_not_made() -> None:
    """Silence around and within an utterance lies in no window; a pause of a moment does."""
    curve = energy((12, QUIET), (20, LOUD), (10, QUIET), (8, LOUD), (3, QUIET), (6, LOUD), (15, QUIET))
    found = windows(curve)
    assert spans(found) == [(12 - MARGIN, 32 + MARGIN), (42 - MARGIN, 59 + MARGIN)]
    assert [window.joined for window in found] == [(False, False), (False, False)]


def test_a_cut_is_where_it_is_quietest() -> None:
    """A long stretch is cut at its softest place, and not so that a crumb is left."""
    curve = energy((5, QUIET), (25, LOUD), (2, LOUD - 6), (60, LOUD), (5, QUIET))
    assert spans(windows(curve))[0][1] in (30, 31, 32)
    long = windows(energy((5, QUIET), (MOST + 3, LOUD), (5, QUIET)), first=MOST)
    assert [window.joined for window in long] == [(False, True), (True, False)]
    assert all(window.end - window.begin >= LEAST for window in long)


def test_nothing_that_sounds_gives_no_window() -> None:
    """Of silence nothing is made."""
    assert windows(energy((20, QUIET))) == []
    assert windows([]) == []


PLANNED = [
    Window(10, 40, (8, 4), (False, True)),
    Window(40, 60, (10, 4), (True, False)),
    Window(80, 100, (8, 4), (False, False)),
]


def test_a_word_begins_where_its_phonemes_do() -> None:
    """The first word begins with the sound, others a little before the count says; a pause is its marks'."""
    durations = [12, 10, 20, 20, 20, 20, 5]
    words = [("Yes, ", 1), ("he ", 2), ("can; ", 3), ("so ", 5)]
    assert timeline(words, durations, PLANNED) == [
        (10, "Yes, "),
        (22 - LEADS, "he "),
        (42 - LEADS, "can"),
        (60, "; "),
        (82 - LEADS, "so "),
    ]


def test_a_word_that_would_begin_in_a_pause_begins_behind_it() -> None:
    """The count of the model puts a word into a silence: it is heard when the silence is over."""
    assert timeline([("One. ", 1), ("Two", 2)], [12, 50, 30], PLANNED) == [(10, "One"), (60, ". "), (80, "Two")]


def test_what_has_no_sound_is_written_with_what_has() -> None:
    """Words without phonemes go with the word before; in front of all, with the first; alone they stand alone."""
    assert timeline([("(", None), ("so ", 1), ("* ", None)], [12, 80], PLANNED) == [(10, "(so * ")]
    assert timeline([("**", None)], [12], PLANNED) == [(10, "**")]


@given(st.lists(st.tuples(st.sampled_from(["a ", "b, ", "好。", "c", "."]), st.booleans()), max_size=12), st.data())
def test_what_is_written_is_the_text_in_order(words: list[tuple[str, bool]], data: st.DataObject) -> None:
    """Whatever the durations: the texts joined are what is written, and they begin one after the other."""
    tokens = [(written, number if sounds else None) for number, (written, sounds) in enumerate(words, 1)]
    durations = data.draw(st.lists(st.integers(1, 30), min_size=len(words) + 2, max_size=len(words) + 2))
    found = timeline(tokens, durations, PLANNED)
    assert "".join(written for _, written in found) == "".join(written for written, _ in words)
    frames = [frame for frame, _ in found]
    assert frames == sorted(frames)
    assert frames[0] == PLANNED[0].begin
    assert frames[-1] <= PLANNED[-1].end
