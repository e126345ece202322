"""The page with the protocol's messages is what the code makes of them, and its messages are what the codec takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.pages import blocks
from tests.docs.wire_examples import FROM_CLIENT, SESSION_ID, TIMESTAMP
from tests.docs.wire_examples_server import FROM_SERVER
from tests.docs.wire_messages import PAGE, envelope, page, paths_of, readable, required, without
from tests.docs.wire_types import rows_of
from voxint.core.audio import AudioFormat
from voxint.core.settings import Settings
from voxint.errors import WireError
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client, decode_server, encode_server

CLIENT_EXAMPLES = [(name, does) for name, told in FROM_CLIENT.items() for does in told.examples]
SERVER_EXAMPLES = [(name, says) for name, told in FROM_SERVER.items() for says in told.examples]


def known(refusal: pytest.ExceptionInfo[WireError]) -> set[str]:
    """Return the messages that an error says there are."""
    return set(re.findall(r"\b[A-Z][A-Z_]+\b", refusal.value.message))


def test_the_page_shows_what_the_code_says() -> None:
    """``python -m tests.docs.wire_messages`` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_message_of_both_directions_is_there() -> None:
    """By the lists that the codec tells to who sends another."""
    frame = json.dumps(envelope("HELLO", {}))
    with pytest.raises(WireError) as of_client:
        decode_client(frame)
    with pytest.raises(WireError) as of_server:
        decode_server(frame)
    assert set(FROM_CLIENT) == known(of_client)
    assert set(FROM_SERVER) == known(of_server)


def test_every_json_of_the_page_is_read() -> None:
    """What a reader copies works: each block, by whoever gets such a message."""
    shown = [block.code for block in blocks(PAGE) if block.language == "json"]
    assert len(shown) == len(CLIENT_EXAMPLES) + len(SERVER_EXAMPLES)
    for number, code in enumerate(shown):
        if number < len(CLIENT_EXAMPLES):
            decode_client(code)
        else:
            decode_server(code)


@pytest.mark.parametrize(("name", "does"), CLIENT_EXAMPLES)
def test_an_example_names_fields_that_there_are(name: str, does: str) -> None:
    """Unknown ones would be ignored, and mislead."""
    there = {row.path for row in rows_of(FROM_CLIENT[name].payload)}
    free = ("result.", "resume.seen.")  # whatever the caller calls them
    named = {path for path in paths_of(FROM_CLIENT[name].examples[does]) if not path.startswith(free)}
    assert named <= there


@pytest.mark.parametrize(("name", "says"), SERVER_EXAMPLES)
def test_a_message_of_the_server_comes_back_as_it_was(name: str, says: str) -> None:
    """The client reads what the page shows as the server meant it."""
    message = FROM_SERVER[name].examples[says]
    assert decode_server(encode_server(message, SESSION_ID, TIMESTAMP)) == message


@pytest.mark.parametrize("name", FROM_CLIENT)
def test_a_field_that_the_table_calls_required_is(name: str) -> None:
    """The classes of the codec and its refusals agree; which more an example needs, the page says below it."""
    told = FROM_CLIENT[name]
    always = {row.path for row in rows_of(told.payload) if row.required and "." not in row.path}
    for payload in told.examples.values():
        assert always <= set(required(envelope(name, payload)))


def test_what_a_question_needs_depends_on_its_kind() -> None:
    """A text, a voice, or the word that one follows."""
    needs = [required(envelope("REQUEST", payload)) for payload in FROM_CLIENT["REQUEST"].examples.values()]
    assert needs == [
        ["request_id", "data_type", "content", "content.text"],
        ["request_id", "data_type", "content", "content.voice_mode", "content.voice"],
        ["request_id", "data_type", "stream_flag", "content", "content.voice_mode"],
        ["request_id", "data_type", "stream_seq"],
        ["request_id", "data_type", "content", "content.text"],
    ]


def test_the_envelope_needs_what_the_page_says() -> None:
    """Its version, type and payload; whose session it is, is for the connection to say."""
    whole = envelope("PLAYED", FROM_CLIENT["PLAYED"].examples["The playback position"])
    assert [name for name in whole if not readable({key: whole[key] for key in whole if key != name})] == [
        "version",
        "msg_type",
        "payload",
    ]


def told_defaults() -> Iterator[tuple[str, str, Any]]:
    """Yield each value that the page says stands for a field that is absent: the message, the path, the value."""
    for name, told in FROM_CLIENT.items():
        for path, value in told.defaults.items():
            if not (isinstance(value, str) and value.startswith("[")):
                yield name, path, value


@pytest.mark.parametrize(("name", "path", "value"), [*told_defaults()])
def test_a_default_is_what_an_absent_field_means(name: str, path: str, value: Any) -> None:
    """Said or left out, the message means the same."""
    payloads: dict[str, dict[str, Any]] = {
        "REGISTER": {"auth": {"type": "API_KEY"}, "audio": {}},
        "REQUEST": {"request_id": "r", "data_type": "TEXT", "content": {"text": "Hello"}},
    }
    plain = envelope(name, payloads.get(name, {}))
    if path == "content":
        plain["payload"] |= {"data_type": "VOICE", "stream_seq": -1}
        del plain["payload"]["content"]
    said = json.loads(json.dumps(plain))
    *way, field = path.split(".")
    inner = said["payload"]
    for step in way:
        inner = inner[step]
    assert field not in inner
    inner[field] = value
    assert meant(said) == meant(plain)


def meant(whole: dict[str, Any]) -> object:
    """Return what a message comes to; of a REGISTER, the session that it opens."""
    message = decode_client(json.dumps(whole)).message
    if not isinstance(message, m.Register):
        return message
    rates = (message.audio.input_rate or AudioFormat().rate, message.audio.output_rate or AudioFormat().rate)
    settings = Settings(platform=message.platform, require_tts=False).changed(message.patch)
    return settings, rates, message.features, message.on_disconnect


@pytest.mark.parametrize("name", [*FROM_CLIENT, *FROM_SERVER])
def test_what_is_said_of_a_field_is_said_of_one_that_there_is(name: str) -> None:
    """Defaults, types and marks name fields of the class, and no others."""
    for told in (FROM_CLIENT.get(name), FROM_SERVER.get(name)):
        if told is not None:
            named = {
                *told.ext,
                *getattr(told, "defaults", ()),
                *getattr(told, "types", ()),
                *getattr(told, "closed", ()),
            }
            assert named <= {row.path for row in rows_of(told.payload)}


def test_leaving_a_field_out_leaves_the_rest() -> None:
    """Also of one within another, and the message it came from stays whole."""
    whole = envelope("REQUEST", {"request_id": "r", "content": {"text": "a", "voice_mode": "BINARY"}})
    assert without(whole, "content.text")["payload"] == {"request_id": "r", "content": {"voice_mode": "BINARY"}}
    assert whole["payload"]["content"]["text"] == "a"
