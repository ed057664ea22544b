"""Every public function of the package says what it takes and what it gives."""

import ast
from collections.abc import Iterator

import pytest

from support import ROOT

FILES = sorted((ROOT / "explorer").rglob("*.py"))


def public(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """The functions and methods whose name, and that of their class, begins with no underscore."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            if isinstance(child, ast.FunctionDef):
                yield child
            else:
                yield from public(child)


def unsaid(function: ast.FunctionDef) -> list[str]:
    """What of a function has no type."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    names = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
    return names + ["return"] * (function.returns is None)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_public_functions_are_annotated(file):
    left_out = {one.name: unsaid(one) for one in public(ast.parse(file.read_text(encoding="utf-8")))}
    left_out = {name: parts for name, parts in left_out.items() if parts}
    assert not left_out, "say the type of each; arrays have theirs in explorer/arrays.py"


def test_what_is_missing_is_seen():
    source = "class A:\n    def one(self, x, *, y: int) -> int: ...\n    def _two(self, z): ...\ndef three(): ..."
    assert {one.name: unsaid(one) for one in public(ast.parse(source))} == {"one": ["x"], "three": ["return"]}
