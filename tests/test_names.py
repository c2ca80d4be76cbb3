"""Names of the glossary are in the code, and its retired names are not."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TERMS, RETIRED = (ROOT / "docs" / "glossary.md").read_text("utf-8").split("## Retired names")
FILES = sorted((ROOT / "importer").rglob("*.py"))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@functools.cache
def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in FILES]


def defined() -> set[str]:
    """Return the names of all modules, classes, functions and methods of the package."""
    names = {path.stem for path in FILES} | {path.parent.name for path in FILES}
    for tree in trees():
        definitions = (n for n in ast.walk(tree) if isinstance(n, (ast.ClassDef, *_FUNCTIONS)))
        names |= {definition.name for definition in definitions}
    return names


def bound() -> set[str]:
    """Return the names of all values: variables, attributes and fields."""
    names = set()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
    return names


def cells(text: str, column: int) -> list[str]:
    """Return the names in backticks in one column of a table."""
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return re.findall(r"`([^`]+)`", " ".join(row[column] for row in rows[1:]))


def test_every_term_of_the_glossary_is_in_the_code() -> None:
    names = cells(TERMS, 2)
    assert len(names) > 50
    assert set(names) - defined() - bound() == set()


def test_no_retired_name_is_a_module_class_or_function() -> None:
    retired = [name for name in cells(RETIRED, 0) if not name.startswith("blocks")]
    assert len(retired) > 40
    assert set(retired) & defined() == set()


def test_each_term_of_the_glossary_is_defined_once() -> None:
    terms = re.findall(r"^\| ([a-z][^|]*?) \|", TERMS, re.MULTILINE)[1:]
    assert len(terms) == len(set(terms))
