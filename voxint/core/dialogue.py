"""The conversation as the model sees it, cut back to what was heard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

from attrs import Attribute, Factory, evolve, field, frozen

from voxint.arguments import bounded, check_fields, field_name
from voxint.core.discreet import size_of
from voxint.core.tokens import estimate_tokens
from voxint.core.tools import ToolCall

__all__ = ["ChatMessage", "Dialogue", "Ending", "Exchange", "Role"]

Role = Literal["system", "user", "assistant"]

Ending = Literal["complete", "interrupted", "failed"]
"""How a reply ended."""

_MESSAGE_TOKENS = 4
"""What a chat template adds to a message (its role, its borders), as vendors' counting examples have it."""

_ARGUMENT_CHARS = 1000
"""What the model reads again of the arguments of a call of its own. Ours: a page of text that it wrote itself needs no
place in every turn to come."""


@frozen(field_transformer=check_fields)
class ChatMessage:
    """One message of the conversation, in the form chat models take."""

    role: Role
    content: str = field(repr=size_of)


@frozen
class Exchange:
    """What the user said and what became of the reply.

    Args:
        key: What the session calls it.
        user: The user's words; empty where there were none.
        reply: What of the reply the user knows: all of it, or what was heard.
        ending: How the reply ended; None: it is still being made, or never was.
        calls: The functions that the reply called, as far as the client knows of them.
        tokens: How much of it is kept, by `estimate_tokens`, the arguments of its calls whole.
    """

    key: int
    user: str = field(repr=size_of)
    reply: str = field(default="", repr=size_of)
    ending: Ending | None = None
    calls: tuple[ToolCall, ...] = ()
    tokens: int = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(lambda self: self._estimate(), takes_self=True),
    )

    def _estimate(self) -> int:
        called = sum(estimate_tokens(call.name) + estimate_tokens(_json(call)) for call in self.calls)
        return estimate_tokens(self.user) + estimate_tokens(self.reply) + called


def _not_blank(dialogue: object, attribute: Attribute[str], value: str) -> None:
    if not value.strip():
        name = field_name(dialogue, attribute)
        raise ValueError(f"{name} stands for a message, and models refuse empty ones: give it words")


@frozen
class Dialogue:
    """The exchanges of a session, oldest first; every method returns a new dialogue.

    Args:
        exchanges: What was said so far.
        max_exchanges: How many are kept, by default 1,000: hours of talk, far beyond what any budget lets through.
        max_tokens: How much of it is kept, by `estimate_tokens`, beside the latest words; by default four times the
            default budget of `messages`.
        interrupted_mark: What the model reads after a reply that the user interrupted.
        failed_mark: What the model reads after a reply that an error cut off.
        called_mark: What the model reads of a function that it called; `{name}` and `{arguments}` stand for the call.
        silent_mark: What the model reads for a reply without a word.
        wordless_mark: What the model reads for a request in which there were no words.
    """

    exchanges: tuple[Exchange, ...] = ()
    max_exchanges: int = field(default=1000, kw_only=True, validator=bounded(at_least=1))
    max_tokens: int = field(default=24_000, kw_only=True, validator=bounded(at_least=1))
    interrupted_mark: str = field(default=" [interrupted by the user]", kw_only=True)
    failed_mark: str = field(default=" [cut off by an error]", kw_only=True)
    called_mark: str = field(default=" [the function {name} was called with {arguments}]", kw_only=True)
    silent_mark: str = field(default="[nothing was said]", kw_only=True, validator=_not_blank)
    wordless_mark: str = field(default="[no words]", kw_only=True, validator=_not_blank)

    def __len__(self) -> int:
        return len(self.exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def ask(self, key: int, user: str) -> Dialogue:
        """Return the dialogue with the user's words at its end, and the oldest exchanges gone where it is full."""
        exchanges = (*self.exchanges, Exchange(key, user))[-self.max_exchanges :]
        left, first = self.max_tokens, len(exchanges) - 1
        while first and (left := left - exchanges[first - 1].tokens) >= 0:
            first -= 1
        return evolve(self, exchanges=exchanges[first:])

    def settle(self, key: int, reply: str, ending: Ending, calls: tuple[ToolCall, ...] = ()) -> Dialogue:
        """Return the dialogue with the reply to `key` as it ended, whatever was settled before.

        A reply that was complete when it was sent may be cut later to what was heard of it. A `key` that is not kept
        (any more) changes nothing.
        """
        for index in range(len(self.exchanges) - 1, -1, -1):
            if self.exchanges[index].key == key:
                settled = Exchange(key, self.exchanges[index].user, reply, ending, calls)
                return evolve(self, exchanges=(*self.exchanges[:index], settled, *self.exchanges[index + 1 :]))
        return self

    def messages(self, system: str, budget_tokens: int) -> tuple[ChatMessage, ...]:
        """Return what to send to a model: the system prompt, then as many of the latest exchanges as fit.

        Behind the system prompt the roles alternate, the user begins, and no message is empty; strict chat templates
        refuse all else. The last message is the user's while the last exchange waits for its reply. Words that no
        reply followed stand in one message with the words after them; a reply of which nothing can be shown is
        a mark, and so are words that were none. An exchange in which neither side said anything is left out.

        Exchanges are left out whole, the oldest first. The last one is always there, however long it is.

        Args:
            system: The system prompt; empty: none.
            budget_tokens: The most tokens that all messages may have, by `estimate_tokens`.
        """
        left = budget_tokens - (estimate_tokens(system) + _MESSAGE_TOKENS if system.strip() else 0)
        first = len(self.exchanges)
        for exchange in reversed(self.exchanges):
            left -= self._cost(exchange)
            if left < 0 and first < len(self.exchanges):
                break
            first -= 1
        opening = (ChatMessage("system", system),) if system.strip() else ()
        return (*opening, *self._render(self.exchanges[first:]))

    def _render(self, exchanges: tuple[Exchange, ...]) -> Iterator[ChatMessage]:
        unanswered: list[str] = []
        for exchange in exchanges:
            words, said = exchange.user.strip(), self._said(exchange)
            if words:
                unanswered.append(exchange.user)
            if said is not None and (words or said != self.silent_mark):
                yield self._asked(unanswered)
                yield ChatMessage("assistant", said)
                unanswered = []
        if unanswered or (exchanges and exchanges[-1].ending is None):
            yield self._asked(unanswered)

    def _asked(self, words: list[str]) -> ChatMessage:
        return ChatMessage("user", "\n".join(words) or self.wordless_mark)

    def _said(self, exchange: Exchange) -> str | None:
        """Return what stands for the reply; None while there is none."""
        if exchange.ending is None:
            return None
        notes = self._notes(exchange)
        said = exchange.reply + notes if exchange.reply.strip() else notes.lstrip()
        return said if said.strip() else self.silent_mark

    def _notes(self, exchange: Exchange) -> str:
        """Return what is told behind the words of a reply: its calls, and how it ended."""
        calls = [
            self.called_mark.replace("{name}", call.name).replace("{arguments}", _arguments(call))
            for call in exchange.calls
        ]
        marks: dict[Ending | None, str] = {"interrupted": self.interrupted_mark, "failed": self.failed_mark}
        return "".join((*calls, marks.get(exchange.ending, "")))

    def _cost(self, exchange: Exchange) -> int:
        """Return at most how many tokens an exchange takes, its marks included."""
        words = estimate_tokens(exchange.user) + estimate_tokens(exchange.reply) if exchange.calls else exchange.tokens
        marks = [self._notes(exchange)]
        if not exchange.user.strip():
            marks.append(self.wordless_mark)
        if exchange.ending is not None and not exchange.reply.strip():
            marks.append(self.silent_mark)
        return words + sum(map(estimate_tokens, marks)) + 2 * _MESSAGE_TOKENS


def _json(call: ToolCall) -> str:
    return json.dumps(dict(call.arguments), ensure_ascii=False, default=str)


def _arguments(call: ToolCall) -> str:
    """Return the arguments as the model reads them again."""
    text = _json(call)
    return text if len(text) <= _ARGUMENT_CHARS else f"{text[:_ARGUMENT_CHARS]}…"
