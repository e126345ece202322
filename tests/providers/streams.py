"""Model streams as servers really send them, one for each kind and manner, made by hand after their looks."""

from __future__ import annotations

from tests.providers.stream import COUNTS, END, GREETING, HI, ROLE, STOP, Stream, chunk, says, sse, usage
from tests.providers.streams_of_calls import CALLS, PARIS
from voxint.core.stages import Usage

__all__ = ["STREAMS"]

PLAIN = {
    "openai": Stream(sse(ROLE, HI, says(b'" there"'), STOP, COUNTS, END), "Hi there", usage=GREETING),
    "comments and crlf": Stream(
        b": PROCESSING\r\n\r\n" + sse(HI, STOP, END).replace(b"\n", b"\r\n") + b": bye\r\n\r\n", "Hi"
    ),
    "named events": Stream(b"event: chunk\nid: 1\n" + sse(HI) + b"event: chunk\n" + sse(STOP) + sse(END), "Hi"),
    "byte order mark": Stream(b"\xef\xbb\xbf" + sse(HI, STOP, END), "Hi"),
    "filter results first": Stream(
        sse(b'{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}', HI, STOP, END), "Hi"
    ),
    "pings": Stream(sse(b'{"type":"ping"}', HI, b'{"id":"c-1","choices":null}', STOP, END), "Hi"),
    "control character": Stream(sse(says(b'"a\x01b"'), STOP, END), "a\x01b"),
    "odd index and id": Stream(
        sse(b'{"id":7,"choices":[{"index":"0","delta":{"content":"Hi"},"finish_reason":null}]}', STOP, END), "Hi"
    ),
    "second choice": Stream(sse(HI, b'{"choices":[{"index":1,"delta":{"content":"no"}}]}', STOP, END), "Hi"),
    "refusal": Stream(sse(chunk(b'{"content":null,"refusal":"I can\'t."}'), STOP, END), "I can't."),
    "nothing to say": Stream(sse(ROLE, STOP, COUNTS, END), usage=GREETING),
    "all reasoning": Stream(sse(chunk(b'{"reasoning_content":"hm"}'), STOP, END)),
}

ENDS = {
    "empty reasons": Stream(sse(says(b'"Hi"', b'""'), says(b'" there"', b'""'), STOP, END), "Hi there"),
    "reasons that are the word null": Stream(sse(says(b'"Hi"', b'"null"'), says(b'" you"', b'"stop"')), "Hi you"),
    "only an empty reason": Stream(sse(says(b'"Hi"', b'""')), error="ended the stream without"),
    "stop while it reasons": Stream(sse(chunk(b'{"reasoning":"hm"}', b'"stop"'), HI, STOP, END), "Hi"),
    "stop and usage of the reasoning": Stream(
        sse(chunk(b'{"reasoning":"hm"}', b'"stop"'), COUNTS, HI, STOP, END), "Hi", usage=GREETING
    ),
    "error behind the end": Stream(sse(HI, STOP, END, b'{"error":"gone"}'), "Hi"),
    "stop in every chunk": Stream(sse(says(b'"Hi"', b'"stop"'), says(b'" you"', b'"stop"'), END), "Hi you"),
    "odd reason": Stream(sse(HI, chunk(b"{}", b'{"type":"stop"}')), "Hi"),
    "no reason": Stream(sse(HI, END), "Hi"),
    "no done": Stream(sse(HI, STOP), "Hi"),
    "no last blank line": Stream(sse(HI, STOP) + b"data: [DONE]", "Hi"),
    "no last blank line after the reason": Stream(sse(HI) + b"data: " + STOP + b"\n", "Hi"),
    "done cut off": Stream(sse(HI, STOP) + b"data: [DO", "Hi"),
    "usage cut off": Stream(sse(HI, STOP) + b"data: " + COUNTS[:-5], "Hi"),
    "cut in mid-event": Stream(sse(HI) + b"data: " + HI[:-9], error="ended the stream without"),
    "cut after an event": Stream(sse(HI, HI), error="ended the stream without"),
    "token limit": Stream(sse(says(b'"Hi"', b'"length"'), END), "Hi"),
    "token limit before a word": Stream(
        sse(chunk(b'{"reasoning":"hm"}'), chunk(b"{}", b'"length"'), END), error="raise the limit of tokens"
    ),
    "filtered": Stream(sse(ROLE, chunk(b"{}", b'"content_filter"'), END), error="content_filter"),
    "network error": Stream(sse(HI, chunk(b"{}", b'"network_error"'), END), error="finish_reason network_error"),
    "nonsense": Stream(b"data: {nonsense\n\n", error="no chunk of a completion: no JSON"),
    "an array": Stream(sse(b"[]"), error="no JSON object"),
    "a page": Stream(b"<html>Welcome</html>", error="no answer .content type text/event-stream"),
}

FAILURES = {
    "nothing": Stream(b"", error="sent no answer"),
    "comments": Stream(b": nothing\n\n", error="sent no answer"),
    "bare done": Stream(sse(END), error=r"sent \[DONE\] and no answer before it"),
    "bare done after the role": Stream(sse(ROLE, END), error=r"sent \[DONE\] and no answer before it"),
    "error": Stream(
        sse(HI, b'{"error":{"message":"GPU\\non fire","type":"server_error","code":null}}', END),
        error="failed in mid-answer; it says: GPU on fire$",
    ),
    "error as text": Stream(sse(b'{"error":"no such thing"}'), error="it says: no such thing$"),
    "error that is true": Stream(sse(b'{"error":true,"message":"out of memory"}'), error="out of memory"),
    "error with a status": Stream(sse(b'{"error":{"message":"slow down","code":429}}'), error="429: too many.*slow d"),
    "error with a status as text": Stream(sse(b'{"error":{"message":"slow","code":"503"}}'), error="503: .*slow"),
    "error in a list": Stream(b'[{"error":{"code":400,"message":"bad key","status":"X"}}]', error="bad key"),
    "error in a choice": Stream(
        sse(b'{"choices":[{"index":0,"error":{"code":502,"message":"gone"},"delta":{}}]}'), error="502: .*gone"
    ),
    "field error": Stream(
        b'error: {"code":400,"message":"the context is full","type":"invalid_request_error"}\n\n' + sse(END),
        error="answered 400: .*it says: the context is full$",
    ),
    "event error": Stream(
        b'event: error\ndata: {"message":"worker died"}\n\n' + sse(END), error="it says: worker died$"
    ),
    "event error in words": Stream(b"event: error\ndata: worker died\n\n", error="it says: worker died$"),
    "event error without words": Stream(sse(HI) + b"event: error\ndata: {}\n\n", error="failed in mid-answer$"),
    "object error": Stream(sse(b'{"object":"error","message":"too long","code":400}', END), error="400: .*too long"),
    "object error without words": Stream(sse(b'{"object":"error"}', END), error="failed in mid-answer$"),
    "object error with a usage": Stream(
        sse(b'{"object":"error","message":"too long","usage":{"completion_tokens":0}}', END), error="too long"
    ),
    "type error": Stream(sse(b'{"type":"error","error":{"message":"overloaded"}}'), error="overloaded"),
    "detail": Stream(sse(b'{"detail":"Not authenticated"}', END), error="Not authenticated"),
    "details": Stream(sse(b'{"detail":[{"msg":"Field required","input":"x"}]}', END), error="Field required$"),
    "code and msg": Stream(sse(b'{"code":1301,"msg":"sensitive"}', END), error="sensitive"),
    "base_resp": Stream(
        sse(b'{"choices":null,"base_resp":{"status_code":1004,"status_msg":"login fail"}}', END), error="login fail"
    ),
    "a document": Stream(b'{"error":{"message":"no such model","code":404}}', error="404: .*no such model"),
    "a document in words": Stream(b'\r\n {"detail":"Not Found"}\n', error="Not Found"),
    "a document of its own": Stream(b'{"status":"ok"}', error="sent no answer"),
    "a document cut off": Stream(b'{"choices":[{"message":{"content":"Hi', error="ended the stream without"),
}

WHOLE = {
    "not streamed": Stream(
        b'{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},'
        b'"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":4}}',
        "Hi",
        usage=GREETING,
    ),
    "not streamed, a call": Stream(
        b'{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":'
        b'{"name":"weather","arguments":"{\\"city\\":\\"Paris\\"}"}}]},"finish_reason":"tool_calls"}]}',
        calls=(PARIS,),
    ),
    "not streamed, half a character": Stream(b'{"choices":[{"message":{"content":"a\\ud83d"}}]}', "a\ufffd"),
    "one event of a message": Stream(
        sse(b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}', END), "Hi"
    ),
    "a message at the end repeats it": Stream(
        sse(HI, b'{"choices":[{"finish_reason":"stop","message":{"content":"Hi"}}]}', END), "Hi"
    ),
}

USAGES = {
    name: Stream(sse(HI, STOP, usage(fields), END), "Hi", usage=read)
    for name, fields, read in [
        ("null", b"null", None),
        ("null counts", b'{"prompt_tokens":9,"completion_tokens":null}', None),
        ("floats", b'{"prompt_tokens":9.0,"completion_tokens":4.0}', GREETING),
        ("half a token", b'{"prompt_tokens":9,"completion_tokens":4.5}', Usage(9, -1)),
        ("no prompt", b'{"completion_tokens":4}', Usage(0, 4)),
        ("a prompt below nothing", b'{"prompt_tokens":-1,"completion_tokens":4}', Usage(-1, 4)),
        ("no prompt to speak of", b'{"prompt_tokens":null,"completion_tokens":4}', Usage(0, 4)),
        ("below nothing", b'{"prompt_tokens":9,"completion_tokens":-4}', Usage(9, -1)),
        ("nine quintillion", b'{"prompt_tokens":9,"completion_tokens":9000000000000000000}', Usage(9, -1)),
        ("no number", b'{"prompt_tokens":9,"completion_tokens":NaN}', Usage(9, -1)),
        ("beyond all numbers", b'{"prompt_tokens":9,"completion_tokens":1e400}', Usage(9, -1)),
        ("absurd", b'{"prompt_tokens":9,"completion_tokens":1e300}', Usage(9, -1)),
        ("absurdly long", b'{"completion_tokens":%b}' % (b"9" * 5000), Usage(0, -1)),
        ("words", b'{"prompt_tokens":"9","completion_tokens":"four"}', Usage(-1, -1)),
        ("true", b'{"prompt_tokens":1,"completion_tokens":true}', Usage(1, -1)),
        ("a list", b"[9,4]", Usage(-1, -1)),
        ("a number", b"13", Usage(-1, -1)),
        ("other names", b'{"input":{"tokens":9}}', None),
    ]
} | {
    "usage in every chunk": Stream(
        sse(HI[:-1] + b',"usage":{"prompt_tokens":9,"completion_tokens":1}}', STOP, COUNTS, END), "Hi", usage=GREETING
    ),
    "usage that goes": Stream(sse(HI, STOP, COUNTS, usage(b"null"), END), "Hi", usage=GREETING),
}

CHARACTERS = {
    "halves in two events": Stream(sse(says(b'"a\\ud83d"'), says(b'"\\ude00b"'), STOP, END), "a😀b"),
    "halves with an event between": Stream(sse(says(b'"\\ud83d"'), ROLE, says(b'"\\ude00"'), STOP, END), "😀"),
    "halves in low surrogates": Stream(sse(says(b'"\\ud83d"'), says(b'"\\udcf0!"'), STOP, END), "📰!"),
    "whole at an end": Stream(sse(says(b'"\\ud83d\\udcf0"'), says(b'"!"'), STOP, END), "📰!"),
    "a first half alone": Stream(sse(says(b'"a\\ud83d"'), says(b'"b"'), STOP, END), "a\ufffdb"),
    "a first half at the end": Stream(sse(says(b'"a\\ud83d"'), STOP, END), "a\ufffd"),
    "a second half alone": Stream(sse(says(b'"a\\ude00b"'), STOP, END), "a\ufffdb"),
    "bytes in two events": Stream(sse(says(b'"a\xf0\x9f"'), says(b'"\x98\x80b"'), STOP, END), "a😀b"),
    "bytes in four events": Stream(sse(*(says(b'"%c"' % byte) for byte in "中😀".encode()), STOP, END), "中😀"),
    "first bytes alone": Stream(sse(says(b'"a\xe4\xb8"'), says(b'"b"'), STOP, END), "a\ufffdb"),
    "first bytes at the end": Stream(sse(says(b'"a\xe4\xb8"'), STOP, END), "a\ufffd"),
    "no utf-8 elsewhere": Stream(sse(HI.replace(b'"m"', b'"\xff"'), STOP, END), "Hi"),
    "latin-1": Stream(sse(says(b'"caf\xe9 au lait"'), STOP, END), "caf\ufffd au lait"),
}

CONTENTS = {
    "parts": Stream(
        sse(
            says(b'[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]'),
            says(b'[{"type":"text","text":"Hi"},{"type":"text","text":" you"}]'),
            STOP,
            END,
        ),
        "Hi you",
    ),
    "parts without types": Stream(sse(says(b'[{"text":"Hi"}," you"]'), STOP, END), "Hi you"),
    "one part": Stream(sse(says(b'{"type":"text","text":"Hi"}'), STOP, END), "Hi"),
    "no parts": Stream(sse(says(b"[]"), HI, STOP, END), "Hi"),
    "a part of a half": Stream(sse(says(b'[{"type":"text","text":"\\ud83d"}]'), says(b'"\\ude00"'), STOP, END), "😀"),
    "a number": Stream(sse(says(b"5"), STOP, END), error="content that is no text"),
    "reasoning": Stream(
        sse(
            chunk(b'{"content":null,"reasoning_content":"hm"}'),
            chunk(b'{"content":"","reasoning":"hm","reasoning_details":[]}'),
            chunk(b'{"content":"","thinking":{"text":"hm"}}'),
            HI,
            STOP,
            END,
        ),
        "Hi",
    ),
}

STREAMS = {
    f"{kind}: {name}": stream
    for kind, streams in {
        "plain": PLAIN,
        "end": ENDS,
        "failure": FAILURES,
        "whole": WHOLE,
        "usage": USAGES,
        "characters": CHARACTERS,
        "content": CONTENTS,
        "calls": CALLS,
    }.items()
    for name, stream in streams.items()
}
