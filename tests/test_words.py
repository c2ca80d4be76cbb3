"""Retired words (CONTRIBUTING, English) stay out of docstrings, comments, test names and docs."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
ROOMS = sorted(
    {
        *(path.parent for path in (ROOT / "importer").rglob("*.py")),
        *(path.parent for path in (ROOT / "tests").rglob("*.py")),
        *(ROOT / name for name in ("schemas", "tools", "benchmarks")),
    }
)
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "tests/README.md")),
]
RETIRED = re.compile(
    r"\b(mend(s|ed|ing)?|carr(y|ies|ied|ying) on|whoever|(some|no|any)body|strangers?|"
    r"the dead|(put|set|turned) (aside|over)|such as)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(r"(What|Who|Whoever|How|When|Where|Whether)\b")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@functools.lru_cache(maxsize=1)
def _nodes(source: str) -> list[ast.AST]:
    return [*ast.walk(ast.parse(source))]


def docstrings(source: str) -> Iterator[str]:
    for node in _nodes(source):
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            yield text


def comments(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def names(source: str) -> Iterator[str]:
    for node in _nodes(source):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name.replace("_", " ")


def retired_in(source: str) -> list[str]:
    """Return the lines of a module with retired words, and docstrings that begin as questions."""
    texts = [*docstrings(source), *comments(source), *names(source)]
    lines = [line for text in texts for line in text.splitlines() if RETIRED.search(line)]
    return lines + [text for text in docstrings(source) if QUESTION.match(text)]


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_of_a_room_has_no_retired_word(room: Path) -> None:
    found = {
        path.name: lines
        for path in sorted(room.glob("*.py"))
        if path != Path(__file__) and (lines := retired_in(path.read_text("utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_has_no_retired_word(page: Path) -> None:
    assert [line for line in page.read_text("utf-8").splitlines() if RETIRED.search(line)] == []


def test_retired_words_and_questions_are_found() -> None:
    source = '"""What it is."""\ndef test_nobody_is_lost():\n    pass  # mended, e.g. by hand\n'
    assert retired_in(source) == [
        "# mended, e.g. by hand",
        "test nobody is lost",
        "What it is.",
    ]
