from __future__ import annotations

import msgspec

from voxint.cli.receipts import receipt_lines
from voxint.core.receipt import AudioAccount, TextAccount, UsageAccount
from voxint.protocol.receipt import FramedReceipt, LastFrames


def receipt(tokens: int | None = 12) -> FramedReceipt:
    """Return a receipt of a reply that was being spoken."""
    return FramedReceipt(
        request_id="r1",
        reason="USER_STOP",
        stop_ms=0.84,
        stages={"stt": "idle", "llm": "finished", "tts": "closed", "tools": "idle"},
        usage=UsageAccount(llm_tokens=tokens, tts_characters=80, source="estimated" if tokens else "unknown"),
        audio=AudioAccount(generated_ms=3000, sent_ms=1300, heard_ms=1004, source="estimated"),
        text=TextAccount(generated_chars=95, heard="从前有一个 "),
        last=LastFrames(text_stream_seq=3, voice_stream_seq=9),
    )


def test_a_receipt_tells_what_was_stopped_saved_and_heard() -> None:
    """Stages that never began are left out."""
    assert receipt_lines(receipt(), 0.00213) == [
        "interrupted (USER_STOP): stopped in 0.8 ms, acknowledged after 2.1 ms",
        "  stages  llm finished, tts closed",
        "  tokens  12 (estimated); 80 characters given to speech",
        "  speech  3.00 s generated, 1.30 s sent, 1.00 s heard (estimated)",
        "  text    95 characters written; heard: “从前有一个”",
    ]


def test_an_interrupt_that_was_read_late_is_told() -> None:
    """With whose fault it was."""
    late = msgspec.structs.replace(receipt(), stop_ms=903.4, read_late_ms=902.6)
    assert receipt_lines(late, 0.91)[0] == (
        "interrupted (USER_STOP): stopped in 903.4 ms, acknowledged after 910.0 ms; "
        "read up to 903 ms late, for the server was held up"
    )


def test_unknown_tokens_are_called_unknown() -> None:
    """As when the model had not been asked yet."""
    assert receipt_lines(receipt(None), 0.002)[2].startswith("  tokens  unknown; ")


def test_no_receipt_means_there_was_nothing_to_stop() -> None:
    """The answer had ended before."""
    assert receipt_lines(None, 0.002) == ["nothing to interrupt: the answer had been sent and heard to its end"]
