"""How large a frame may be, before anybody decodes it."""

from __future__ import annotations

import base64
import timeit

import pytest

from voxint.errors import WireError
from voxint.protocol import messages as m
from voxint.protocol.codec import MAX_FRAME_BYTES, auth_of, decode_client, refused_upload
from voxint.protocol.size import MOST_VALUES, SPEECHLESS_BYTES, check_size

HEAD = '{"version":"1.0","msg_type":"%s","session_id":"s","payload":%s,"timestamp":1}'


def request(fields: str) -> str:
    """Return a REQUEST with these fields."""
    return HEAD % ("REQUEST", '{"request_id":"r1","data_type":"VOICE",' + fields + "}")


def listed(entry: str, size: int) -> str:
    """Return a list of so many bytes."""
    return "[" + ",".join([entry] * (size // (len(entry) + 1))) + "]"


TOO_LARGE = {
    "a long text": request(f'"content":{{"text":"{"x" * SPEECHLESS_BYTES}"}}'),
    "a long text in Chinese": request(f'"content":{{"text":"{"语" * (SPEECHLESS_BYTES // 3)}"}}'),
    "settings": request(f'"update_session":{{"scene_context":{{"a":"{"x" * SPEECHLESS_BYTES}"}}}}'),
    "a field that nobody knows": request(f'"zzz":{listed("[]", SPEECHLESS_BYTES)}'),
    "integers": request(f'"update_session":{{"scene_context":{{"a":{listed("1", 100_000)}}}}}'),
    "lists": request(f'"update_session":{{"scene_context":{{"a":{listed("[]", 100_000)}}}}}'),
    "objects": request(f'"zzz":{listed("{}", 100_000)}'),
    "nesting": request('"zzz":' + "[" * 30_000 + "]" * 30_000),
    "a function's result": HEAD % ("FUNCTION_RESULT", f'{{"request_id":"r","result":{listed("[]", 100_000)}}}'),
    "speech and much else": request(
        f'"content":{{"voice_mode":"BASE64","voice":"{"A" * 4_000_000}"}},"zzz":"{"x" * SPEECHLESS_BYTES}"'
    ),
    "a key within a text": request(f'"content":{{"text":"\\"voice\\":\\"{"x" * SPEECHLESS_BYTES}\\""}}'),
    "many keys of speech": request('"zzz":[' + ('{"voice":"' + "A" * 99 + '"},') * 6000 + "5]"),
    "a key that no value follows": request('"zzz":' + '"voice"' * 100_000),
}  # fmt: skip


@pytest.mark.parametrize("frame", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_is_too_large_is_refused_before_it_is_decoded(frame: str) -> None:
    """By its bytes without speech and by the number of its values, as text and as bytes; the id is not looked for."""
    for given in (frame, frame.encode()):
        with pytest.raises(WireError) as refusal:
            decode_client(given)
        assert (refusal.value.code, refusal.value.request_id) == ("PAYLOAD_TOO_LARGE", None)


@pytest.mark.parametrize("text", ["", "Hello, hello. " * 1000], ids=["alone", "with a prompt"])
@pytest.mark.parametrize("space", ["", " \n"])
def test_speech_may_be_as_large_as_the_frame(text: str, space: str) -> None:
    """Eight mebibytes of it, wherever in the frame, whatever is beside it within the bound."""
    voice = bytes(2 * 3_000_000)
    written = base64.b64encode(voice).decode()
    content = f'"content":{{"voice_mode":"BASE64","voice"{space}:{space}"{written}","text":"{text}"}}'
    message = decode_client(request(f'{content},"stream_flag":false')).message
    assert isinstance(message, m.RequestMessage)
    assert message.content.voice == voice


def test_a_small_frame_is_not_looked_through() -> None:
    """What nearly all are: it is measured by its length alone."""
    check_size("[" * MOST_VALUES, MAX_FRAME_BYTES)


def test_as_many_values_as_may_be_are_read_soon() -> None:
    """The costliest that is let through; two hundred milliseconds are ten times what a busy machine needs.

    The best of five counts: the machine may have had something else to do in the others.
    """
    entries = listed("[]", MOST_VALUES * 3 // 2 - 500)
    frame = request(f'"content":{{"text":"x"}},"update_session":{{"scene_context":{{"a":{entries}}}}}').replace(
        "VOICE", "TEXT"
    )
    assert min(timeit.repeat(lambda: decode_client(frame), number=1, repeat=5)) < 0.2


def test_who_registers_is_read_without_the_rest() -> None:
    """Settings that could not be are no hindrance; a HEALTH_CHECK has nobody."""
    auth = '"auth":{"type":"API_KEY","api_key":"k"}'
    odd = f'"system_prompt":5,"function_calling":{listed("[]", 10_000)}'
    for payload in (f"{{{auth},{odd}}}", f"{{{odd},{auth}}}"):
        assert auth_of(HEAD % ("REGISTER", payload)) == m.Auth(type="API_KEY", api_key="k")
    assert auth_of(HEAD % ("HEALTH_CHECK", "{}")) is None


@pytest.mark.parametrize(
    ("frame", "code", "place"),
    [
        (HEAD % ("REQUEST", '{"request_id":"r1"}'), "SESSION_INVALID", ""),
        (HEAD % ("REGISTER", "{}"), "MALFORMED_PAYLOAD", "$.payload"),
        (HEAD % ("REGISTER", '{"auth":{"type":5}}'), "MALFORMED_PAYLOAD", "$.payload.auth.type"),
        (HEAD % ("HELLO", "{}"), "MALFORMED_PAYLOAD", "$.msg_type"),
        ("[null]", "MALFORMED_PAYLOAD", "$"),
        ("[" * 15_000, "MALFORMED_PAYLOAD", "$"),
    ],
)
def test_of_a_stranger_nothing_else_is_read(frame: str, code: str, place: str) -> None:
    """Another message is none for it, and what is wrong with a REGISTER is told with its place."""
    with pytest.raises(WireError) as refusal:
        auth_of(frame)
    assert (refusal.value.code, refusal.value.detail) == (code, place)


def test_of_a_broken_frame_little_is_looked_at() -> None:
    """A start frame of an upload is known by short fields; long ones are none."""
    assert refused_upload(request('"stream_flag":true,"stream_seq":0,"zzz":5')) == "r1"
    assert refused_upload(request(f'"stream_flag":true,"stream_seq":{listed("1", 5000)}')) == "r1"
    assert refused_upload(request(f'"stream_flag":{listed("1", 5000)}')) is None


def test_of_a_frame_too_large_only_its_kind_is_looked_for() -> None:
    """Audio follows a start frame that was too large to be read; none follows speech or settings in one piece."""
    huge = listed("1", SPEECHLESS_BYTES)
    assert refused_upload(request(f'"stream_flag" : true,"stream_seq":0,"zzz":{huge}')) == ""
    assert refused_upload(request(f'"stream_flag":false,"stream_seq":0,"zzz":{huge}')) is None
    assert refused_upload(request(f'"zzz":"{SPEECHLESS_BYTES * "a"}"')) is None
