"""What a process under test imports as `sounddevice`: devices that call back from a thread, at the pace of sound.

`FAKE_CARD` says how it is: ``busy``, ``none``, or a folder. There the microphone reads `said`, once that is there, and
the loudspeaker writes `played`; once `unplugged` is there, neither calls any more.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from tests.cli.sound_card.fake_card import FakeCard, FakeError, FakeStream

PortAudioError = FakeError

_HOW = os.environ["FAKE_CARD"]
_CARD = FakeCard(busy=_HOW == "busy")
if _HOW == "none":
    _CARD.devices.clear()

query_devices = _CARD.query_devices
check_input_settings = _CARD.check_input_settings
check_output_settings = _CARD.check_output_settings


def RawInputStream(**settings: Any) -> FakeStream:
    """Open the microphone."""
    return _run(_CARD.RawInputStream(**settings), "said")


def RawOutputStream(**settings: Any) -> FakeStream:
    """Open the loudspeaker."""
    return _run(_CARD.RawOutputStream(**settings), "played")


def _run(stream: FakeStream, name: str) -> FakeStream:
    threading.Thread(target=_call, args=(stream, Path(_HOW) / name), daemon=True).start()
    return stream


def _call(stream: FakeStream, path: Path) -> None:
    began = time.monotonic()
    blocks = 0
    waiting = b""
    while not stream.closed:
        blocks += 1
        time.sleep(max(0.0, began + blocks * 0.02 - time.monotonic()))
        if not stream.running:
            continue
        if path.with_name("unplugged").exists():
            return
        if path.name == "played":
            with path.open("ab") as file:
                file.write(stream.play(stream.block))
            continue
        if path.exists():
            waiting = path.read_bytes()
            path.unlink()
        size = 2 * stream.block
        stream.hear(waiting[:size].ljust(size, b"\0"))
        waiting = waiting[size:]
