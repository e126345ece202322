"""What a message tells to install is ours, and works from where the user is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from voxint import extras
from voxint.extras import DISTRIBUTION, to_add

WRITTEN = ("*.md", "*.py", "*.toml", "*.yaml", ".ci/*")

INSTALL = re.compile(r"pip install\b[^\n`]*")


def written() -> list[Path]:
    """Return every text of the repository that git knows, or that is about to be added."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *WRITTEN],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout
    return [path for name in names.splitlines() if (path := ROOT / name).is_file() and path != Path(__file__)]


def advice(text: str) -> list[str]:
    """Return where a text tells to install the other project of our name, as in `pip install voxint`."""
    return [line for line in INSTALL.findall(text) if re.search(r"(?<![\w/.-])voxint(?![\w/.-])", line)]


def test_nothing_tells_to_install_the_other_project() -> None:
    """No page, message, comment or script: on the package index `voxint` is somebody else's."""
    found = {path.relative_to(ROOT).as_posix(): advice(path.read_text(encoding="utf-8")) for path in written()}
    assert len(found) > 300
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("text", "is_other"),
    [
        ("pip install voxint", True),
        ("pip install -U 'voxint[speech]'", True),
        ('pip install "voxint>=1"', True),
        ("pip install 'voxint-server[speech]'", False),
        ("pip install '.[speech]' && .venv/bin/voxint demo", False),
        ("pip install /src/voxint", False),
    ],
)
def test_the_other_project_is_told_from_ours(text: str, is_other: bool) -> None:
    """By its whole name, with whatever stands around it."""
    assert bool(advice(text)) is is_other


def test_the_distribution_is_named_as_the_messages_say() -> None:
    """pyproject.toml has the name, and its extras refer to it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    extras = project["optional-dependencies"]
    assert {extra: [name for name in names if "voxint" in name] for extra, names in extras.items()} == {
        "speech": [],
        "mandarin": [f"{DISTRIBUTION}[speech]"],
        "whisper": [f"{DISTRIBUTION}[speech]"],
        "audio": [],
        "test": [f"{DISTRIBUTION}[speech,mandarin,whisper,audio,bench]"],
        "lint": [f"{DISTRIBUTION}[test]"],
        "bench": [],
    }


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readmes_say_that_the_other_project_is_another(page: str) -> None:
    """In one line, which has both names."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "`voxint`" in line and f"`{DISTRIBUTION}`" in line]


def test_in_a_clone_it_is_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short where the user stands in it."""
    monkeypatch.chdir(ROOT)
    assert to_add("speech") == "pip install '.[speech]'"


def test_elsewhere_the_clone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dot would mean another folder."""
    monkeypatch.chdir(tmp_path)
    assert shlex.split(to_add("bench")) == ["pip", "install", f"{ROOT}[bench]"]


class Installed:
    """A distribution that has noted where it came from, or nothing."""

    def __init__(self, note: str | None) -> None:
        self.note = note

    def read_text(self, name: str) -> str | None:
        """Return the note that pip writes."""
        assert name == "direct_url.json"
        return self.note


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (None, f"pip install '{DISTRIBUTION}[speech]'"),
        ('{"url": "https://a.example/voxint_server.whl"}', f"pip install '{DISTRIBUTION}[speech]'"),
        ('{"url": "file:///no/such/folder", "dir_info": {}}', f"pip install '{DISTRIBUTION}[speech]'"),
        (f'{{"url": "{ROOT.as_uri()}", "dir_info": {{}}}}', f"pip install '{ROOT}[speech]'"),
    ],
    ids=["index", "wheel", "a clone that is gone", "a clone"],
)
def test_installed_it_is_what_was_installed(
    note: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The distribution by its own name, unless it came from a clone that is still there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "voxint" / "extras.py"))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a-program-that-has-voxint-beside-it"\n')
    monkeypatch.setattr(Distribution, "from_name", lambda name: Installed(note))
    assert to_add("speech") == told


def test_without_any_installation_it_is_the_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that was put on the path by hand, from a folder that is gone."""

    def missing(name: str) -> Distribution:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "__file__", str(tmp_path / "voxint" / "extras.py"))
    monkeypatch.setattr(Distribution, "from_name", missing)
    assert to_add("speech") == f"pip install '{DISTRIBUTION}[speech]'"


def test_a_folder_that_is_gone_is_no_clone(tmp_path: Path) -> None:
    """The working directory was deleted under the process: the message still comes."""
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); from voxint.extras import to_add; print(to_add('speech'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=gone,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"pip install '{ROOT}[speech]'\n"
