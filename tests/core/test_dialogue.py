from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.dialogue import ChatMessage, Dialogue, Exchange
from voxint.core.tokens import estimate_tokens

ENDLESS = 1_000_000


def contents(messages: tuple[ChatMessage, ...]) -> list[str]:
    """Return what the messages say."""
    return [message.content for message in messages]


def test_messages_alternate_after_the_system_prompt() -> None:
    """The model sees the system prompt, then each exchange's words and reply, the newest words last."""
    dialogue = Dialogue().ask(1, "Hello").settle(1, "Hi there.", "complete").ask(2, "Who are you?")
    assert dialogue.messages("Be kind.", ENDLESS) == (
        ChatMessage("system", "Be kind."),
        ChatMessage("user", "Hello"),
        ChatMessage("assistant", "Hi there."),
        ChatMessage("user", "Who are you?"),
    )


def test_an_empty_system_prompt_makes_no_message() -> None:
    """Models refuse empty messages, so an empty prompt is left out."""
    assert Dialogue().ask(1, "Hello").messages("", ENDLESS) == (ChatMessage("user", "Hello"),)


def test_an_empty_dialogue_has_only_the_prompt() -> None:
    """Before anyone spoke there is nothing but the prompt."""
    assert Dialogue().messages("Be kind.", 0) == (ChatMessage("system", "Be kind."),)


@pytest.mark.parametrize(
    ("reply", "ending", "said"),
    [
        ("The vase is", "interrupted", ["The vase is [interrupted by the user]"]),
        ("", "interrupted", ["[interrupted by the user]"]),
        ("The vase", "failed", ["The vase [cut off by an error]"]),
        ("", "failed", ["[cut off by an error]"]),
        ("The vase is old.", "complete", ["The vase is old."]),
        ("", "complete", []),
        (" \n", "complete", []),
        ("", "open", []),
        ("The vase", "open", []),
    ],
)
def test_the_end_of_a_reply_decides_what_the_model_reads(reply: str, ending: str, said: list[str]) -> None:
    """A cut reply bears its mark, an open or empty one makes no message, and the user's words always stay."""
    dialogue = Dialogue((Exchange(1, "Tell me", reply, ending),))  # type: ignore[arg-type]  # parametrize widens it
    assert contents(dialogue.messages("", ENDLESS)) == ["Tell me", *said]


def test_marks_can_be_chosen() -> None:
    """An agent that speaks Chinese may have the marks in Chinese."""
    dialogue = Dialogue(interrupted_mark="（被打断）").ask(1, "你好").settle(1, "我是", "interrupted")
    assert contents(dialogue.messages("", ENDLESS)) == ["你好", "我是（被打断）"]


def test_a_request_without_words_makes_no_user_message() -> None:
    """Where nothing was understood, the reply stands alone."""
    dialogue = Dialogue().ask(1, "").settle(1, "Pardon?", "complete")
    assert dialogue.messages("", ENDLESS) == (ChatMessage("assistant", "Pardon?"),)


def test_superseded_words_stay_beside_the_new_ones() -> None:
    """A sentence cut into two requests reaches the model as two user messages in a row."""
    dialogue = Dialogue().ask(1, "What is").ask(2, "that vase?")
    assert [message.role for message in dialogue.messages("", ENDLESS)] == ["user", "user"]


def test_settling_again_replaces_what_was_settled() -> None:
    """A reply that was sent whole is cut when the user interrupts before it was heard whole."""
    dialogue = Dialogue().ask(1, "Tell me").settle(1, "It is old and blue.", "complete").ask(2, "Stop")
    assert contents(dialogue.settle(1, "It is old", "interrupted").messages("", ENDLESS)) == [
        "Tell me",
        "It is old [interrupted by the user]",
        "Stop",
    ]


def test_methods_leave_the_dialogue_they_are_called_on_as_it_was() -> None:
    """A dialogue is a value: a running request keeps the one it began with."""
    before = Dialogue().ask(1, "Hello")
    before.ask(2, "More")
    before.settle(1, "Hi", "complete")
    assert before == Dialogue((Exchange(1, "Hello"),))


def test_settling_an_unknown_key_changes_nothing() -> None:
    """An exchange that has been forgotten can't be settled any more."""
    dialogue = Dialogue().ask(1, "Hello")
    assert dialogue.settle(7, "Hi", "complete") is dialogue


def test_history_can_be_inspected() -> None:
    """Users walk over the exchanges and count them."""
    dialogue = Dialogue().ask(1, "Hello").ask(2, "Again")
    assert [exchange.user for exchange in dialogue] == ["Hello", "Again"]
    assert len(dialogue) == 2


def test_old_exchanges_go_when_the_store_is_full() -> None:
    """A session of hours keeps a bounded number of exchanges, the latest."""
    dialogue = Dialogue(max_exchanges=3)
    for key in range(5):
        dialogue = dialogue.ask(key, f"number {key}")
    assert [exchange.key for exchange in dialogue] == [2, 3, 4]


def test_a_store_for_no_exchange_is_refused() -> None:
    """Not even the question being asked could be kept."""
    with pytest.raises(ValueError, match="max_exchanges"):
        Dialogue(max_exchanges=0)


def test_the_oldest_exchanges_are_left_out_whole() -> None:
    """What doesn't fit the budget goes exchange by exchange, never half of one, and is still kept."""
    dialogue = Dialogue()
    for key in range(4):
        dialogue = dialogue.ask(key, "a" * 40).settle(key, "b" * 40, "complete")
    dialogue = dialogue.ask(9, "last")
    per_exchange = 10 + 10 + 8
    assert len(dialogue.messages("", 9 + 2 * per_exchange)) == 5
    assert len(dialogue.messages("", 9 + 2 * per_exchange - 1)) == 3
    assert len(dialogue) == 5


def test_the_last_words_are_kept_however_long() -> None:
    """An utterance over the budget is for the model to refuse, not for the dialogue to swallow."""
    dialogue = Dialogue().ask(1, "Hello").ask(2, "word " * 1000)
    assert contents(dialogue.messages("Be kind.", 10)) == ["Be kind.", "word " * 1000]


endings = st.sampled_from(["open", "complete", "interrupted", "failed"])


@given(st.lists(st.tuples(st.text(), st.text(), endings), min_size=1), st.text(), st.integers(0, 200))
def test_messages_fit_the_budget_or_hold_only_the_last_exchange(
    history: list[tuple[str, str, str]], system: str, budget: int
) -> None:
    """Whatever was said, the estimate of what is sent stays within the budget unless the last words alone break it."""
    dialogue = Dialogue()
    for key, (user, reply, ending) in enumerate(history):
        dialogue = dialogue.ask(key, user).settle(key, reply, ending)  # type: ignore[arg-type]  # sampled as str
    sent = dialogue.messages(system, budget)
    everything = dialogue.messages(system, ENDLESS)
    kept = sent[1:] if system else sent
    assert everything[len(everything) - len(kept) :] == kept
    if sum(estimate_tokens(content) for content in contents(sent)) > budget:
        assert len(kept) <= 2


def test_the_oldest_exchanges_go_where_the_dialogue_is_too_large() -> None:
    """A few long texts are as much as many short ones; the latest words stay, however long they are."""
    dialogue = Dialogue(max_tokens=100)
    for key in range(4):
        dialogue = dialogue.ask(key, "word" * 30).settle(key, "word" * 20, "complete")
    assert [exchange.key for exchange in dialogue] == [1, 2, 3]
    assert [exchange.key for exchange in dialogue.ask(4, "word" * 1000)] == [2, 3, 4]
    assert [exchange.key for exchange in dialogue.ask(4, "word" * 1000).ask(5, "Hello?")] == [5]
