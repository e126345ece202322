from __future__ import annotations

import pytest
import trio
import trio.testing

from voxint.net.prefixed import PrefixedStream


async def test_prefix_is_read_first_in_any_portion() -> None:
    """What was put back is read before the rest, no more at once than was asked for."""
    ours, theirs = trio.testing.memory_stream_pair()
    stream = PrefixedStream(theirs, b"abcd")
    await ours.send_all(b"ef")
    assert [await stream.receive_some(3), await stream.receive_some(), await stream.receive_some(1)] == [
        b"abc",
        b"d",
        b"e",
    ]
    await stream.send_all(b"back")
    assert await ours.receive_some() == b"back"
    await stream.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await stream.wait_send_all_might_not_block()
