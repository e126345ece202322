from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.audio import AudioFormat
from voxint.core.playout import PlayoutLedger
from voxint.core.receipt import AudioAccount, TextAccount

RATE = 16_000
FRAME = RATE // 25


def send(ledger: PlayoutLedger, samples: int, now: float) -> None:
    """Send so many samples more."""
    ledger.sent_until(ledger.audio_format.samples(ledger.audio_account(now).sent_ms) + samples, now)


def spoken_ledger(*spans: tuple[str, int], sent_at: float | None = 0.0) -> PlayoutLedger:
    """Return the ledger of a reply whose spans have so many samples, all sent at one instant, or not at all."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    for text, samples in spans:
        ledger.wrote_text(text)
        ledger.begin_span(text)
        ledger.generated(samples)
    ledger.end_spans()
    if sent_at is not None:
        send(ledger, sum(samples for _, samples in spans), sent_at)
    return ledger


def test_nothing_is_heard_before_anything_is_sent() -> None:
    """Audio that lies in a queue was heard by nobody, however late it is."""
    ledger = spoken_ledger(("Hello.", RATE), sent_at=None)
    assert ledger.heard_samples(100.0) == 0
    assert ledger.heard_text(100.0) == ""
    assert ledger.playing_until is None


def test_playback_follows_the_clock_from_the_first_frame() -> None:
    """A frame sent at 5 s is being played from 5 s on, until it ends."""
    ledger = spoken_ledger(("Hello.", 2 * RATE), sent_at=5.0)
    assert [ledger.heard_samples(now) for now in (5.0, 5.5, 7.0, 9.0)] == [0, RATE // 2, 2 * RATE, 2 * RATE]
    assert ledger.playing_until == 7.0


def test_a_frame_waits_for_the_frame_before_it() -> None:
    """Frames sent ahead of playback queue up at the client."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    send(ledger, RATE, 0.0)
    send(ledger, RATE, 0.25)
    assert ledger.playing_until == 2.0
    assert ledger.heard_samples(1.5) == RATE * 3 // 2


def test_an_underrun_is_silence_and_not_playback() -> None:
    """While the client has nothing to play the position stands still, and goes on from the next frame."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    send(ledger, RATE, 0.0)
    assert ledger.heard_samples(3.0) == RATE
    send(ledger, RATE, 3.0)
    assert ledger.heard_samples(3.0) == RATE
    assert ledger.heard_samples(3.5) == RATE * 3 // 2
    assert ledger.playing_until == 4.0


def test_many_frames_don_t_drift() -> None:
    """A quarter of an hour of 40 ms frames, sent when the one before ends, is heard to the sample."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    for index in range(22_500):
        send(ledger, FRAME, 1000.0 + index / 25)
        assert ledger.heard_samples(1000.0 + index / 25) == index * FRAME
    assert ledger.playing_until == 1900.0


def test_a_report_is_exact_at_its_instant_and_goes_on_by_the_clock() -> None:
    """A client that buffers says where it is; between its reports time goes on for it too, up to what was sent."""
    ledger = spoken_ledger(("Hello.", 2 * RATE))
    ledger.reported(250.0, 1.0)
    assert ledger.heard_samples(1.0) == RATE // 4
    assert ledger.heard_samples(1.5) == RATE * 3 // 4
    assert ledger.heard_samples(60.0) == 2 * RATE
    assert ledger.playing_until == 2.75


def test_a_client_whose_playback_stands_still_can_say_so() -> None:
    """The same position reported again takes back what the clock added since."""
    ledger = spoken_ledger(("Hello.", 2 * RATE))
    ledger.reported(250.0, 0.5)
    ledger.reported(250.0, 1.5)
    assert ledger.heard_samples(1.5) == RATE // 4


def test_frames_sent_after_a_report_are_played_after_the_rest() -> None:
    """The clock that a report set takes later frames, with the gaps between them."""
    ledger = spoken_ledger(("Hello.", RATE))
    ledger.reported(500.0, 1.0)
    send(ledger, RATE, 1.25)
    assert ledger.playing_until == 2.5
    send(ledger, RATE, 4.0)
    assert ledger.heard_samples(4.5) == 2 * RATE + RATE // 2


@pytest.mark.parametrize(
    ("played_ms", "samples"),
    [(-5.0, 0), (float("nan"), 0), (1e308, RATE), (float("inf"), RATE), (999.5, RATE), (998.0, RATE * 998 // 1000)],
)
def test_a_report_is_held_within_what_was_sent(played_ms: float, samples: int) -> None:
    """A client can't have heard less than nothing or more than it got; whole milliseconds may round off the end."""
    ledger = spoken_ledger(("Hello.", RATE))
    ledger.reported(played_ms, 0.0)
    assert ledger.heard_samples(0.0) == samples


def test_a_report_never_takes_back_an_earlier_one() -> None:
    """What was played was played: a lower position is a late or confused report."""
    ledger = spoken_ledger(("Hello.", RATE))
    ledger.reported(500.0, 0.5)
    ledger.reported(100.0, 0.5)
    assert ledger.heard_samples(0.5) == RATE // 2


def test_heard_text_is_cut_back_to_the_last_whole_word() -> None:
    """A word counts when its end was reached, if each letter lasts equally long."""
    ledger = spoken_ledger(("One two. ", 9_000), ("Three four.", 11_000))
    cuts = {samples: ledger.heard_text(samples / RATE) for samples in (0, 2_999, 3_000, 7_999, 8_000, 9_000, 13_999)}
    assert cuts == {
        0: "",
        2_999: "",
        3_000: "One",
        7_999: "One",
        8_000: "One two.",
        9_000: "One two.",
        13_999: "One two.",
    }
    assert ledger.heard_text(14_000 / RATE) == "One two. Three"
    assert ledger.heard_text(20_000 / RATE) == "One two. Three four."


def test_chinese_is_cut_at_a_character() -> None:
    """Chinese has no spaces, so each character heard counts, and its punctuation with it."""
    ledger = spoken_ledger(("你好，世界。", 6_000))
    assert [ledger.heard_text(samples / RATE) for samples in (999, 1_000, 3_500, 6_000)] == [
        "",
        "你",
        "你好，",
        "你好，世界。",
    ]


def test_mixed_text_is_cut_at_words_and_characters() -> None:
    """A Latin word within Chinese stays whole, and a character lasts as long as three letters."""
    ledger = spoken_ledger(("我用 voxint吧", 16_000))
    assert [ledger.heard_text(samples / RATE) for samples in (3_000, 12_000, 13_000, 15_000, 16_000)] == [
        "我",
        "我用",
        "我用 voxint",
        "我用 voxint",
        "我用 voxint吧",
    ]


def test_audio_that_nothing_was_said_about_belongs_to_no_text() -> None:
    """A synthesizer that speaks before it says what leaves only silence in the account."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    ledger.generated(RATE)
    ledger.begin_span("Hello.")
    ledger.generated(RATE)
    ledger.end_spans()
    send(ledger, 2 * RATE, 0.0)
    assert ledger.heard_text(1.0) == ""
    assert ledger.heard_text(2.0) == "Hello."


def test_spans_begun_without_audio_between_share_the_audio_that_comes() -> None:
    """A synthesizer that takes several pieces before it speaks has said all of them at the end of that audio."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    ledger.begin_span("One. ")
    ledger.begin_span("Two. ")
    ledger.generated(10_000)
    ledger.begin_span("Six.")
    ledger.generated(4_000)
    ledger.end_spans()
    send(ledger, 14_000, 0.0)
    assert ledger.heard_text(4_000 / RATE) == "One."
    assert ledger.heard_text(10_000 / RATE) == "One. Two."


def test_words_told_one_by_one_are_heard_when_the_next_begins() -> None:
    """Not a space earlier, and each for as long as it lasts; what a resampler holds back shifts where they begin."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    ledger.begin_span("a ")
    ledger.generated(4_000)
    ledger.begin_span("lighthouse ", delayed=1_000)
    ledger.generated(9_000)
    ledger.begin_span("keeper", delayed=500)
    ledger.generated(5_500)
    ledger.end_spans()
    send(ledger, 18_500, 0.0)
    cuts = {samples: ledger.heard_text(samples / RATE) for samples in (4_999, 5_000, 13_499, 13_500, 18_499, 18_500)}
    assert cuts == {
        4_999: "",
        5_000: "a",
        13_499: "a",
        13_500: "a lighthouse",
        18_499: "a lighthouse",
        18_500: "a lighthouse keeper",
    }


def test_a_span_whose_audio_still_comes_is_not_heard_whole() -> None:
    """The first frame of a sentence isn't the sentence, also when a slow synthesizer lets it run dry."""
    ledger = PlayoutLedger(AudioFormat(15_000), spoken=True)
    ledger.begin_span("One two three four five.")
    ledger.generated(3_000)
    send(ledger, 3_000, 0.0)
    assert ledger.heard_text(9.0) == "One"
    ledger.generated(22_000)
    send(ledger, 22_000, 9.0)
    assert ledger.heard_text(99.0) == "One two three four five."


def test_the_pace_of_the_spans_before_says_how_long_the_open_one_lasts() -> None:
    """A slow voice is known to be slow once it has spoken a span."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    ledger.begin_span("One. ")
    ledger.generated(5 * 4_000)
    ledger.begin_span("Two six.")
    ledger.generated(4 * 4_000)
    send(ledger, 9 * 4_000, 0.0)
    assert ledger.heard_text(9.0) == "One. Two"
    ledger.end_spans()
    assert ledger.heard_text(9.0) == "One. Two six."


def test_text_without_audio_at_the_end_counts_with_what_was_heard_before_it() -> None:
    """An emoji that nobody speaks doesn't make a reply that was heard whole incomplete; alone it is not heard."""
    assert spoken_ledger(("Bye.", RATE), (" 😊", 0)).heard_text(1.0) == "Bye. 😊"
    assert spoken_ledger(("😊", 0)).heard_text(1.0) == ""


def test_without_speech_the_text_sent_counts_as_heard() -> None:
    """A reader has what is on the screen, and nothing of what was still to be sent."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=False)
    ledger.wrote_text("Hello there.")
    ledger.shown_until(len("Hello "))
    assert ledger.heard_text(0.0) == "Hello "
    assert (ledger.written, ledger.shown) == ("Hello there.", "Hello ")


def test_an_interruption_fixes_what_was_heard() -> None:
    """After it nothing moves any more: not with time, not with a late report, not with a frame that was in flight."""
    ledger = spoken_ledger(("One two.", 8_000))
    ledger.freeze(3_500 / RATE)
    ledger.reported(500.0, 1.0)
    send(ledger, 8_000, 1.0)
    ledger.freeze(9.0)
    assert ledger.heard_text(9.0) == "One"
    assert ledger.heard_samples(9.0) == 3_500
    assert ledger.playing_until == 3_500 / RATE
    assert ledger.audio_account(9.0).source == "estimated"


def test_accounts_say_what_the_receipt_needs() -> None:
    """The receipt gets milliseconds, characters, the words, and whose word the position is."""
    ledger = spoken_ledger(("One two.", 16_000), sent_at=None)
    send(ledger, 8_000, 0.0)
    assert ledger.audio_account(0.25) == AudioAccount(
        generated_ms=1000.0, sent_ms=500.0, heard_ms=250.0, source="estimated"
    )
    ledger.reported(375.0, 0.25)
    assert ledger.audio_account(0.25) == AudioAccount(
        generated_ms=1000.0, sent_ms=500.0, heard_ms=375.0, source="client"
    )
    assert ledger.text_account(0.25) == TextAccount(generated_chars=8, heard="One")


texts = st.text(alphabet="ab c.\n你好。カ😊", max_size=20)
replies = st.lists(st.tuples(texts, st.integers(0, 3_000)), max_size=6)
instants = st.lists(st.floats(0.0, 2.0), min_size=2, max_size=6).map(sorted)


def whole(reply: list[tuple[str, int]]) -> str:
    """Return the text of all spans."""
    return "".join(text for text, _ in reply)


@given(replies, instants)
def test_heard_text_only_grows_with_time(reply: list[tuple[str, int]], times: list[float]) -> None:
    """At any instant it is a beginning of the reply, and of what is heard later."""
    ledger = spoken_ledger(*reply)
    heard = [ledger.heard_text(now) for now in times]
    for earlier, later in zip(heard, [*heard[1:], whole(reply)], strict=True):
        assert later.startswith(earlier)


@given(replies, st.lists(st.floats(0.0, 2_000.0), min_size=1, max_size=6))
def test_heard_text_only_grows_with_reports(reply: list[tuple[str, int]], reports: list[float]) -> None:
    """Whatever a client reports at one instant, what counted as heard by a report stays heard."""
    ledger = spoken_ledger(*reply)
    before = ""
    for played_ms in reports:
        ledger.reported(played_ms, 0.0)
        assert ledger.heard_text(0.0).startswith(before)
        before = ledger.heard_text(0.0)


@given(replies, st.integers(0, 20_000), st.floats(0.0, 3.0), st.floats(0.0, 3_000.0), st.booleans())
def test_nothing_is_heard_that_was_not_sent(
    reply: list[tuple[str, int]], sent: int, now: float, played_ms: float, reports: bool
) -> None:
    """Neither time nor a report gets beyond the samples on the wire, nor the text beyond theirs."""
    ledger = spoken_ledger(*reply, sent_at=None)
    send(ledger, min(sent, sum(samples for _, samples in reply)), 0.0)
    at_the_end = ledger.heard_text(1_000.0)
    if reports:
        ledger.reported(played_ms, 0.0)
    assert ledger.audio_account(now).heard_ms <= ledger.audio_account(now).sent_ms
    assert at_the_end.startswith(ledger.heard_text(now))


@given(replies)
def test_a_reply_heard_to_its_end_is_the_whole_reply(reply: list[tuple[str, int]]) -> None:
    """White space and all, unless there was no audio to hear; and before the first sample it is nothing."""
    ledger = spoken_ledger(*reply)
    assert ledger.heard_text(0.0) == ""
    if any(samples for _, samples in reply):
        assert ledger.heard_text(1_000.0) == whole(reply)


@given(replies, st.floats(0.0, 2.0))
def test_heard_text_is_cut_only_where_it_may_be(reply: list[tuple[str, int]], now: float) -> None:
    """A cut is at the end of a span, before white space, or beside a character of a script without spaces."""
    text = whole(reply)
    cut = len(spoken_ledger(*reply).heard_text(now))
    ends = {len(whole(reply[:count])) for count in range(len(reply) + 1)}
    unspaced = re.compile("[你好。カ]")
    assert (
        cut in ends
        or (text[cut].isspace() and not text[cut - 1].isspace())
        or unspaced.match(text[cut - 1])
        or unspaced.match(text[cut])
    )


@given(replies, st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_a_frozen_ledger_gives_one_answer(reply: list[tuple[str, int]], frozen_at: float, later: float) -> None:
    """Any later `now` gives what was heard at the freeze."""
    ledger = spoken_ledger(*reply)
    heard = ledger.heard_text(frozen_at)
    ledger.freeze(frozen_at)
    assert ledger.heard_text(later) == heard


def half_heard(*, spoken: bool, frozen: bool) -> PlayoutLedger:
    """Return the ledger of three words, two of them shown, of which one had been heard after a second."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=spoken)
    for word in ("One ", "two ", "three."):
        ledger.wrote_text(word)
        ledger.begin_span(word)
        ledger.generated(RATE)
    ledger.end_spans()
    ledger.shown_until(len("One two "))
    send(ledger, 3 * RATE, 0.0)
    if frozen:
        ledger.freeze(1.0)
        ledger.shown_until(len("One two three."))
    return ledger


@pytest.mark.parametrize("spoken", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_joined_text_is_the_same_text(spoken: bool, frozen: bool) -> None:
    """What was written, shown and heard is what it was, before and after a freeze; in a few pieces."""
    as_it_came, joined = half_heard(spoken=spoken, frozen=frozen), half_heard(spoken=spoken, frozen=frozen)
    joined.join_text()
    joined.join_text()
    for ledger in as_it_came, joined:
        ledger.freeze(1.0)
    assert (joined.written, joined.shown) == (as_it_came.written, as_it_came.shown)
    assert joined.text_account(9.0) == as_it_came.text_account(9.0)
    assert joined.heard_text(9.0) == ("One" if spoken else "One two ")
    assert len(joined._written) == 1
