"""Hypothesis strategies for every message of the protocol, in the form in which the codec gives it."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from voxint.core import receipt as r
from voxint.core.events import ReleaseReason, UtteranceOutcome
from voxint.core.settings import Platform, SettingsChange
from voxint.core.tools import FunctionOp, Tool
from voxint.protocol import messages as m
from voxint.protocol.receipt import FramedReceipt, LastFrames

__all__ = ["client_messages", "json_values", "responses", "server_messages"]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
pcm = st.binary(max_size=8).map(lambda half: half + half)
request_ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)
millis = st.floats(0, allow_infinity=False)
seqs = st.none() | st.integers(-1, 2**32 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(text, json_values, max_size=3)


def maybe(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Return the values or None."""
    return st.none() | values


def many(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Return tuples of the values."""
    return st.lists(values, max_size=3).map(tuple)


def one_of(literal: object) -> st.SearchStrategy[object]:
    """Return the values of a Literal."""
    return st.sampled_from(get_args(literal))


patches = st.builds(
    SettingsChange,
    require_tts=maybe(st.booleans()),
    enable_srs=maybe(st.booleans()),
    system_prompt=maybe(text),
    scene_context=maybe(text),
    function_calling=maybe(many(st.builds(Tool, text.filter(bool), text, json_objects))),
    function_calling_op=one_of(FunctionOp),
    voice=maybe(text),
    language=maybe(text),
)
rates = maybe(st.integers(8_000, 48_000))
audio = st.builds(m.Audio, input_rate=rates, output_rate=rates)
registers = st.builds(
    m.Register,
    auth=st.builds(
        m.Auth,
        type=st.sampled_from(("API_KEY", "ACCOUNT")),
        api_key=maybe(text),
        account=maybe(text),
        password=maybe(text),
    ),
    platform=one_of(Platform),
    patch=patches,
    features=many(text),
    audio=audio,
    resume=maybe(st.builds(m.Resume, session_id=text, resume_token=text)),
)
text_requests = st.builds(
    m.RequestMessage,
    request_id=request_ids,
    data_type=st.just("TEXT"),
    content=st.builds(m.Content, text=text, audio_format=maybe(text)),
    patch=patches,
)
voice_requests = st.builds(
    m.RequestMessage,
    request_id=request_ids,
    data_type=st.just("VOICE"),
    content=st.builds(m.Content, voice_mode=st.just("BASE64"), voice=pcm, audio_format=maybe(text)),
    patch=patches,
)
upload_frames = st.builds(
    m.RequestMessage,
    request_id=request_ids,
    data_type=st.just("VOICE"),
    stream_flag=st.just(True),
    stream_seq=st.sampled_from((0, -1)),
    content=st.builds(m.Content, voice_mode=st.just("BINARY"), audio_format=maybe(text)),
    patch=patches,
)
interrupts = st.builds(
    m.Interrupt,
    interrupt_request_id=maybe(request_ids),
    reason=st.text(st.characters(exclude_categories=["Cs"]), max_size=64),
    played_ms=maybe(millis),
    mode=st.sampled_from(("commit", "hold", "release")),
)
client_messages: st.SearchStrategy[m.ClientMessage] = st.one_of(
    registers,
    text_requests,
    voice_requests,
    upload_frames,
    interrupts,
    st.builds(m.Played, request_id=request_ids, played_ms=millis),
    st.builds(m.FunctionResult, request_id=request_ids, call_id=text, result=json_values, error=maybe(text)),
    st.builds(m.SessionQuery, query_fields=many(text)),
    st.builds(m.Shutdown, reason=text),
    st.builds(m.HeartbeatReply, client_status=maybe(text)),
    st.builds(m.HealthCheck, check_fields=many(text)),
)

responses: st.SearchStrategy[m.Response] = st.builds(
    m.Response,
    request_id=request_ids,
    text_stream_seq=seqs,
    voice_stream_seq=seqs,
    text=maybe(text),
    voice=maybe(pcm),
    function_call=maybe(st.builds(m.FunctionCall, name=text, parameters=json_objects, call_id=text)),
    interrupted=st.booleans(),
    interrupt_reason=maybe(text),
)
voice_responses = st.builds(m.Response, request_id=request_ids, voice_stream_seq=seqs, voice=pcm)
receipts = st.builds(
    FramedReceipt,
    request_id=request_ids,
    reason=text,
    stop_ms=millis,
    stages=st.dictionaries(st.sampled_from(r.STAGES), one_of(r.StageState)),
    usage=st.builds(
        r.UsageAccount,
        llm_tokens=maybe(st.integers(0, 2**31)),
        tts_characters=st.integers(0, 2**31),
        source=st.sampled_from(("provider", "estimated", "unknown")),
    ),
    audio=st.builds(
        r.AudioAccount,
        generated_ms=millis,
        sent_ms=millis,
        heard_ms=millis,
        source=st.sampled_from(("client", "estimated")),
    ),
    text=st.builds(r.TextAccount, generated_chars=st.integers(0, 2**31), heard=text),
    last=st.builds(LastFrames, text_stream_seq=seqs, voice_stream_seq=seqs),
    read_late_ms=maybe(millis),
    closed_ms=st.dictionaries(st.sampled_from(r.STAGES), millis),
)
seconds = st.integers(0, 2**31)
server_messages: st.SearchStrategy[m.ServerMessage] = st.one_of(
    responses,
    voice_responses,
    st.builds(
        m.RegisterAck,
        status=st.just("SUCCESS"),
        message=text,
        session_id=text,
        session_timeout_seconds=seconds,
        features=many(text),
        audio=audio,
        resume_token=maybe(text),
    ),
    st.builds(
        m.InterruptAck,
        interrupt_request_id=maybe(request_ids),
        interrupted_request_ids=many(request_ids),
        status=one_of(m.Ack),
        message=text,
        outcomes=st.dictionaries(request_ids, one_of(m.Outcome), max_size=3),
        receipts=st.dictionaries(request_ids, receipts, max_size=2),
        read_late_ms=maybe(millis),
        mode=maybe(one_of(m.Pause)),
    ),
    st.builds(
        m.Error,
        error_code=one_of(m.ErrorCode),
        error_msg=text,
        error_detail=text,
        retryable=st.booleans(),
        request_id=maybe(request_ids),
        stage=maybe(st.sampled_from(("stt", "llm", "tts"))),
        error_id=maybe(text),
    ),
    st.builds(m.SessionInfo, status=st.just("SUCCESS"), message=text, session_data=json_objects),
    st.builds(m.Heartbeat, remaining_seconds=seconds),
    st.builds(m.SessionWarn, warn_type=st.just("EXPIRE_SOON"), remaining_seconds=seconds, message=text),
    st.builds(
        m.HealthCheckAck,
        health_status=st.builds(m.HealthStatus, cpu_usage=maybe(millis), conn_count=maybe(seconds), status=maybe(text)),
    ),
    st.builds(m.Shutdown, reason=text),
    st.builds(m.TranscriptMessage, request_id=request_ids, text=text, is_final=st.booleans()),
    st.builds(m.SpeechMessage, state=st.just("started"), at_ms=millis, request_id=request_ids),
    st.builds(
        m.SpeechMessage,
        state=st.just("committed"),
        at_ms=millis,
        request_id=request_ids,
        interrupted=st.lists(request_ids, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        m.SpeechMessage,
        state=st.just("stopped"),
        at_ms=millis,
        request_id=request_ids,
        text=text,
        outcome=one_of(UtteranceOutcome),
        decided_ms=maybe(millis),
        recovered=maybe(request_ids),
        speculative=st.lists(receipts, max_size=2).map(tuple),
    ),
    st.builds(
        m.HoldMessage,
        request_id=request_ids,
        state=st.sampled_from(("held", "released")),
        voice_stream_seq=seqs,
        reason=maybe(one_of(ReleaseReason)),
    ),
    st.builds(
        m.MarksMessage,
        request_id=request_ids,
        marks=st.lists(st.tuples(millis, st.integers(0, 2**31)), max_size=3).map(tuple),
    ),
)
