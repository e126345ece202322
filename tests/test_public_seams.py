"""No private name of a dependency is touched: what has an underscore in front is theirs to change without a word.

Types are not known here, so the rule goes by names, and where a name could be either's it is taken for theirs:

- Nothing is imported from a module of theirs, or by a name, that begins with an underscore.
- `anything._name` is ours only if a file of the same folder declares `_name`, and no dependency that the file imports
  has such a name. `self._name` and `cls._name` are ours, unless
- the class has a base of theirs, whose source has such a name: then it is overridden, or reached.

The standard library is no dependency: `os._exit` is public in its documentation.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "voxint"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")

REACHING = {"getattr", "setattr", "hasattr", "delattr"}
PRIVATE = re.compile(
    r"(?:\bself|\bcls)\.(_[A-Za-z]\w*)|\b(?:def|class) (_[A-Za-z]\w*)|^    (_[A-Za-z]\w*)\s*[:=]", re.M
)


def is_private(name: str) -> bool:
    """Return whether a name is private by its form."""
    return name.startswith("_") and not name.endswith("__")


@cache
def is_theirs(module: str) -> bool:
    """Return whether a module is a dependency's; what is there for type checkers alone is nobody's."""
    root = module.partition(".")[0]
    return root != "voxint" and root not in sys.stdlib_module_names and importlib.util.find_spec(root) is not None


def private_names(source: str) -> set[str]:
    """Return the private names that a source declares: methods, classes, and attributes of instances and classes."""
    return {next(filter(None, groups)) for groups in PRIVATE.findall(source)}


@cache
def names_of_dependency(root: str) -> frozenset[str]:
    """Return the private names of a dependency's whole source."""
    spec = importlib.util.find_spec(root)
    if spec is None or spec.origin is None:
        return frozenset()
    folder = Path(spec.origin)
    files = folder.parent.rglob("*.py") if folder.name == "__init__.py" else [folder]
    sources = (path.read_text(encoding="utf-8") for path in files if path.suffix == ".py")
    return frozenset().union(*map(private_names, sources))


@cache
def names_of_folder(folder: Path) -> frozenset[str]:
    """Return the private names that a folder of ours declares."""
    return frozenset().union(*(private_names(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")))


def imported(tree: ast.AST) -> Iterator[tuple[ast.stmt, str, list[ast.alias]]]:
    """Yield every module that a file imports, and the names it takes from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or "", node.names


def reached(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, str]]:
    """Yield every private name that a file reaches for, with what it is reached in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            yield node, node.value, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REACHING:
            named = node.args[1] if len(node.args) > 1 else None
            if isinstance(named, ast.Constant) and isinstance(named.value, str) and is_private(named.value):
                yield node, node.args[0], named.value


def violations(path: Path, root: Path = PACKAGE) -> list[str]:
    """Return where a file touches a private name of a dependency."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    found, theirs, standard = [], set[str](), set[str]()
    for node, module, names in imported(tree):
        if is_theirs(module):
            theirs |= names_of_dependency(module.partition(".")[0])
            private = [name for name in (*module.split("."), *(alias.name for alias in names)) if is_private(name)]
            found += [(node.lineno, f"imports {module} {name}") for name in private]
        elif module in sys.stdlib_module_names and not names:
            standard.add(module)
    ours = names_of_folder(path.parent)
    for reach, of, name in reached(tree):
        if isinstance(of, ast.Name) and of.id in {"self", "cls", *standard}:
            continue
        if name not in ours or name in theirs:
            found.append((reach.lineno, ast.unparse(reach)))
    return [f"{path.relative_to(root).as_posix()}:{line} {what}" for line, what in sorted(found)]


def overrides(module: object) -> list[str]:
    """Return the private names of foreign bases that classes of a module declare, or reach in themselves."""
    found = []
    for name, kind in inspect.getmembers(module, inspect.isclass):
        if kind.__module__ != getattr(module, "__name__", None):
            continue
        foreign = [base for base in kind.__mro__ if is_theirs(base.__module__) and base.__module__ != kind.__module__]
        reached_in_self = names_in_self(kind) | {key for key in vars(kind) if is_private(key)}
        for private in sorted(reached_in_self & names_of_classes(foreign)):
            found.append(f"{kind.__module__}.{name} has {private}")
    return found


def names_in_self(kind: type) -> set[str]:
    """Return the private names that a class reaches in its instances, by its source."""
    try:
        return private_names(inspect.getsource(kind))
    except (OSError, TypeError):
        return set()  # made by a call, as a named tuple is


def names_of_classes(kinds: Iterable[type]) -> set[str]:
    """Return the private names of classes, those of their instances too."""
    return {
        name
        for kind in kinds
        for name in names_in_self(kind) | {key for key in vars(kind) if is_private(key)}
        if not name.startswith("_abc_")  # of the standard library's machinery
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_private_name_of_a_dependency_is_touched(path: Path) -> None:
    """Neither imported, nor reached, nor overridden."""
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    assert violations(path) + overrides(importlib.import_module(module)) == []


TOUCHES = {
    "import httpcore\ndef f(response):\n    return response.stream._stream\n": "response.stream._stream",
    "import h11\nh11_conn = h11.Connection(h11.SERVER)\nprint(h11_conn._receive_buffer)\n": "h11_conn._receive_buffer",
    "import trio_websocket\ndef f(ws):\n    return ws._wsproto\n": "ws._wsproto",
    "import trio\nclass A:\n    _x = 1\n    def f(self):\n        return self.stream._x\ntrio._core\n": "trio._core",
    "def f(x):\n    return getattr(x, '_hidden')\n": "getattr(x, '_hidden')",
    "from httpcore._async.http11 import HTTPConnectionState\n": "imports httpcore._async.http11 _async",
    "from trio import _core\n": "imports trio _core",
    "import trio._core\n": "imports trio._core _core",
    "import httpx\nclass A:\n    def __init__(self): self._stream = 1\ndef f(r): return r._stream\n": "r._stream",
}


@pytest.mark.parametrize(("source", "found"), TOUCHES.items())
def test_a_touch_is_found(source: str, found: str, tmp_path: Path) -> None:
    """The test above can fail, also for a name that our own code has beside theirs."""
    path = tmp_path / "touch.py"
    path.write_text(source)
    assert [line.partition(" ")[2] for line in violations(path, tmp_path)] == [found]


def test_an_override_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a method of a foreign base, and of what it keeps in its instances, which is there at run time alone."""
    (tmp_path / "overriding.py").write_text(
        "from trio_websocket import WebSocketConnection\n"
        "class Own(WebSocketConnection):\n"
        "    async def _send(self, event): return self._stream\n"
        "    def _our_own(self): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("overriding")
    assert overrides(module) == ["overriding.Own has _send", "overriding.Own has _stream"]


def test_what_is_our_own_is_ours(tmp_path: Path) -> None:
    """Of the same file or the same folder, and what the standard library documents."""
    (tmp_path / "beside.py").write_text("class Line:\n    def _interrupt_now(self): pass\n")
    path = tmp_path / "own.py"
    path.write_text(
        "import os\nfrom beside import Line\n"
        "class A:\n    _kept = 1\n    def f(self, other: A, line: Line):\n"
        "        line._interrupt_now()\n        return self._kept + other._kept\n"
        "    def g(self):\n        os._exit(1)\n"
    )
    assert violations(path, tmp_path) == []
