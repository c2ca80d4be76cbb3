"""Results as CSV: any reader restores the cells, no spreadsheet runs one as a formula."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from importer.results.csv_writer import write_csv
from importer.text import BEFORE_FORMULA, escape_formula, unescape_formula

if TYPE_CHECKING:
    from pathlib import Path

SKIPPED = BEFORE_FORMULA.replace("\u2000-\u200b", "\u2000\u2009\u200b")
FORMULA = "=+-@＝＋－＠"
NUMBERS = set("0123456789 ()-")
DELIMITERS = (",", ";", "\t")

TEXT = st.text(
    st.one_of(
        st.sampled_from("=+-@＝\t\r\n'\",;| 0aə\u00a0"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=8,
)
PHONES = st.from_regex(r"\+[0-9 ()-]{1,12}", fullmatch=True)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(2, 4))
    cell = draw(st.sampled_from([TEXT, TEXT | PHONES, PHONES]))
    return draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=2, max_size=8))


def csv_text(path: Path, rows: list[list[str]], delimiter: str | None, cut: int) -> str:
    """Write the rows, as two blocks, and return the text of the file."""
    header, *lines = rows
    blocks = [
        [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
        for block in (lines[:cut], lines[cut:])
        if block
    ]
    # A block may be a slice of a larger table.
    blocks = [[pa.concat_arrays([c, c]).slice(len(c)) for c in block] for block in blocks]
    write_csv(path, header, blocks, delimiter)
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return data.decode("utf-8-sig")


def runs(cell: str) -> bool:
    """Return whether a spreadsheet may run a cell as a formula beyond plain arithmetic."""
    start = cell.lstrip(SKIPPED)
    return start[:1] in {*FORMULA} and not (start[0] == "+" and set(start[1:]) <= NUMBERS)


@given(rows=tables(), delimiter=st.sampled_from([*DELIMITERS, "|", None]), cut=st.integers(0, 7))
def test_csv_is_read_back_by_any_reader(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    delimiter: str | None,
    cut: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    text = csv_text(path, rows, delimiter, cut)
    used = delimiter if delimiter in DELIMITERS else ","
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=used))
    assert found == [[escape_formula(cell) for cell in line] for line in rows]
    assert [[unescape_formula(cell) for cell in line] for line in found] == rows


@given(rows=tables(), delimiter=st.sampled_from(DELIMITERS), other=st.sampled_from(DELIMITERS))
@example([["a"] * 2, ["a,=1+1", "b"]], ";", ",")
@example([["a"] * 2, ["a;=1+1", "b"]], ",", ";")
@example([["a"] * 2, ['a,"=1+1,b', "b"]], ";", ",")
@example([["a"] * 2, ["a\n=1+1\nb", "b"]], ";", ",")
def test_csv_has_no_formula_with_any_separator_of_the_spreadsheet(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, other: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    numbered = [[str(number), *line] for number, line in enumerate(rows)]  # as results are
    text = csv_text(path, numbered, delimiter, 1)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=other)
    with_quotes = [cell for line in lines for cell in line]
    without = [cell.replace('"', "") for cell in re.split("[,;\t\r\n]", text)]
    assert not [cell for cell in with_quotes + without if runs(cell)]


@given(TEXT | PHONES)
@example("＝1+1")
@example(" =1+1")
@example("a,'=1")
@example("+994 50 000 00 01, +994500000002")
def test_escaped_text_is_read_back_and_starts_no_formula(text: str) -> None:
    made = escape_formula(text)
    assert unescape_formula(made) == text
    assert not runs(made)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("+994 (50) 000-00-01", "+994 (50) 000-00-01"),
        ("+994500000002, 050", "'+994500000002, 050"),
        ("050, +994500000002", "050, '+994500000002"),
        ("=1+1", "'=1+1"),
        ("'=1", "''=1"),
        ("'x", "'x"),
        ("a;\u00a0@x", "a;\u00a0'@x"),
        ("+994=1", "'+994=1"),
        ("Bakı - mərkəz", "Bakı - mərkəz"),
    ],
)
def test_only_cells_that_may_run_as_formulas_are_escaped(text: str, escaped: str) -> None:
    assert escape_formula(text) == escaped
