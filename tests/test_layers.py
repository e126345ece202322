"""Who imports whom: arrows point one way (voxint/__init__.py draws them)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from voxint.protocol.messages import ErrorCode

PACKAGE = Path(__file__).parent.parent / "voxint"

MAY_IMPORT = {
    "kinds": set(),
    "arguments": {"kinds"},
    "errors": {"arguments"},
    "background": {"inside_trio"},
    "inside_trio": {"errors"},
    "authors_line": set(),
    "logs": {"printable", "authors_line"},
    "lag": set(),
    "loop_watch": {"lag", "logs", "authors_line"},
    "printable": set(),
    "children": set(),
    "extras": set(),
    "file_lock": set(),
    "ticker": set(),
    "normalize": set(),
    "web": set(),
    "net": {"arguments", "errors", "background", "logs", "authors_line", "inside_trio", "lag"},
    "assets": {"arguments", "errors", "extras", "file_lock", "inside_trio", "net"},
    "core": {"arguments", "errors", "background", "logs", "loop_watch", "authors_line", "inside_trio"},
    "protocol": {"arguments", "core", "errors"},
    "workers": {"arguments", "core", "errors", "background", "children", "extras", "inside_trio", "printable", "logs"},
    "providers": {
        *("arguments", "core", "net", "errors", "background", "children", "extras", "logs", "workers", "assets"),
        "normalize",
    },
    "server": {
        *("arguments", "core", "protocol", "net", "errors", "background", "lag", "logs", "authors_line"),
        *("inside_trio", "loop_watch", "printable", "file_lock"),
    },
    "testing": {
        *("core", "protocol", "net", "errors", "background", "ticker", "printable", "children", "authors_line"),
        *("arguments", "inside_trio", "logs", "loop_watch"),
    },
    "client": {"arguments", "core", "protocol", "net", "errors", "background", "inside_trio"},
    "measure": {"client", "core", "protocol", "net", "errors", "background", "logs", "ticker"},
}
"""The layers under the composition root; whatever is not named here (cli, the public names) may import all."""

PURE = {"trio", "httpx", "h11", "socket", "time", "asyncio", "threading", "select", "soxr", "structlog"}
"""What the protocol may not import: it has no I/O and reads no clock."""


PURE_CORE = (
    "audio",
    "dialogue",
    "discreet",
    "events",
    "gate",
    "journal",
    "life",
    "playout",
    "receipt",
    "segments",
    "settings",
    "shape",
    "encodable",
    "tokens",
    "tools",
    "transcript",
    "voice_activity",
)
"""What of the core decides over data alone."""


def layer_of(path: Path) -> str:
    """Return the folder, or the module, right under voxint/."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the module of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import: it hides which arrow it is"
            assert node.module is not None
            yield node.lineno, node.module
            if node.module == "voxint":  # `from voxint import core` names the layer after the word import
                for alias in node.names:
                    yield node.lineno, f"voxint.{alias.name}"


MODULES = sorted(PACKAGE.rglob("*.py"))


def wrong_arrows(path: Path) -> list[str]:
    """Return the imports of a module that its layer does not allow."""
    layer = layer_of(path)
    if layer not in MAY_IMPORT:
        return []
    allowed = MAY_IMPORT[layer] | {layer, "_version"}
    return [
        f"{path.relative_to(PACKAGE)}:{line} imports {module}"
        for line, module in imports_of(path)
        if module.startswith("voxint.") and module.split(".")[1] not in allowed
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_one_way(path: Path) -> None:
    """A module imports its own layer and those below; siblings never import each other."""
    assert wrong_arrows(path) == []


def is_pure(path: Path) -> bool:
    """Return whether a module imports no trio, socket or clock, and has not even an async function."""
    tree = ast.parse(path.read_text())
    waits = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
    return not waits and not {module.split(".")[0] for _, module in imports_of(path)} & PURE


@pytest.mark.parametrize("path", sorted(PACKAGE.joinpath("protocol").rglob("*.py")), ids=lambda path: path.name)
def test_the_protocol_is_pure(path: Path) -> None:
    """It turns bytes into messages and events into bytes."""
    assert is_pure(path)


@pytest.mark.parametrize("path", sorted(PACKAGE.joinpath("normalize").rglob("*.py")), ids=lambda path: path.name)
def test_what_is_said_for_a_text_is_pure(path: Path) -> None:
    """It turns text into words."""
    assert is_pure(path)


@pytest.mark.parametrize("name", PURE_CORE)
def test_what_the_core_reckons_with_is_pure(name: str) -> None:
    """The time is handed in."""
    assert is_pure(PACKAGE / "core" / f"{name}.py")


def test_the_core_knows_no_wire() -> None:
    """No message, no code name, no close code of any protocol."""
    for path in PACKAGE.joinpath("core").rglob("*.py"):
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not words & {*get_args(ErrorCode), *range(1000, 1016), 4401, 4408} - {1000}, path


def test_the_core_opens_no_socket() -> None:
    """It knows trio's clock and channels; bytes on the network belong to net and server."""
    network = {"httpx", "h11", "socket", "trio_websocket", "ssl"}
    for path in PACKAGE.joinpath("core").rglob("*.py"):
        assert {module.split(".")[0] for _, module in imports_of(path)} & network == set(), path


def test_nobody_imports_asyncio() -> None:
    """One event loop: trio."""
    for path in MODULES:
        assert "asyncio" not in {module.split(".")[0] for _, module in imports_of(path)}, path


def test_a_wrong_arrow_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: an import inside of a function, of a sibling, is one."""
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    wrong = tmp_path / "providers" / "wrong.py"
    wrong.parent.mkdir()
    wrong.write_text("def f():\n    from voxint.server import serve\n    from voxint import testing\n")
    assert wrong_arrows(wrong) == [
        "providers/wrong.py:2 imports voxint.server",
        "providers/wrong.py:3 imports voxint.testing",
    ]
