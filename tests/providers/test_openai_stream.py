"""What the streams of the corpus mean, however the network cuts them."""

from __future__ import annotations

import json
import re

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.net.loopback import Conversation
from tests.providers.chat import TURN, Piece, chat_with, generate, joined
from tests.providers.stream import CALLED, END, Stream, calls, sse
from tests.providers.streams import STREAMS
from voxint.core.gate import MOST_ARGUMENT_BYTES, MOST_CALLS
from voxint.core.stages import Delta, Thinking, Usage
from voxint.core.tools import ToolCall
from voxint.errors import UpstreamError
from voxint.providers._openai_failure import Provider
from voxint.providers._openai_secrets import Secrets
from voxint.providers._openai_stream import MOST_DOCUMENT_BYTES, Completion

PROVIDER = Provider("a.host:1", "m", None, Secrets(()))


def read(*pieces: bytes) -> Stream:
    """Return what a response is read as that comes in these pieces; the body left out."""
    answer = Completion(PROVIDER, "text/event-stream")
    try:
        text = ""
        for piece in pieces:
            if not answer.all_said:
                text += answer.feed(piece)
        text += answer.end()
        return Stream(b"", text, tuple(answer.tool_calls()), answer.usage)
    except UpstreamError as error:
        return Stream(b"", error=error.operator_detail)


def agrees(found: Stream, expected: Stream) -> bool:
    """Return whether a stream was read as it is meant."""
    if expected.error is not None:
        return found.error is not None and re.search(expected.error, found.error) is not None
    return (found.text, found.calls, found.usage, found.error) == (
        expected.text,
        expected.calls,
        expected.usage,
        None,
    )


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name: str) -> None:
    """Each stream gives its text, calls and usage, or its error; whole and byte by byte."""
    stream = STREAMS[name]
    for found in (read(stream.body), read(*(bytes([byte]) for byte in stream.body))):
        assert agrees(found, stream), found


@settings(deadline=None)
@given(name=st.sampled_from(sorted(STREAMS)), places=st.lists(st.floats(0, 1), max_size=8))
def test_any_cut_into_reads_gives_the_same(name: str, places: list[float]) -> None:
    """Where the network cuts a stream makes no difference to what is read."""
    stream = STREAMS[name]
    cuts = sorted(round(place * len(stream.body)) for place in places)
    ends = [*cuts, len(stream.body)]
    found = read(*(stream.body[start:end] for start, end in zip([0, *cuts], ends, strict=True)))
    assert agrees(found, stream), found


async def test_the_whole_corpus_over_a_socket() -> None:
    """The stage writes what the reader finds; an error of a stream is the stage's."""
    streams = [stream for stream in STREAMS.values() if stream.body]  # a chunk of no bytes is the end of a body
    bodies = iter(streams)

    async def script(conversation: Conversation) -> None:
        while await conversation.request():
            await conversation.answer(next(bodies).body)

    async with chat_with(script) as (chat, _, _):
        for stream in streams:
            try:
                pieces = await generate(chat)
            except UpstreamError as error:
                found = Stream(b"", error=error.operator_detail)
            else:
                calls = tuple(piece for piece in pieces if isinstance(piece, ToolCall))
                usage = next((piece for piece in pieces if isinstance(piece, Usage)), None)
                found = Stream(b"", joined(pieces), calls, usage)
                assert Delta("") not in pieces
            assert agrees(found, stream), found


@given(st.text(max_size=40), st.booleans(), st.lists(st.integers(0, 200), max_size=6))
def test_text_cut_inside_its_characters_comes_whole(text: str, escaped: bool, places: list[int]) -> None:
    """Tokens may end anywhere, in UTF-8 or between two escapes of one character: the text is the same."""
    if escaped:
        units = text.encode("utf-16-be")
        symbols = [b"\\u%04x" % int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    else:
        symbols = [
            byte if byte not in b'"\\' and byte >= b" " else b"\\u%04x" % byte[0]
            for byte in (bytes([each]) for each in text.encode())
        ]
    cuts = sorted(min(place, len(symbols)) for place in places)
    tokens = [b"".join(symbols[a:b]) for a, b in zip([0, *cuts], [*cuts, len(symbols)], strict=True)]
    events = [b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % token for token in tokens]
    found = read(*events, b'data: {"choices":[{"finish_reason":"stop"}]}\n\n')
    assert found.text == text


def test_reasoning_and_pieces_of_calls_are_signs_of_life() -> None:
    """What nobody hears of yet is told as thinking; text, and an event without anything, are not."""
    answer = Completion(PROVIDER)
    seen = []
    for delta in (
        b'{"role":"assistant","content":""}',
        b'{"reasoning_content":"hm"}',
        b'{"reasoning":"hm"}',
        b'{"thinking":"hm"}',
        b'{"content":[{"type":"thinking","thinking":"hm"}]}',
        b'{"content":"Hi"}',
        b'{"content":"Hi","reasoning":"hm"}',
        b'{"tool_calls":[{"index":0,"function":{"name":"now","arguments":""}}]}',
        b'{"reasoning":""}',
    ):
        text = answer.feed(b'data: {"choices":[{"delta":%b}]}\n\n' % delta)
        seen.append(text or answer.thinking)
    assert seen == [False, True, True, True, True, "Hi", "Hi", True, False]


async def test_thinking_is_told_at_once() -> None:
    """Reasoning that comes alone is one sign of life; the text comes when it comes."""
    thought = trio.Event()

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(b'data: {"choices":[{"delta":{"reasoning":"hm"}}]}\n\n' * 3)
        await thought.wait()
        await conversation.chunk(STREAMS["plain: openai"].body)
        await conversation.end()

    send, receive = trio.open_memory_channel[Piece](0)
    async with chat_with(script) as (chat, _, _), trio.open_nursery() as nursery:
        nursery.start_soon(chat.generate, TURN, send)
        assert await receive.receive() == Thinking()
        thought.set()
        assert await receive.receive() == Delta("Hi there")
        assert await receive.receive() == Usage(9, 4)


def piece_of_call(index: int, arguments: str) -> bytes:
    """Return an event with a piece of a function call."""
    function = b'{"name":"at","arguments":"%b"}' % arguments.encode()
    return b'data: {"choices":[{"delta":{"tool_calls":[{"index":%d,"function":%b}]}}]}\n\n' % (index, function)


def calls_of(*pieces: bytes) -> bytes:
    """Return an event of pieces of function calls."""
    return sse(calls(*pieces))


@pytest.mark.parametrize("count", [1, 64])
def test_a_call_may_have_a_mebibyte_of_arguments(count: int) -> None:
    """In one event or in many, escaped as JSON in JSON is: a document that the model writes."""
    words = 'He said: "Well, that is what I call a story."\n' * 20_000
    arguments = json.dumps({"text": words})
    size = -(-len(arguments) // count)
    parts = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    pieces = [b'{"index":0,"function":{"arguments":%b}}' % json.dumps(part).encode() for part in parts]
    named = b'{"index":0,"id":"c","function":{"name":"write"}}'
    found = read(*(calls_of(piece) for piece in (named, *pieces)), sse(CALLED, END))
    assert found.calls == (ToolCall("c", "write", {"text": words}),)


@pytest.mark.parametrize(
    ("arguments", "reads"),
    [
        ('{"a": [' + "0," * 40_000 + "0]}", False),
        ('{"a": "' + "x" * 100_000 + '\ny"}', False),
        ('{"a": "' + "x" * 1000 + '\ny"}', True),
    ],
    ids=["many values", "much to mend", "little to mend"],
)
def test_arguments_that_take_long_to_read_are_not_read(arguments: str, reads: bool) -> None:
    """Their values are counted before, and a slip of the model's is mended where it is no flood."""
    pieces = [arguments[at : at + 10_000] for at in range(0, len(arguments), 10_000)]
    events = [calls_of(b'{"function":{"name":"f","arguments":%b}}' % json.dumps(piece).encode()) for piece in pieces]
    found = read(*events, sse(CALLED, END))
    assert (found.error is None) == reads
    assert reads or "arguments of a function call that are no JSON object" in str(found.error)


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([piece_of_call(index, "{}") for index in range(MOST_CALLS + 1)], "more than 128 function calls"),
        ([piece_of_call(0, "x" * (MOST_ARGUMENT_BYTES // 2))] * 3, "characters of arguments"),
        ([b"{" + b" " * (1 << 20)] * (MOST_DOCUMENT_BYTES >> 20), "more than 4,194,304 bytes"),
        ([b'data: {"x":' + b"[" * 8_000 + b"\n\n"], "no JSON"),
        ([b'data: {"x":' + b"[" * 100_000 + b"\n\n"], "JSON with far too many values"),
        ([b'data: {"choices":[' + b",".join([b"{}"] * 20_000) + b"]}\n\n"], "JSON with far too many values"),
        ([b'data: {"usage":[' + b",".join([b"[]"] * 300_000) + b"]}\n\n"], "JSON with far too many values"),
        ([calls_of(*[b"{}"] * 600)], "more than 512 pieces of function calls"),
        ([b'data: {"choices":[{"index":"0","delta":{"tool_calls":[' + b"{}," * 600 + b"0]}}]}\n\n"], "than 512 pieces"),
        ([b"data: " + b"x" * (3 << 20)], "an event of more than 2,097,152 bytes"),
        ([b'data: {"error":' + b'{"error":' * 5 + b'"deep"' + b"}" * 6 + b"\n\n"], "failed in mid-answer$"),
    ],
)
def test_a_mad_server_fills_no_memory_and_takes_no_time(events: list[bytes], error: str) -> None:
    """Calls, their arguments, a body without events and what one event holds are bounded; deep JSON is no crash."""
    found = read(*events)
    assert found.error is not None
    assert re.search(error, found.error)
