"""CSV that is written by columns is what Python's own writer makes of the same cells."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from importer.read.sheet import given_back
from importer.results.csv_writer import harmless, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT = st.text(
    st.one_of(st.sampled_from("=+-@\t\r\n'\",; 0aə"), st.characters(exclude_categories=["Cs"])),
    max_size=8,
)
PHONES = st.from_regex(r"\+[0-9 ()-]{1,12}", fullmatch=True)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(2, 4))
    cell = draw(st.sampled_from([TEXT, TEXT | PHONES, PHONES]))
    return draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=2, max_size=8))


@given(rows=tables(), delimiter=st.sampled_from([",", ";", "\t", "|", None]), cut=st.integers(0, 7))
def test_the_bytes_are_those_of_the_writer_of_python(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    delimiter: str | None,
    cut: int,
) -> None:
    header, *lines = rows
    blocks = [
        [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
        for block in (lines[:cut], lines[cut:])
        if block
    ]
    # A block may be a slice of a larger one.
    blocks = [[pa.concat_arrays([c, c]).slice(len(c)) for c in block] for block in blocks]
    path: Path = tmp_path_factory.getbasetemp() / "written.csv"
    write_csv(path, header, blocks, delimiter)

    expected = io.StringIO()
    writer = csv.writer(expected, delimiter=delimiter if delimiter in {",", ";", "\t"} else ",")
    writer.writerows([harmless(cell) for cell in line] for line in rows)
    assert path.read_bytes() == expected.getvalue().encode("utf-8-sig")


@given(TEXT | PHONES)
def test_what_was_made_harmless_isgiven_back(text: str) -> None:
    made = harmless(text)
    assert given_back(made) == text
    assert made[:1] not in {*"=-@\t\r"}
    assert not made.startswith("+") or set(made[1:]) <= set("0123456789 ()-")
