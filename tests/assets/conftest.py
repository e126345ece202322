"""No test of model files sees the machine's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxint.assets.folders import cache_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache of this test's own, not there yet; no folder is configured, and no proxy."""
    for name in ("VOXINT_ASSETS", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    found = cache_folder()
    assert found is not None
    return found
