"""What a provider's refusals and bad answers become."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.net.loopback import Conversation
from tests.providers.chat import DONE, call, chat_with, event, generate, playing, text
from voxint.core.dialogue import ChatMessage
from voxint.core.stages import Turn
from voxint.errors import UpstreamError


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([call(0, '{"x": ', "at", "a"), text(None, "length"), DONE], "no JSON object, cut off at the token limit"),
        ([call(0, "[1]", "at", "a"), text(None, "tool_calls"), DONE], "no JSON object"),
        ([call(0, "{}", None, "a"), DONE], "without a name"),
        ([b"data: {nonsense\n\n"], "no chunk of a completion"),
        ([event(choices=[{"delta": {"content": ["a"]}}])], r"no chunk of a completion .*choices\[0\]\.delta\.content"),
        ([text("Hel")], "broke the answer off before its end"),
        ([b": nothing\n\n"], "sent no event .content type text/event-stream"),
        ([text("a"), event(error={"message": "GPU\non fire", "code": None})], "failed in mid-answer.*GPU on fire"),
        ([event(error="no such thing")], "failed in mid-answer.*no such thing"),
        ([event(error={"message": "slow down", "code": 429})], "answered 429.*slow down"),
    ],
)
async def test_bad_answers(chunks: list[bytes], message: str) -> None:
    """An answer that is cut off, reports an error or breaks the form is an UpstreamError that says which."""
    async with chat_with(playing(*chunks)) as (chat, _, _):
        with pytest.raises(UpstreamError, match=message):
            await generate(chat)


@pytest.mark.parametrize(
    ("status", "body", "retryable", "message"),
    [
        (401, b'{"error": {"message": "bad key hush given"}}', False, r"environment variable SOME_KEY.*bad key \*\*\*"),
        (403, b"", False, "environment variable SOME_KEY"),
        (404, b'{"error": "model not found"}', False, "the model m; check base_url and model; it says: model not"),
        (400, b'{"detail": "no\\n stream"}', False, "does not accept the request.*it says: no stream$"),
        (408, b"", True, "try again later"),
        (429, b'[{"error": {"message": "quota"}}]', True, "too many requests.*quota"),
        (500, b"<html><body>oops", True, "try again later$"),
        (503, b'{"message": "starting"}', True, "starting"),
        (302, b"", False, "redirects"),
        (400, b"x" * 100_000, False, "x{300}$"),
        (
            400,
            b'{"detail": [{"loc": ["body"], "msg": "Field required", "input": "x"}, {"msg": "No"}]}',
            False,
            "it says: Field required; No$",
        ),
        (400, b'{"detail": {"input": "x"}}', False, "extra_body$"),
        (400, b'{"detail": [{"msg": "No", "input": "' + b"x" * 100_000, False, "extra_body$"),
    ],
)
async def test_refusals(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, retryable: bool, message: str
) -> None:
    """A refusal says what to do and quotes the provider, in one line without the key."""
    monkeypatch.setenv("SOME_KEY", "hush")

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(body, status, "application/json")

    async with chat_with(script, api_key_env="SOME_KEY") as (chat, _, server):
        with pytest.raises(UpstreamError, match=message) as caught:
            await generate(chat)
        assert (caught.value.retryable, caught.value.status) == (retryable, status)
        assert f"127.0.0.1:{server.port}" in str(caught.value)
        assert "hush" not in str(caught.value)
        assert "\n" not in str(caught.value)


SAID = 'My daughter\'s name is 王小明, and "her" account number is 123456789.'
SHORT = "珊瑚海边的小屋"


@pytest.mark.parametrize(
    "words",
    [
        f"cannot parse: {SAID}",
        f"Input should be a list, input_value={SAID[:25]}...{SAID[-25:]}",
        f"bad body: {json.dumps({'content': SAID})}",
        f"too short: {SHORT}?",
        f"too long: {'word ' * 180}{SAID * 20}",
    ],
)
@pytest.mark.parametrize(
    ("status", "form"),
    [
        (422, lambda words: json.dumps({"error": {"message": words}}).encode()),
        (422, lambda words: json.dumps({"detail": [{"msg": words, "input": words}]}).encode()),
        (422, lambda words: words.encode()),
        (200, lambda words: event(error={"message": words})),
    ],
)
async def test_a_providers_words_do_not_echo_the_turn(words: str, status: int, form: Callable[[str], bytes]) -> None:
    """Nothing that was said, written or prompted gets from a refusal into an error: an error is logged."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(form(words), status, "application/json")

    turn = Turn((ChatMessage("system", SHORT + "!"), ChatMessage("user", SAID), ChatMessage("user", SHORT)))
    async with chat_with(script) as (chat, _, _):
        with pytest.raises(UpstreamError, match="it says: ") as caught:
            await generate(chat, turn)
    for echo in ("daughter", "王", "738b", "123456", "珊瑚", "73ca"):
        assert echo not in str(caught.value)


async def test_a_key_in_a_header_is_blotted_out() -> None:
    """Some providers take the key in a header of their own, and some repeat it."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(b'{"error": "no such key: hush-hush, nor whisper-whisper"}', 401)

    headers = {"Api-Key": "hush-hush", "Authorization": "Bearer whisper-whisper"}
    async with chat_with(script, headers=headers) as (chat, _, _):
        for ask in (lambda: generate(chat), chat.check):
            with pytest.raises(UpstreamError, match=r"no such key: \*\*\*, nor \*\*\*$"):
                await ask()
