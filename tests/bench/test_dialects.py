"""How the benchmark's own targets are spoken to: what is written, and what each frame read means."""

from __future__ import annotations

import json

import pytest

from bench.dialects import DIALECTS, Echo, Plain
from bench.targets.plain import FRAME_BYTES
from voxint.errors import WireError
from voxint.measure import Heard, VoxintDialect
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client


def test_a_plain_caller_says_what_the_protocol_has() -> None:
    """No frame opens a session; an interrupt can't say what was played."""
    plain = Plain()
    assert plain.open() == ()
    frames = (plain.ask(7), plain.listen(7), plain.finish(7), plain.interrupt(7, 120.0))
    assert [json.loads(frame) for frame in frames] == [
        {"ask": 7, "text": "turn 7"},
        {"hear": 7},
        {"heard": 7},
        {"stop": 7},
    ]


@pytest.mark.parametrize(("frame", "heard"), [
    ({"text": "t7w3 "}, Heard("text", 7)),
    ({"text": "t7w3 t7w4 "}, Heard("text", 7)),
    ({"text": ""}, Heard("text")),
    ({"text": "7w3 "}, Heard("text")),
    ({"stopped": 7}, Heard("stopped", 7)),
    ({"done": 7}, Heard("over", 7)),
    ({"failed": 7}, Heard("over", 7, failed="failed")),
    ({"failed": 7, "why": "no model"}, Heard("over", 7, failed="no model")),
    ({"news": 7}, Heard("over")),
])  # fmt: skip
def test_a_plain_text_frame_says_whose_it_is(frame: dict[str, object], heard: Heard) -> None:
    """By its words, or by the number that an event has; what a later version adds is nobody's."""
    assert Plain().read(True, json.dumps(frame).encode()) == heard


@pytest.mark.parametrize(("turn", "owner"), [(7, 7), (32_001, 32_001), (0, None)])
def test_plain_audio_is_whose_its_samples_are(turn: int, owner: int | None) -> None:
    """For as long as it plays; silence is nobody's."""
    pcm = turn.to_bytes(2, "little") * (FRAME_BYTES // 2)
    assert Plain().read(False, pcm) == Heard("audio", owner, 40.0)


@pytest.mark.parametrize("frame", [b"hello", b"\xff", b'{"text": "\xff"}', b"[]", b'{"stopped": "7"}', b""])
def test_what_is_not_plain_is_an_error_of_the_wire(frame: bytes) -> None:
    """It ends one caller, not the load."""
    with pytest.raises(WireError, match="not the plain protocol"):
        Plain().read(True, frame)


def test_an_echo_of_an_interrupt_is_its_acknowledgement() -> None:
    """It weighs as much as a real one, and is the only frame of any length."""
    echo = Echo()
    assert echo.open() == ()
    interrupt = echo.interrupt(7, 120.0)
    assert isinstance(interrupt, str)
    assert len(interrupt) == 160
    assert echo.read(True, interrupt.encode()) == Heard("stopped", 7)
    for frame in (echo.ask(7), echo.listen(7), echo.finish(7)):
        assert frame == ""
        assert echo.read(True, b"") == Heard("other")


@pytest.mark.parametrize("frame", [b"", b"7", (7).to_bytes(2, "little") * 43])
def test_an_echo_of_the_microphone_is_nothing(frame: bytes) -> None:
    """Whatever its bytes would read as."""
    assert Echo().read(False, frame) == Heard("other")


def test_every_dialect_of_a_target_is_known() -> None:
    """Samples are compared by their values, so voxint speaks in the rate of the others, numbered."""
    assert set(DIALECTS) == {"voxint", "voxint_keyed", "plain", "echo"}
    voxint = DIALECTS["voxint"]()
    assert isinstance(voxint, VoxintDialect)
    register = decode_client(voxint.open()[0]).message
    assert isinstance(register, m.Register)
    assert register.audio == m.Audio(input_rate=16_000, output_rate=24_000)
