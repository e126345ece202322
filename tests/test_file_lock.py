from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from voxint.file_lock import try_lock

HOLD = """
import os, sys
from voxint.file_lock import try_lock
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
print(try_lock(descriptor), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", ["close", "kill"])
def test_one_process_has_it_until_it_ends(end: str, tmp_path: Path) -> None:
    """Another is refused at once, and gets it when the first has gone, however it went."""
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        descriptor = os.open(path, os.O_RDWR)
        assert not try_lock(descriptor)
        if end == "kill":
            holder.kill()
        else:
            holder.stdin.close()
        holder.wait(timeout=20)
        assert try_lock(descriptor)
        os.close(descriptor)
