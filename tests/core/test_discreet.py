from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import pytest

import voxint
from voxint.core.alignment import Aligned
from voxint.core.audio import AudioFormat
from voxint.core.discreet import size_of
from voxint.core.ears.rules import EarRules
from voxint.core.failure import Failure
from voxint.core.playout import PlayoutLedger
from voxint.core.receipt import AudioAccount, TextAccount, UsageAccount
from voxint.core.settings import SettingsChange
from voxint.core.stages import Delta, Speech
from voxint.core.tools import ToolCall
from voxint.net.http_request import RequestHead
from voxint.net.sse import ServerSentEvent
from voxint.protocol import messages as m
from voxint.protocol import payloads
from voxint.protocol.message_repr import Discreet
from voxint.protocol.settings import SettingsPayload
from voxint.providers._openai_chunk import Chunk
from voxint.server.config_file import Config, StageConfig
from voxint.testing.stages import ScriptedModel

CANARY = "persimmon"

PLAIN = {
    "id", "call_id", "request_id", "session_id", "name", "role", "kind", "stage", "limit", "reason", "error_id",
    "platform", "ending", "source", "host", "place", "expected", "code", "message", "detail", "operator_detail",
    "keys_file", "tls_cert", "tls_key", "interrupted_mark", "failed_mark", "called_mark", "silent_mark",
    "wordless_mark", "allowed_origins", "trusted_proxies", "account", "live", "lost", "interrupted_request_ids",
    "interrupt_request_id", "interrupt_reason", "status", "features", "error_code", "error_msg", "error_detail",
    "words", "interrupted", "recovered", "by_voice", "recovery", "voice", "language", "language_prompt",
}  # fmt: skip
"""Fields that hold ids, settings and sentences of ours; every other text is taken for a person's, a prompt or a key."""

CLASSES = [
    value
    for name in voxint.__all__
    if name != "Server"  # a port, an address, and what its tasks wait for
    if inspect.isclass(value := getattr(voxint, name)) and (attrs.has(value) or issubclass(value, msgspec.Struct))
]
MESSAGES = [getattr(m, name) for name in m.__all__ if inspect.isclass(getattr(m, name))]


def filled(kind: Any, name: str) -> Any:
    """Return a value of a type, with the canary in every text of a person's."""
    if attrs.has(kind) or (inspect.isclass(kind) and issubclass(kind, msgspec.Struct)):
        return made(kind)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return args[0]
    if origin is typing.Annotated:
        return filled(args[0], name)
    if origin is tuple:
        return (filled(args[0], name),)
    if origin in (Mapping, dict):
        return {"key": CANARY if args[1] in (Any, object, str) else filled(args[1], name)}
    if args:  # a union: what is not None
        return filled(args[0], name)
    values: dict[Any, Any] = {
        str: "plain" if name in PLAIN else CANARY,
        bytes: CANARY.encode(),
        int: 16_000,
        float: 100.0,
        bool: True,
        BaseException: ValueError(CANARY),
    }
    return values.get(kind, ScriptedModel())


def made(kind: Any) -> Any:
    """Return an instance with every field filled."""
    hints = typing.get_type_hints(kind, include_extras=True)
    if attrs.has(kind):
        names = [attribute.name for attribute in attrs.fields(kind) if attribute.init]
    else:
        names = list(kind.__struct_fields__)
    # Numbers are bounded by others, and hold no words: they stay what they are by default.
    numbers = {
        each.name: each.default
        for each in (attrs.fields(kind) if attrs.has(kind) else ())
        if isinstance(each.default, int | float)
    }
    special: dict[str, Any] = numbers | {
        "accounts": {},
        "token_secret": CANARY * 4,
        "llm": ScriptedModel(),
        "tts": None,
    }
    special |= {"stt": None, "allowed_origins": (), "trusted_proxies": (), "vad": None, "turns": None}
    special |= {"silent_mark": "[nothing]", "wordless_mark": "[none]", "ears": EarRules()}
    return kind(**{name: special[name] if name in special else filled(hints[name], name) for name in names})


@pytest.mark.parametrize("public", [*CLASSES, *MESSAGES], ids=lambda public: public.__name__)
def test_no_repr_holds_what_people_say(public: Any) -> None:
    """Words, audio, prompts and keys stay out of every public class's `repr`, and of every message's."""
    shown = repr(made(public))
    assert CANARY not in shown
    assert str(CANARY.encode()) not in shown


def test_the_classes_that_hold_words_are_among_them() -> None:
    """The list above is not empty by mistake."""
    names = {public.__name__ for public in CLASSES}
    assert {"Text", "Voice", "Called", "Understood", "Delta", "Transcript", "Speech", "Turn", "Exchange"} <= names
    assert {"ChatMessage", "Dialogue", "ToolCall", "Tool", "Receipt", "Settings", "Agent", "Ended"} <= names


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Delta("Hello."), "Delta(text=<6 chars>, protected=False)"),
        (Delta("!"), "Delta(text=<1 char>, protected=False)"),
        (voxint.Text("Hello."), "Text(text=<6 chars>)"),
        (voxint.Voice(bytes(640)), "Voice(audio=<640 bytes>)"),
        (voxint.Understood("Hi", True), "Understood(text=<2 chars>, is_final=True)"),
        (Speech(b"", None), "Speech(audio=<0 bytes>, text=None)"),
        (ToolCall("c", "look", {"where": "here"}), "ToolCall(call_id='c', name='look', arguments=<1 entry>)"),
        (m.Content(text="Hello?"), "Content(text=<6 chars>, voice_mode=None, voice=None, audio_format=None)"),
        (TextAccount(generated_chars=9, heard="Well,"), "TextAccount(generated_chars=9, heard=<5 chars>)"),
    ],
)
def test_a_repr_tells_lengths(value: object, shown: str) -> None:
    """That is what helps to find a fault, and says nothing of a person."""
    assert repr(value) == shown


def test_what_a_receipt_tells_of_its_words_is_their_length() -> None:
    """The receipt is what a program logs first."""
    receipt = voxint.Receipt(
        request_id="r1",
        reason="USER_STOP",
        stop_ms=1.0,
        stages={"llm": "closed"},
        usage=UsageAccount(llm_tokens=1, tts_characters=1, source="estimated"),
        audio=AudioAccount(generated_ms=1, sent_ms=1, heard_ms=1, source="client"),
        text=TextAccount(generated_chars=20, heard=CANARY),
    )
    assert "heard=<9 chars>" in repr(receipt)
    assert CANARY not in repr(receipt)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "None"), ((1, 2), "<2 items>"), ({}, "<0 entries>"), (7, "<an int>"), (str, "<the class str>")],
)
def test_what_an_author_wrote_in_error_is_told_by_its_type(value: object, shown: str) -> None:
    """A `repr` never raises."""
    assert size_of(value) == shown


def test_inner_classes_are_discreet_too() -> None:
    """They end up in the tracebacks of others."""
    assert CANARY not in repr(Aligned.verbatim(CANARY))
    assert CANARY not in repr(SettingsChange(system_prompt=CANARY, scene_context=CANARY))
    assert CANARY not in repr(Failure("internal", "ours", True, cause=ValueError(CANARY)))
    ledger = PlayoutLedger(AudioFormat(), spoken=True)
    ledger.wrote_text(CANARY)
    ledger.begin_span(CANARY)
    assert "_written=<1 item>" in repr(ledger)
    ledger.freeze(1.0)
    assert ledger.heard_text(1.0) is not None
    assert CANARY not in repr(ledger)
    assert CANARY not in repr(Config(llm=StageConfig("llm", "openai_chat", "[llm]"), prompt=CANARY))
    assert CANARY not in repr(RequestHead("GET", f"/{CANARY}?key={CANARY}", ((b"x-key", CANARY.encode()),)))


def test_what_a_provider_sent_is_not_shown() -> None:
    """Neither an event of its stream nor what was read of one."""
    chunk = {"choices": [{"index": 0, "delta": {"content": CANARY}}]}
    assert CANARY not in repr(ServerSentEvent(CANARY.encode(), CANARY))
    assert CANARY not in repr(msgspec.convert(chunk, Chunk))


PAYLOADS = [*(getattr(payloads, name) for name in payloads.__all__), SettingsPayload]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.__name__)
def test_no_payload_tells_what_people_say(payload: Any) -> None:
    """Of what comes and goes on the wire a `repr` tells sizes, until somebody marks a field as harmless."""
    assert issubclass(payload, Discreet)
    assert CANARY not in repr(made(payload))


@pytest.mark.parametrize(
    "said",
    [
        m.Shutdown(reason=CANARY),
        m.HeartbeatReply(client_status=CANARY),
        m.SessionQuery(query_fields=(CANARY,)),
        m.HealthCheck(check_fields=(CANARY,)),
        m.FunctionResult(request_id="r", call_id="c", error=CANARY),
        m.Content(audio_format=CANARY),
    ],
    ids=lambda said: type(said).__name__,
)
def test_what_a_client_may_write_as_it_likes_is_not_shown(said: Any) -> None:
    """A reason and a name of a field are its own words, whatever they are meant for."""
    assert CANARY not in repr(said)
    assert CANARY not in str(said)
