"""Sizes, names and docstrings of the source; where a limit is met, look for the part that has a name."""

import ast
from pathlib import Path

import numpy as np
import pytest

SOURCE = Path(__file__).parents[2] / "src/napari_emrestore"
MODULES = sorted(SOURCE.rglob("*.py"))
NAMELESS = {"utils", "helpers", "common", "misc", "base", "manager"}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60
MEDIAN_FUNCTION, P90_FUNCTION = 12, 35


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def code_lines(function):
    """Return the lines of a function without its docstring."""
    documented = ast.get_docstring(function) is not None
    docstring = function.body[0].end_lineno - function.body[0].lineno + 1 if documented else 0
    return function.end_lineno - function.lineno + 1 - docstring


def public(tree):
    """Yield public modules, classes, functions and methods with the name they are known by."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                methods = (m for m in node.body if isinstance(m, ast.FunctionDef) and m.name[0] != "_")
                yield from ((f"{node.name}.{m.name}", m) for m in methods)


def is_stub(node):
    return isinstance(node, ast.FunctionDef) and isinstance(
        getattr(node.body[-1], "value", None), ast.Constant
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_a_module_is_short_and_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_MODULE
    assert ast.get_docstring(ast.parse(text)), "a module starts with a docstring"
    assert path.stem not in NAMELESS
    long = [f"{f.name}: {code_lines(f)}" for f in functions(path) if code_lines(f) > LONGEST_FUNCTION]
    assert not long, "past 60 lines, look for the part that has a name"


def test_functions_are_short_as_a_habit():
    lengths = [code_lines(function) for path in MODULES for function in functions(path)]
    assert np.median(lengths) <= MEDIAN_FUNCTION
    assert np.percentile(lengths, 90) <= P90_FUNCTION


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_public_things_have_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [name for name, node in public(tree) if not ast.get_docstring(node) and not is_stub(node)]
    assert bare == []


def test_packages_are_named_in_the_architecture_page():
    page = (SOURCE.parents[1] / "docs/architecture.md").read_text(encoding="utf-8")
    packages = [path.parent.name for path in SOURCE.glob("*/__init__.py")]
    assert [package for package in packages if f"  {package}/ " not in page] == []
