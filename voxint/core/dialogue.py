"""The conversation as the model sees it, cut back to what was heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import Factory, evolve, field, frozen, validators

from voxint.core.tokens import estimate_tokens

__all__ = ["ChatMessage", "Dialogue", "Ending", "Exchange", "Role"]

Role = Literal["system", "user", "assistant"]

Ending = Literal["open", "complete", "interrupted", "failed"]
"""How a reply ended; `open`: it is still being made, or never was."""

_MESSAGE_TOKENS = 4
"""What a chat template adds to a message (its role, its borders), as vendors' counting examples have it."""


@frozen
class ChatMessage:
    """One message of the conversation, in the form chat models take."""

    role: Role
    content: str


@frozen
class Exchange:
    """What the user said and what became of the reply.

    Args:
        key: What the session calls it.
        user: The user's words; empty where there were none.
        reply: What of the reply the user knows: all of it, or what was heard.
        ending: How the reply ended.
    """

    key: int
    user: str
    reply: str = ""
    ending: Ending = "open"
    tokens: int = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(lambda self: estimate_tokens(self.user) + estimate_tokens(self.reply), takes_self=True),
    )


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
    """

    exchanges: tuple[Exchange, ...] = ()
    max_exchanges: int = field(default=1000, kw_only=True, validator=validators.ge(1))
    max_tokens: int = field(default=24_000, kw_only=True, validator=validators.ge(1))
    interrupted_mark: str = field(default=" [interrupted by the user]", kw_only=True)
    failed_mark: str = field(default=" [cut off by an error]", kw_only=True)

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

    def settle(self, key: int, reply: str, ending: Ending) -> Dialogue:
        """Return the dialogue with the reply to `key` as it ended, whatever was settled before.

        A reply that was complete when it was sent may be cut later to what was heard of it. A `key` that is not kept
        (any more) changes nothing.
        """
        for index in range(len(self.exchanges) - 1, -1, -1):
            if self.exchanges[index].key == key:
                settled = Exchange(key, self.exchanges[index].user, reply, ending)
                return evolve(self, exchanges=(*self.exchanges[:index], settled, *self.exchanges[index + 1 :]))
        return self

    def messages(self, system: str, budget_tokens: int) -> tuple[ChatMessage, ...]:
        """Return what to send to a model: the system prompt, then as many of the latest exchanges as fit.

        Exchanges are left out whole, the oldest first. The last one is always there, however long it is. An open or
        empty reply makes no message; the words it should have answered do.

        Args:
            system: The system prompt; empty: none.
            budget_tokens: The most tokens that all messages may have, by `estimate_tokens`.
        """
        left = budget_tokens - (estimate_tokens(system) + _MESSAGE_TOKENS if system else 0)
        first = len(self.exchanges)
        for exchange in reversed(self.exchanges):
            left -= exchange.tokens + estimate_tokens(self._mark(exchange)) + 2 * _MESSAGE_TOKENS
            if left < 0 and first < len(self.exchanges):
                break
            first -= 1
        opening = (ChatMessage("system", system),) if system else ()
        return opening + tuple(message for exchange in self.exchanges[first:] for message in self._render(exchange))

    def _render(self, exchange: Exchange) -> Iterator[ChatMessage]:
        if exchange.user:
            yield ChatMessage("user", exchange.user)
        if exchange.ending == "open":
            return
        mark = self._mark(exchange)
        said = (exchange.reply + mark) if exchange.reply else mark.lstrip()
        if said.strip():
            yield ChatMessage("assistant", said)

    def _mark(self, exchange: Exchange) -> str:
        if exchange.ending == "interrupted":
            return self.interrupted_mark
        return self.failed_mark if exchange.ending == "failed" else ""
