from __future__ import annotations

from pathlib import Path

import pytest

from voxint.assets.folders import cache_folder, configured_folder
from voxint.errors import ConfigError


def without_a_home() -> Path:
    """Raise what pathlib does for a user whom the system doesn't know."""
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.parametrize(
    ("platform", "environment", "cache"),
    [
        ("linux", {}, "/home/ada/.cache/voxint/models"),
        ("linux", {"XDG_CACHE_HOME": "/var/caches"}, "/var/caches/voxint/models"),
        ("linux", {"XDG_CACHE_HOME": "caches"}, "/home/ada/.cache/voxint/models"),
        ("darwin", {"XDG_CACHE_HOME": "/var/caches"}, "/home/ada/Library/Caches/voxint/models"),
        ("win32", {}, "/home/ada/AppData/Local/voxint/Cache/models"),
        ("win32", {"LOCALAPPDATA": "/data/local"}, "/data/local/voxint/Cache/models"),
    ],
)
def test_the_cache_is_where_the_platform_has_caches(
    platform: str, environment: dict[str, str], cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the directory that each system, and its user's environment, names for them."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    with monkeypatch.context() as patched:
        patched.setattr("voxint.assets.folders.sys.platform", platform)
        assert cache_folder() == Path(cache)


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user the system doesn't know; a variable still names one."""
    monkeypatch.setattr(Path, "home", without_a_home)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/caches")
    assert cache_folder() == Path("/var/caches/voxint/models")


def test_the_option_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without either no folder is configured; an empty variable is none."""
    assert configured_folder(None) is None
    monkeypatch.setenv("VOXINT_ASSETS", "")
    assert configured_folder(None) is None
    monkeypatch.setenv("VOXINT_ASSETS", str(tmp_path))
    assert configured_folder(None) == tmp_path
    other = tmp_path / "other"
    other.mkdir()
    assert configured_folder(other) == other


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no shell has written it out; without a home that is told."""
    (tmp_path / "home" / "models").mkdir(parents=True)
    monkeypatch.setenv("VOXINT_ASSETS", "~/models")
    assert configured_folder(None) == tmp_path / "home" / "models"
    with pytest.raises(ConfigError, match="write the whole path"):
        configured_folder(Path("~a-user-that-nobody-has/models"))


def test_a_folder_that_is_none_is_told_by_who_named_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable or the option: each is set in another place."""
    with pytest.raises(ConfigError, match=r"^folder of model files: .*nowhere is no folder"):
        configured_folder(tmp_path / "nowhere")
    monkeypatch.setenv("VOXINT_ASSETS", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"^environment VOXINT_ASSETS: .*nowhere is no folder"):
        configured_folder(None)
