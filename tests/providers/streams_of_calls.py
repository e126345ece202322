"""Function calls as servers really send them, one stream for each manner."""

from __future__ import annotations

from tests.providers.stream import CALLED, END, ROLE, Stream, calls, chunk, sse
from voxint.core.tools import ToolCall

__all__ = ["CALLS", "PARIS"]

PARIS = ToolCall("a", "weather", {"city": "Paris"})
ROME = ToolCall("b", "weather", {"city": "Rome"})

CALLS = {
    "in pieces": Stream(
        sse(
            ROLE,
            calls(b'{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":""}}'),
            calls(b'{"index":0,"function":{"arguments":"{\\"city\\":"}}'),
            calls(b'{"index":0,"function":{"arguments":"\\"Paris\\"}"}}'),
            CALLED,
            END,
        ),
        calls=(PARIS,),
    ),
    "whole": Stream(
        sse(
            calls(
                b'{"index":0,"id":"a","function":{"name":"weather","arguments":"{\\"city\\":\\"Paris\\"}"}}',
                reason=b'"tool_calls"',
            ),
            END,
        ),
        calls=(PARIS,),
    ),
    "all at index 0 with ids": Stream(
        sse(
            calls(b'{"index":0,"id":"a","function":{"name":"weather","arguments":"{\\"city\\":\\"Paris\\"}"}}'),
            calls(b'{"index":0,"id":"b","function":{"name":"weather","arguments":"{\\"city\\":\\"Rome\\"}"}}'),
            CALLED,
            END,
        ),
        calls=(PARIS, ROME),
    ),
    "all at index 0 without ids": Stream(
        sse(
            calls(b'{"index":0,"id":"","function":{"name":"weather","arguments":"{\\"city\\":\\"Paris\\"}"}}'),
            calls(b'{"index":0,"id":"","function":{"name":"weather","arguments":"{\\"city\\":\\"Rome\\"}"}}'),
            calls(b'{"index":0,"id":"","function":{"name":"now","arguments":"{}"}}'),
            CALLED,
            END,
        ),
        calls=(
            ToolCall("call_0", "weather", {"city": "Paris"}),
            ToolCall("call_1", "weather", {"city": "Rome"}),
            ToolCall("call_2", "now"),
        ),
    ),
    "interleaved": Stream(
        sse(
            calls(
                b'{"index":0,"id":"a","function":{"name":"weather","arguments":"{"}}',
                b'{"index":1,"id":"b","function":{"name":"weather","arguments":"{"}}',
            ),
            calls(b'{"index":1,"function":{"arguments":"\\"city\\":\\"Rome\\"}"}}'),
            calls(b'{"index":0,"function":{"arguments":"\\"city\\":\\"Paris\\"}"}}'),
            CALLED,
            END,
        ),
        calls=(PARIS, ROME),
    ),
    "interleaved without an index": Stream(
        sse(
            calls(b'{"id":"a","function":{"name":"weather","arguments":"{"}}'),
            calls(b'{"id":"b","function":{"name":"weather","arguments":"{"}}'),
            calls(b'{"id":"a","function":{"arguments":"\\"city\\":\\"Paris\\"}"}}'),
            calls(b'{"id":"b","function":{"arguments":"\\"city\\":\\"Rome\\"}"}}'),
            CALLED,
            END,
        ),
        calls=(PARIS, ROME),
    ),
    "name in every piece": Stream(
        sse(
            calls(b'{"index":0,"id":"a","function":{"name":"weather","arguments":"{\\"city\\":"}}'),
            calls(b'{"index":0,"id":"a","function":{"name":"weather","arguments":"\\"Paris\\"}"}}'),
            calls(b'{"index":0,"function":{"name":"weather","arguments":""}}'),
            CALLED,
            END,
        ),
        calls=(PARIS,),
    ),
    "an id for every piece": Stream(
        sse(
            calls(b'{"index":0,"id":"a","function":{"name":"weather","arguments":"{\\"city\\":"}}'),
            calls(b'{"index":0,"id":"x","function":{"arguments":"\\"Paris\\"}"}}'),
            CALLED,
            END,
        ),
        calls=(PARIS,),
    ),
    "an object": Stream(
        sse(calls(b'{"index":0,"id":"a","function":{"name":"weather","arguments":{"city":"Paris"}}}'), CALLED, END),
        calls=(PARIS,),
    ),
    "an object in every piece": Stream(
        sse(
            calls(b'{"index":0,"id":"a","function":{"name":"weather","arguments":{}}}'),
            calls(b'{"index":0,"id":"a","function":{"arguments":{"city":"Paris"}}}'),
            CALLED,
            END,
        ),
        calls=(PARIS,),
    ),
    "odd index and id": Stream(
        sse(calls(b'{"index":"0","id":5,"function":{"name":"now","arguments":null}}'), CALLED, END),
        calls=(ToolCall("5", "now"),),
    ),
    "a call alone": Stream(
        sse(chunk(b'{"tool_calls":{"id":"a","function":{"name":"now"}}}'), CALLED, END), calls=(ToolCall("a", "now"),)
    ),
    "line breaks": Stream(
        sse(calls(b'{"id":"a","function":{"name":"say","arguments":"{\\"words\\":\\"a\\nb\\"}"}}'), CALLED, END),
        calls=(ToolCall("a", "say", {"words": "a\nb"}),),
    ),
    "half a character in a call": Stream(
        sse(
            calls(b'{"id":"a","function":{"name":"say","arguments":"{\\"words\\":\\"\\\\ud83d\\\\\\\\ud83d"}}'),
            calls(b'{"function":{"arguments":"\\ud83d"}}'),
            calls(b'{"function":{"arguments":"\\ude00\\"}"}}'),
            CALLED,
            END,
        ),
        calls=(ToolCall("a", "say", {"words": "\ufffd\\ud83d😀"}),),
    ),
    "no name": Stream(sse(calls(b'{"index":0,"id":"a"}'), END), error="a function call without a name"),
    "a list of arguments": Stream(
        sse(calls(b'{"id":"a","function":{"name":"at","arguments":[1]}}'), CALLED, END), error="that are no JSON object"
    ),
    "arguments cut off": Stream(
        sse(calls(b'{"id":"a","function":{"name":"at","arguments":"{\\"x\\": "}}', reason=b'"length"'), END),
        error="no JSON object, cut off at the token limit",
    ),
    "no call at all": Stream(sse(chunk(b'{"tool_calls":["at"]}'), END), error="a function call that is no object"),
} | {
    f"no arguments: {form.decode()}": Stream(
        sse(calls(b'{"index":0,"id":"a","function":{"name":"now"%b}}' % form), CALLED, END),
        calls=(ToolCall("a", "now"),),
    )
    for form in (
        b"",
        b',"arguments":null',
        b',"arguments":""',
        b',"arguments":"null"',
        b',"arguments":" {} "',
        b',"arguments":{}',
    )
}
