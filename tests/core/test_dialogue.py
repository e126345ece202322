"""What the model is sent of a conversation."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.dialogue import ChatMessage, Dialogue, Ending, Exchange
from voxint.core.tokens import estimate_tokens
from voxint.core.tools import ToolCall

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


class Speaker(StrEnum):
    """As a program may name the roles."""

    USER = "user"


def test_a_role_of_another_kind_of_text_is_a_plain_one() -> None:
    """It goes to a provider's JSON; what is no role is refused."""
    message = ChatMessage(Speaker.USER, "Hello")  # type: ignore[arg-type]  # mypy does not take it for its value
    assert (type(message.role), message) == (str, ChatMessage("user", "Hello"))
    with pytest.raises(ValueError, match=r"^ChatMessage\.role must be one of system, user, assistant"):
        ChatMessage("bot", "Hello")  # type: ignore[arg-type]  # wrong on purpose


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
        (" \n", "interrupted", ["[interrupted by the user]"]),
        ("", "complete", ["[nothing was said]"]),
        (" \n", "complete", ["[nothing was said]"]),
        ("", None, []),
        ("The vase", None, []),
    ],
)
def test_the_end_of_a_reply_decides_what_the_model_reads(reply: str, ending: Ending | None, said: list[str]) -> None:
    """A cut reply bears its mark, a mark stands for an empty one, and while there is none the words stand alone."""
    dialogue = Dialogue((Exchange(1, "Tell me", reply, ending),))
    assert contents(dialogue.messages("", ENDLESS)) == ["Tell me", *said]


def test_marks_can_be_chosen() -> None:
    """An agent that speaks Chinese may have the marks in Chinese."""
    dialogue = Dialogue(interrupted_mark="（被打断）").ask(1, "你好").settle(1, "我是", "interrupted")
    assert contents(dialogue.messages("", ENDLESS)) == ["你好", "我是（被打断）"]


def test_a_mark_may_be_left_out_unless_it_stands_for_a_message() -> None:
    """An empty mark after a reply is no mark; where it would leave an empty message, that of silence stands."""
    dialogue = Dialogue(interrupted_mark="").ask(1, "Hi").settle(1, "Well", "interrupted").ask(2, "So?")
    assert contents(dialogue.settle(2, "", "interrupted").messages("", ENDLESS)) == [
        "Hi",
        "Well",
        "So?",
        "[nothing was said]",
    ]


@pytest.mark.parametrize("mark", ["silent_mark", "wordless_mark"])
def test_a_mark_that_stands_for_a_message_has_words(mark: str) -> None:
    """Models refuse empty messages, so an empty mark is refused when the dialogue is made."""
    with pytest.raises(ValueError, match=f"{mark} stands for a message"):
        Dialogue(**{mark: " "})  # type: ignore[arg-type]  # one of several options


def test_a_request_without_words_is_told_as_one() -> None:
    """Where nothing was understood and something replied, a mark stands for the words."""
    dialogue = Dialogue().ask(1, "").settle(1, "Pardon?", "complete")
    assert dialogue.messages("", ENDLESS) == (ChatMessage("user", "[no words]"), ChatMessage("assistant", "Pardon?"))


def test_where_neither_side_said_anything_nothing_is_told() -> None:
    """An exchange of silence makes no message."""
    dialogue = Dialogue().ask(1, "Hi").settle(1, "Yes?", "complete").ask(2, " ").settle(2, "", "complete")
    assert contents(dialogue.ask(3, "Bye").messages("", ENDLESS)) == ["Hi", "Yes?", "Bye"]


def test_a_question_without_words_is_still_the_users() -> None:
    """A request without words that waits for its reply ends with a message of the user's."""
    assert Dialogue().ask(1, "").messages("Be kind.", ENDLESS)[1:] == (ChatMessage("user", "[no words]"),)


def test_words_without_a_reply_stand_in_one_message_with_those_after_them() -> None:
    """A sentence cut into two requests, of which no reply to the first is known, reaches the model as one message."""
    dialogue = Dialogue().ask(1, "What is").ask(2, "that vase?")
    assert dialogue.messages("", ENDLESS) == (ChatMessage("user", "What is\nthat vase?"),)
    assert contents(dialogue.settle(2, "It is old.", "complete").messages("", ENDLESS))[1:] == ["It is old."]


LAMP = ToolCall("c1", "lamp", {"room": "厨房", "on": True})


@pytest.mark.parametrize(
    ("reply", "ending", "said"),
    [
        ("", "complete", '[the function lamp was called with {"room": "厨房", "on": true}]'),
        ("One moment.", "complete", 'One moment. [the function lamp was called with {"room": "厨房", "on": true}]'),
        (
            "One",
            "interrupted",
            'One [the function lamp was called with {"room": "厨房", "on": true}] [interrupted by the user]',
        ),
        (
            "",
            "failed",
            '[the function lamp was called with {"room": "厨房", "on": true}] [cut off by an error]',
        ),
    ],
)
def test_the_model_learns_of_its_calls(reply: str, ending: Ending, said: str) -> None:
    """A reply that called a function says so behind its words, and before what became of it."""
    dialogue = Dialogue().ask(1, "Light!").settle(1, reply, ending, (LAMP,))
    assert contents(dialogue.messages("", ENDLESS)) == ["Light!", said]


def test_several_calls_and_a_mark_of_ones_own() -> None:
    """The calls come in their order, in the words of the agent's language."""
    dialogue = Dialogue(called_mark="（{name}：{arguments}）").ask(1, "Light!")
    settled = dialogue.settle(1, "", "complete", (ToolCall("a", "on"), ToolCall("b", "off", {"{name}": "{arguments}"})))
    assert contents(settled.messages("", ENDLESS))[1] == '（on：{}）（off：{"{name}": "{arguments}"}）'


def test_long_arguments_are_told_in_part_and_kept_whole() -> None:
    """The model reads the begin of a long text that it wrote; what is kept counts for all of it."""
    call = ToolCall("c1", "write", {"text": "word " * 10_000})
    dialogue = Dialogue(max_tokens=10_000).ask(1, "Write!").settle(1, "", "complete", (call,))
    assert len(contents(dialogue.messages("", ENDLESS))[1]) < 1100
    assert dialogue.exchanges[0].tokens > 12_000
    assert len(dialogue.ask(2, "And?")) == 1


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


endings = st.sampled_from([None, "complete", "interrupted", "failed"])
words = st.one_of(st.sampled_from(["", " ", "\n"]), st.text(max_size=60))
tool_calls = st.lists(
    st.builds(ToolCall, st.just("c"), st.text(max_size=9), st.dictionaries(st.text(max_size=9), st.text(max_size=90))),
    max_size=2,
).map(tuple)
histories = st.lists(st.tuples(words, words, endings, tool_calls), max_size=8)


def spoken(history: list[tuple[str, str, Ending | None, tuple[ToolCall, ...]]]) -> Dialogue:
    """Return the dialogue of these exchanges, each asked and then settled where it ended."""
    dialogue = Dialogue()
    for key, (user, reply, ending, calls) in enumerate(history):
        dialogue = dialogue.ask(key, user)
        if ending is not None:
            dialogue = dialogue.settle(key, reply, ending, calls)
    return dialogue


def strict_template(messages: tuple[ChatMessage, ...]) -> None:
    """Refuse what the strictest chat templates refuse."""
    turns = messages[1:] if messages[0].role == "system" else messages
    assert [turn.role for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"]
    assert all(message.content.strip() for message in messages)


@given(histories, words, words, st.integers(0, 200) | st.just(ENDLESS))
def test_a_strict_template_takes_every_conversation(
    history: list[tuple[str, str, Ending | None, tuple[ToolCall, ...]]], question: str, system: str, budget: int
) -> None:
    """However the turns before it ended, and wherever the budget cuts: the roles alternate, the last is the user's."""
    strict_template(spoken(history).ask(99, question).messages(system, budget))


@given(histories, words)
def test_nothing_that_was_said_is_lost_or_made_up(
    history: list[tuple[str, str, Ending | None, tuple[ToolCall, ...]]], question: str
) -> None:
    """Without a budget every word of the user, and every reply that ended, is there, in order, beside marks alone."""
    told = "\n".join(contents(spoken(history).ask(99, question).messages("", ENDLESS)))
    at = 0
    for user, reply, ending, _ in [*history, (question, "", None, ())]:
        for part in (user if user.strip() else "", reply if ending and reply.strip() else ""):
            at = told.index(part, at) + len(part)


@given(histories.filter(bool), st.text(), st.integers(0, 200))
def test_messages_fit_the_budget_or_hold_only_the_last_exchange(
    history: list[tuple[str, str, Ending | None, tuple[ToolCall, ...]]], system: str, budget: int
) -> None:
    """Whatever was said, the estimate of what is sent stays within the budget unless the last words alone break it."""
    dialogue = spoken(history)
    sent = dialogue.messages(system, budget)
    everything = dialogue.messages(system, ENDLESS)
    kept = sent[1:] if system.strip() else sent
    if kept:
        assert kept[1:] == everything[len(everything) - len(kept) + 1 :]
        first = everything[len(everything) - len(kept)].content
        assert first.endswith(kept[0].content) or kept[0].content == dialogue.wordless_mark
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
