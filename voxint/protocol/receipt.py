"""The core's receipt as the wire has it: with the numbers of the last frames."""

from __future__ import annotations

import msgspec

from voxint.core.receipt import Receipt

__all__ = ["FramedReceipt", "LastFrames"]


class LastFrames(msgspec.Struct, frozen=True, kw_only=True):
    """The last sequence numbers written before the final frame; None where a stream had none."""

    text_stream_seq: int | None
    voice_stream_seq: int | None


class FramedReceipt(Receipt, frozen=True, kw_only=True, omit_defaults=True):
    """A receipt, and the last frames that its reader was sent of the request."""

    last: LastFrames
