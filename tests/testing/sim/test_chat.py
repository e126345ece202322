from __future__ import annotations

import msgspec
import pytest

from tests.testing.simulated import asking, events, simulated

CHAT = "/chat/completions"


def text_of(body: bytes) -> str:
    """Return the text that a streamed answer's deltas make."""
    choices = [event["choices"][0] for event in events(body) if event["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def test_stream_has_openai_s_form() -> None:
    """The role comes first, then text, the finish, the usage that was asked for, and the end mark."""
    async with simulated(tokens=3) as upstream:
        body = asking("hello", stream_options={"include_usage": True})
        response = await upstream.post(CHAT, body)
        *deltas, finish, usage = events(response.content)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert [list(event["choices"][0]["delta"]) for event in deltas] == [["role", "content"], *[["content"]] * 2]
        assert finish["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
        assert usage["usage"] == {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}
        assert response.content.endswith(b"data: [DONE]\n\n")


async def test_usage_comes_only_when_asked_for() -> None:
    """Without `include_usage` the last event is the finish, as with OpenAI."""
    async with simulated(tokens=1) as upstream:
        assert all(event["choices"] for event in events((await upstream.post(CHAT, asking("hello"))).content))


async def test_whole_answer_says_the_same_as_the_stream() -> None:
    """Streamed or not, the same question gets the same words."""
    async with simulated() as upstream:
        streamed = await upstream.post(CHAT, asking("good day to you"))
        whole = msgspec.json.decode((await upstream.post(CHAT, asking("good day to you", stream=False))).content)
        assert whole["choices"][0]["message"] == {"role": "assistant", "content": text_of(streamed.content)}
        assert "good day to you" in text_of(streamed.content)


async def test_numbered_tokens_carry_the_turn_of_the_last_user_message() -> None:
    """Every token names its turn, and a sentence ends after as many tokens as were asked for."""
    async with simulated(content="numbered", tokens=5, tokens_per_sentence=2) as upstream:
        messages = [{"role": "user", "content": f"this is turn {n}"} for n in (16, 17)]
        response = await upstream.post(CHAT, asking("", messages=messages))
        assert text_of(response.content) == "t17w0 t17w1. t17w2 t17w3. t17w4 "
        assert (await upstream.last()).turn == 17


async def test_content_may_come_in_parts() -> None:
    """A message whose content is a list of parts is read like a string."""
    async with simulated(content="numbered", tokens=1) as upstream:
        parts = [{"type": "text", "text": "turn"}, {"type": "text", "text": "3"}]
        response = await upstream.post(CHAT, asking("", messages=[{"role": "user", "content": parts}]))
        assert text_of(response.content) == "t3w0 "


@pytest.mark.parametrize("stream", [True, False])
async def test_offered_function_is_called_on_demand(stream: bool) -> None:
    """Words such as ``call NAME {...}`` get a call of that function, its arguments in several deltas."""
    tools = [{"type": "function", "function": {"name": "lamp", "parameters": {}}}]
    async with simulated() as upstream:
        body = asking('please call lamp {"on": true}', tools=tools, stream=stream)
        content = (await upstream.post(CHAT, body)).content
    if stream:
        *deltas, finish = events(content)
        calls = [event["choices"][0]["delta"]["tool_calls"][0] for event in deltas]
        assert len(calls) > 2
        reason = finish["choices"][0]["finish_reason"]
    else:
        (choice,) = msgspec.json.decode(content)["choices"]
        calls, reason = choice["message"]["tool_calls"], choice["finish_reason"]
    assert (calls[0]["function"]["name"], reason) == ("lamp", "tool_calls")
    assert "".join(call["function"]["arguments"] for call in calls) == '{"on": true}'


async def test_function_that_was_not_offered_is_not_called() -> None:
    """A function that the request does not offer gets words instead."""
    async with simulated() as upstream:
        assert text_of((await upstream.post(CHAT, asking("call lamp"))).content)


async def test_request_overrides_the_settings() -> None:
    """Header and body override for one request only, the body over the header; the next one is as before."""
    async with simulated(tokens=5) as upstream:
        for fields, headers, tokens in (
            ({"sim": {"tokens": 1}}, {"x-sim": '{"tokens": 2}'}, 1),
            ({}, {"x-sim": '{"tokens": 2}'}, 2),
            ({}, {}, 5),
        ):
            await upstream.post(CHAT, asking("hello", **fields), headers)
            assert (await upstream.last()).tokens_written == tokens


@pytest.mark.parametrize(
    ("body", "header", "named"),
    [
        ({"messages": 3}, "{}", "messages"),
        (asking("hello"), '{"tokns": 3}', "tokns"),
        (asking("hello"), '{"tokens": "x"}', "tokens"),
        (asking("hello"), "no json", "JSON"),
    ],
)
async def test_bad_request_is_refused_with_its_place(body: object, header: str, named: str) -> None:
    """What can't be read is refused in OpenAI's form, and the text names the place."""
    async with simulated() as upstream:
        response = await upstream.post(CHAT, body, {"x-sim": header})
        assert response.status_code == 400
        assert named in msgspec.json.decode(response.content)["error"]["message"]
        assert (await upstream.last()).outcome == "refused"


async def test_what_the_history_holds_of_the_last_answer_is_in_the_ledger() -> None:
    """How many of whose words: so a benchmark can tell what a server believes was heard."""
    async with simulated(content="numbered", tokens=1) as upstream:
        first, second = "t16w0 t16w1 t16w2. ", "t17w0 t17w1 [interrupted]"
        said = [("user", "turn 16"), ("assistant", first), ("user", "turn 17"), ("assistant", second)]
        messages = [{"role": role, "content": content} for role, content in [*said, ("user", "turn 18")]]
        await upstream.post(CHAT, asking("", messages=messages))
        entry = await upstream.last()
        assert (entry.turn, entry.recalled_turn, entry.recalled_words) == (18, 17, 2)
        await upstream.post(CHAT, asking("turn 1"))
        entry = await upstream.last()
        assert (entry.turn, entry.recalled_turn, entry.recalled_words) == (1, None, 0)
