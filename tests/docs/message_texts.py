"""What an expression of the sources can say: the texts in it, and `{name}` for what is filled in."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import product

from tests.docs.pages import ROOT

__all__ = ["Names", "called", "imported", "nodes", "texts", "top"]

Names = dict[str, list[str]]
"""What the names stand for that an expression can see, in each way in which they are given."""


def top(tree: ast.Module) -> Names:
    """Return the texts of a module's own names, and of those that it imports."""
    return imported(tree) | constants([each for each in tree.body if isinstance(each, ast.Assign | ast.AnnAssign)])


def called(node: ast.expr) -> str:
    """Return the name that is called, without what it belongs to."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def texts(node: ast.expr, names: Names) -> list[str]:
    """Return what an expression can say; `{name}` for what the sources don't."""
    match node:
        case ast.Constant(value=str() | bytes() | int() as value):
            text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            return [text.removesuffix("\n")]
        case ast.JoinedStr(values=parts):
            return ["".join(each) for each in product(*(texts(part, names) for part in parts))]
        case ast.FormattedValue(value=ast.Constant() | ast.IfExp() as value):
            return texts(value, names)
        case ast.FormattedValue(value=ast.Name(id=name)) if name in names and _is_words(names[name]):
            return names[name]
        case ast.FormattedValue(value=value):
            return [_hole(value)]
        case ast.IfExp(body=body, orelse=other):
            return [*texts(body, names), *texts(other, names)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [a + b for a, b in product(texts(left, names), texts(right, names))]
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Attribute(value=ast.Name(id=module), attr=name) if f"{module}.{name}" in names:
            return names[f"{module}.{name}"]
        case ast.Call(func=ast.Attribute(value=inner, attr="encode" | "strip" | "rstrip")):
            return texts(inner, names)
        case _:
            return [_hole(node)]


def _is_words(texts: list[str]) -> bool:
    """Return whether a variable that is filled in is worth showing: a part of a sentence, and few ways of it."""
    return len(texts) <= 4 and all(" " in text or not text for text in texts)


def _hole(node: ast.expr) -> str:
    """Return what stands for an expression, by the name in it that says most."""
    match node:
        case ast.Attribute(attr="__name__"):
            return "{kind}"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return "{" + name.lstrip("_").lower() + "}"
        case ast.Call(args=[ast.Constant(value=str() as name)]):
            return "{" + name + "}"
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner]) | ast.Call(func=ast.Name(), args=[inner, *_]):
            return _hole(inner)
        case ast.Call(func=ast.Attribute(value=inner)) | ast.Subscript(value=inner):
            return _hole(inner)
        case ast.List(elts=[inner, *_]) | ast.Tuple(elts=[inner, *_]) | ast.Starred(value=inner):
            return _hole(inner)
        case ast.BinOp(left=ast.Constant(), right=inner) | ast.BinOp(left=inner):
            return _hole(inner)
        case ast.GeneratorExp(generators=[each, *_]):
            return _hole(each.iter)
        case ast.BoolOp(values=[inner, *_]) | ast.Await(value=inner) | ast.IfExp(body=inner):
            return _hole(inner)
        case _:
            return "{…}"


def constants(body: Iterable[ast.stmt]) -> Names:
    """Return what the names are that these statements give to texts, in each way in which they do."""
    found: Names = {}
    for statement in body:
        for node in ast.walk(statement):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    given = texts(value, found)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    given = texts(value, found)
                case _:
                    continue
            if not any(text.startswith("{") and text.endswith("}") and " " not in text for text in given):
                found[name] = [*dict.fromkeys((*found.get(name, ()), *given))]
    return found


def imported(tree: ast.Module) -> Names:
    """Return the texts that a module takes from others of ours, by the names that it calls them."""
    found: Names = {}
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("voxint."):
            continue
        module = node.module or ""
        theirs = _module(module)
        for alias in node.names:
            if alias.name in theirs:
                found[alias.asname or alias.name] = theirs[alias.name]
            elif alias.name == "words":
                found |= {f"words.{name}": texts for name, texts in _module(f"{module}.words").items()}
    return found


def _module(name: str) -> Names:
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    upper = constants([each for each in tree.body if isinstance(each, ast.Assign | ast.AnnAssign)])
    return {name: texts for name, texts in upper.items() if name.isupper()}


def nodes(tree: ast.AST, names: Names) -> Iterator[tuple[ast.expr, Names]]:
    """Yield each expression with the names that it can see; docstrings are none."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        inner = names
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = names | constants(node.body)
        if isinstance(node, ast.expr):
            yield node, inner
        if not isinstance(node, ast.JoinedStr):
            yield from nodes(node, inner)
