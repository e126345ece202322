"""What a provider's refusals become: a sentence for the caller, the rest for the operator."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.net.loopback import Conversation
from tests.providers.chat import chat_with, event, generate, playing
from tests.providers.streams import STREAMS
from voxint.core.dialogue import ChatMessage
from voxint.core.stages import Turn
from voxint.errors import UpstreamError


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
        (400, b"\x1b[2Jred \xff", False, r"it says: \?\[2Jred .$"),
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
    """The operator reads what to do and the provider's words, in one line without the key; the caller neither."""
    monkeypatch.setenv("SOME_KEY", "hush")

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(body, status, "application/json")

    async with chat_with(script, api_key_env="SOME_KEY") as (chat, _, server):
        with pytest.raises(UpstreamError) as caught:
            await generate(chat)
        error = caught.value
        assert (error.retryable, error.status) == (retryable, status)
        assert re.search(message, error.operator_detail)
        assert f"127.0.0.1:{server.port}" in error.operator_detail
        assert error.operator_detail in str(error)
        assert "hush" not in str(error)
        assert "\n" not in str(error)
        assert_ours(error)


SENTENCES = re.compile(r"the model's (provider|tokens) [a-z' ]+; (try again|try again later|tell (its|the) operator.*)")


def assert_ours(error: UpstreamError) -> None:
    """Find in what a caller reads no address, no setting and no word of the provider's."""
    assert SENTENCES.fullmatch(error.message), error.message
    for word in ("127.0.0.1", "SOME_KEY", "extra_body", "base_url", "quota", "oops", "bad key"):
        assert word not in error.message


@pytest.mark.parametrize("name", [name for name, stream in STREAMS.items() if stream.error])
async def test_the_caller_reads_our_words_alone(name: str) -> None:
    """Whatever fails inside of a stream, what the provider says of it stays with the operator."""
    async with chat_with(playing(STREAMS[name].body or b"\n")) as (chat, _, _):
        with pytest.raises(UpstreamError) as caught:
            await generate(chat)
    if "content_filter" not in caught.value.operator_detail:  # which is the caller's own to mend
        assert_ours(caught.value)


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
    assert_ours(caught.value)
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
            with pytest.raises(UpstreamError, match=r"no such key: \*\*\*, nor \*\*\*\)$"):
                await ask()
