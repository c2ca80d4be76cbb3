"""Laws of sheets: written cells are read back, cleaning is idempotent, order has no meaning."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from importer.arrow import cells_of, frame, text_column
from importer.clean.columns import clean
from importer.errors import UsageError
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.read import read
from importer.records import (
    FIELDS,
    ColumnMapping,
    MappingChoices,
    Reading,
    ReadOptions,
    Sheet,
    Status,
)
from importer.results.outcomes import Outcomes
from importer.results.write import write_results
from importer.text import tidy
from tests.workbook_builders import jsonl, parquet, xlsx

if TYPE_CHECKING:
    import random
    from pathlib import Path

PROFILES = load_profiles()
quickly = settings(
    max_examples=settings().max_examples // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# Cells of all formats: no unpaired surrogates, no NUL, no character that XML forbids.
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffe\uffff")
strange = st.sampled_from(
    [
        "=1+1",
        "+994500000001",
        "-1",
        "@x",
        "'",
        "''=",
        "'=1",
        '"',
        '""',
        ",;\t|",
        "a\r\nb",
        "\r",
        "\n",
        "007",
        "#N/A",
        "_x0041_",
        "\u2028",
        "Name",
        "Phone",
        "total",
        '="x"',
        "sep=;",
        "<b>",
        "{",
        "é",
    ]
)
cells = st.one_of(st.text(letters, max_size=12), strange, st.just(""))
headers = st.one_of(
    st.sampled_from(["Name", "Phone", "Код", "Doğum tarixi", "=x", "+1", "'y", ""]),
    st.text(letters, max_size=8).map(tidy),
)


@st.composite
def sheets(draw: st.DrawFn, *, distinct: bool = False) -> Sheet:
    """Return any sheet."""
    header = draw(st.lists(headers, min_size=1, max_size=5, unique=distinct))
    width = len(header)
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5))
    return sheet_of(header, rows, draw(st.sampled_from([None, ",", ";", "\t", "|"])))


def sheet_of(header: list[str], rows: list[list[str]], delimiter: str | None = None) -> Sheet:
    columns = {n: text_column(list(column)) for n, column in enumerate(zip(*rows, strict=True))}
    table = frame(columns, pd.RangeIndex(2, len(rows) + 2))
    return Sheet("list.csv", "csv", tuple(header), table, 1, delimiter=delimiter)


def texts(sheet: Sheet) -> list[list[str]]:
    return [cells_of(sheet.table[number]) for number in range(len(sheet.headers))]


def read_back_cells(sheet: Sheet, path: Path) -> Sheet:
    """Write the results of a sheet and return the cells that are read back."""
    path.unlink(missing_ok=True)
    outcomes = Outcomes(sheet.table.index, {}, Status.READY)
    return read(write_results(path, sheet, outcomes), ReadOptions())


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@given(sheet=sheets())
@quickly
def test_results_are_read_back_unchanged(suffix: str, sheet: Sheet, tmp_path: Path) -> None:
    back = read_back_cells(sheet, tmp_path / f"results.{suffix}")
    assert back.headers == sheet.headers
    assert texts(back) == texts(sheet)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@given(sheet=sheets(distinct=True))
@quickly
def test_results_with_distinct_headers_are_read_back_unchanged(
    suffix: str, sheet: Sheet, tmp_path: Path
) -> None:
    """These formats allow each header once; a repeated one is numbered."""
    back = read_back_cells(sheet, tmp_path / f"results.{suffix}")
    assert back.headers == sheet.headers
    assert texts(back) == texts(sheet)


def test_results_of_results_equal_the_results(tmp_path: Path) -> None:
    sheet = sheet_of(["Name", "Note"], [["=A", "'=1"], ["'", "''@"], ["+994500000001", "-"]])
    once = read_back_cells(sheet, tmp_path / "a.csv")
    assert texts(read_back_cells(once, tmp_path / "b.csv")) == texts(sheet)


ALPHABETS = {
    "utf-8": "əŞжé漢😀",
    "utf-8-sig": "əŞжé漢😀",
    "utf-16": "əŞжé漢😀",
    "utf-16-le": "əŞжé",
    "utf-16-be": "əŞжé",
    "windows-1251": "ЖжёЁЯя№",
    "koi8-r": "ЖжёЁЯя",
    "cp866": "ЖжёЁЯя№",
    "mac-cyrillic": "ЖжёЁЯя№",
    "windows-1252": "éüñßÿ€",
    "windows-1254": "ğİışŞç",
    "iso-8859-9": "ğİışŞç",
}


@pytest.mark.parametrize("encoding", ALPHABETS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@given(data=st.data())
@settings(quickly, max_examples=settings().max_examples // 5)
def test_any_text_is_read_back_in_any_encoding(
    encoding: str, end: str, data: st.DataObject, tmp_path: Path
) -> None:
    cell = st.text(f"abc 019,;\"'=+-\n{ALPHABETS[encoding]}", max_size=10)
    row = st.tuples(st.just("Demo"), cell, cell).map(list)
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["Name", "Phone", "Note"], *rows])
    path = tmp_path / "list.csv"
    path.write_bytes(file.getvalue().encode(encoding))
    sheet = read(path, ReadOptions(encoding=encoding))
    assert texts(sheet) == [list(column) for column in zip(*rows, strict=True)]


def test_half_a_surrogate_pair_becomes_a_replacement_character(tmp_path: Path) -> None:
    """JSON can hold one. It is read as U+FFFD; complete pairs are unchanged."""
    path = tmp_path / "list.jsonl"
    path.write_text('{"Name": "Anar \\ud83d", "Note": "\\ud83d\\ude00"}\n', encoding="utf-8")
    assert texts(read(path, ReadOptions())) == [["Anar \ufffd"], ["😀"]]


@pytest.mark.parametrize("make", [xlsx, "jsonl", "parquet"], ids=["xlsx", "jsonl", "parquet"])
def test_files_of_other_programs_are_read_unchanged(make: object, tmp_path: Path) -> None:
    rows = [["Anar", "007", "=1+1"], ["Lalə", "+994500000001", "a\nb"]]
    header = ["Name", "Phone", "Note"]
    table = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    if make == "jsonl":
        data = jsonl(*(dict(zip(header, row, strict=True)) for row in rows))
    elif make == "parquet":
        data = parquet(table)
    else:
        rows[0][2] = "1"  # the library writes a formula
        data = xlsx([header, *rows])
    path = tmp_path / "list"
    path.write_bytes(data)
    assert texts(read(path, ReadOptions())) == [list(column) for column in zip(*rows, strict=True)]


VALUES = {
    "name": cells,
    "phone": st.one_of(cells, st.from_regex(r"[+(]?[0-9][0-9 ()./-]{5,14}", fullmatch=True)),
    "email": st.one_of(cells, st.emails()),
    "code": st.one_of(cells, st.from_regex(r"[A-Z0-9.]{1,6}", fullmatch=True)),
    "cid": st.one_of(st.uuids().map(str), cells),
    "gender": st.sampled_from(["1", "2", "M", "K", "Kişi", "жен", "x", ""]),
    "date_of_birth": st.one_of(cells, st.dates().map(str), st.dates().map("{:%d.%m.%Y}".format)),
    "description": cells,
    "group_id": st.one_of(st.integers(0, 99).map(str), cells),
}
OURS = ColumnMapping({name: (place,) for place, name in enumerate(FIELDS)})


@given(st.lists(st.tuples(*(VALUES[name] for name in FIELDS)), min_size=1, max_size=4))
@example([("Demo", "", "x; `a@example.com", "", "", "", "", "", "")])
@example([("Demo", "", "Demo <'a@example.com>", "", "", "", "", "", "")])
@example([("Demo", "", "<", "", "", "", "", "", "")])
@example([("Demo", "", "Demo <>", "", "", "", "", "", "")])
@settings(quickly, max_examples=2 * settings().max_examples)
def test_cleaning_is_idempotent(rows: list[tuple[str, ...]]) -> None:
    reading = Reading("AZ", "DMY", "az")
    once = clean(sheet_of(list(FIELDS), list(map(list, rows))), OURS, reading)
    cleaned = [cells_of(once.values[name]) for name in FIELDS]
    again = [
        ["" if value is None else str(value) for value in row] for row in zip(*cleaned, strict=True)
    ]
    twice = clean(sheet_of(list(FIELDS), again), OURS, reading)
    assert [cells_of(twice.values[name]) for name in FIELDS] == cleaned
    assert not [problem for problem in twice.problems if re.match("invalid|.*lost", problem.code)]


WORDS = "Name;Ad;Soyad;Имя;Фамилия;Phone;Mobil;E-poçt;Email;Kod;Card No;Cinsi;Birthday;Qeyd;Note;x;"


@given(
    st.lists(st.sampled_from(WORDS.split(";")), min_size=1, max_size=7, unique=True), st.randoms()
)
@settings(quickly, max_examples=2 * settings().max_examples)
def test_mapping_does_not_depend_on_the_order_of_columns(
    header: list[str], random_: random.Random
) -> None:
    shuffled = header[:]
    random_.shuffle(shuffled)

    def mapped(header: list[str]) -> object:
        try:
            mapping = map_columns(
                sheet_of(header, [["1"] * len(header)]), PROFILES, MappingChoices()
            )
        except UsageError as error:
            return re.sub("«.*", "", error.what)
        return {
            name: {header[place] for place in places} for name, places in mapping.columns.items()
        }

    assert mapped(header) == mapped(shuffled)
