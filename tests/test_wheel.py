"""What is installed has all that is served."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

from tests.docs.pages import ROOT
from tests.needs import missing, needs


@needs(missing(packages=("hatchling",)))
def test_the_wheel_has_what_a_browser_loads(tmp_path: Path) -> None:
    """Every file of the package's folder for it, byte for byte, wherever the repository is not."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "voxint", tmp_path / "voxint", ignore=shutil.ignore_patterns("__pycache__"))
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "made")
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=True)
    [wheel] = (tmp_path / "made").glob("*.whl")
    web = Path(str(resources.files("voxint.web")))
    wanted = {path.relative_to(web.parent.parent).as_posix(): path for path in web.rglob("*.*") if path.is_file()}
    wanted = {name: path for name, path in wanted.items() if "__pycache__" not in name}
    assert "voxint/web/page/index.html" in wanted
    with zipfile.ZipFile(wheel) as archive:
        assert set(wanted) - set(archive.namelist()) == set()
        assert [name for name, path in wanted.items() if archive.read(name) != path.read_bytes()] == []
