from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxint.core.events import Called, Text, Understood, Voice
from voxint.core.journal import PIECE_SIZE, Journal, Seen

ONE, TWO, CALL = Text("one "), Text("two "), Called("wave", {}, "c1")
SPEECH = [Voice(bytes([number]) * 320) for number in range(4)]
PARTIAL, FINAL = Understood("what", is_final=False), Understood("what time?", is_final=True)

pieces = st.lists(
    st.one_of(
        st.builds(Text, st.text(max_size=20)),
        st.builds(lambda samples: Voice(bytes(2 * samples)), st.integers(1, 50)),
        st.builds(Called, st.just("wave"), st.just({}), st.text(max_size=3)),
        st.builds(Understood, st.text(max_size=5), is_final=st.booleans()),
    ),
    max_size=30,
)


def a_journal(*said: Text | Voice | Called | Understood, most_bytes: int = 10_000) -> Journal:
    """Return a journal of what was said."""
    journal = Journal(most_bytes)
    for piece in said:
        journal.add(piece)
    return journal


def test_what_was_not_seen_comes_in_its_order() -> None:
    """Text and speech are counted each for itself, a call as a piece of text."""
    journal = a_journal(ONE, SPEECH[0], CALL, SPEECH[1], TWO)
    assert list(journal.after(Seen())) == [ONE, SPEECH[0], CALL, SPEECH[1], TWO]
    assert list(journal.after(Seen(texts=1, voices=1))) == [CALL, SPEECH[1], TWO]
    assert list(journal.after(Seen(texts=3))) == [SPEECH[0], SPEECH[1]]
    assert list(journal.after(journal.end)) == []
    assert journal.end == Seen(3, 2)


def test_what_was_understood_comes_with_what_follows_it() -> None:
    """It bears no number: who has what came behind it has it; who has nothing that came behind it may lack it."""
    journal = a_journal(PARTIAL, FINAL, ONE, TWO)
    assert list(journal.after(Seen())) == [PARTIAL, FINAL, ONE, TWO]
    assert list(journal.after(Seen(texts=1))) == [TWO]
    assert list(a_journal(PARTIAL).after(Seen())) == [PARTIAL]


def test_the_oldest_goes_first() -> None:
    """Speech counts by its bytes, text by its characters and something for each piece."""
    journal = a_journal(*SPEECH, most_bytes=640)
    assert list(journal.after(Seen())) == SPEECH[2:]
    assert journal.reach(Seen(voices=1)) == Seen(voices=2)
    assert journal.reach(Seen(voices=3)) == Seen(voices=3)
    assert list(a_journal(ONE, TWO, most_bytes=PIECE_SIZE + 4).after(Seen())) == [TWO]


def test_a_journal_of_nothing_counts_all_the_same() -> None:
    """It knows how much was said, and keeps none of it."""
    journal = a_journal(ONE, SPEECH[0], CALL, most_bytes=0)
    assert journal.end == journal.reach(Seen()) == Seen(2, 1)
    assert len(journal) == 0


def test_a_journal_that_was_cleared_reaches_nothing() -> None:
    """Who lacks something of it is told so."""
    journal = a_journal(ONE, SPEECH[0])
    journal.clear()
    assert journal.reach(Seen(1, 0)) == journal.end == Seen(1, 1)
    assert list(journal.after(Seen())) == []


@given(pieces, st.integers(0, 3000), st.integers(0, 40), st.integers(0, 40))
def test_what_is_seen_and_what_comes_are_all(
    said: list[Text | Voice | Called | Understood], most_bytes: int, texts: int, voices: int
) -> None:
    """Whatever the bound: what comes is the end of each stream, and as long as `reach` says."""
    journal = a_journal(*said, most_bytes=most_bytes)
    spoken = [piece for piece in said if isinstance(piece, Voice)]
    written = [piece for piece in said if isinstance(piece, Text | Called)]
    seen = journal.reach(Seen(texts, voices))
    comes = list(journal.after(Seen(texts, voices)))
    assert journal.end == Seen(len(written), len(spoken))
    assert [piece for piece in comes if isinstance(piece, Voice)] == spoken[seen.voices :]
    assert [piece for piece in comes if isinstance(piece, Text | Called)] == written[seen.texts :]
