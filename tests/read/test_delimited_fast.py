"""The fast path for regular text gives the sheet of the careful reader, or declines."""

from __future__ import annotations

import contextlib
import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer.arrow import cells_of
from importer.errors import UsageError
from importer.read import delimited_fast as plain
from importer.read.delimited_fast import read_plain
from importer.read.detect import grid_of
from importer.read.sheet import _sheet
from importer.records import ReadOptions, Sheet

HEADER = ["Name", "Phone", "Note"]
CELLS = st.sampled_from(
    [
        *("", "", " ", "Anar Demo", "Günay", "0501234567", "ı", "\u00a0", "\ufeff", "a,b", 'a "b"'),
        *(
            "total",
            "Итого: 5",
            "Cəmi",
            "ÇƏMİ",
            "Total Sum",
            "- TOTAL -",
            "Grand total",
            "VIP:",
            "A",
            "Name",
            "x\ny",
            "'=1",
        ),
    ]
)
PIECES = st.sampled_from(
    [
        "Anar",
        "a,b,c",
        ",,",
        '"',
        '""',
        '"a"',
        '"a,b"',
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        ",",
        "\0",
        "Cəmi,1,2",
    ]
)


def facts(sheet: Sheet) -> dict[str, Any]:
    found = asdict(sheet)
    table = found.pop("table")
    return found | {
        "rows": table.index.tolist(),
        "columns": {label: cells_of(table[label]) for label in table},
    }


def check_both(data: bytes, options: ReadOptions | None = None) -> Sheet | None:
    """Read with the fast path and the careful reader; compare unless the former declines."""
    options = options or ReadOptions()

    def careful(part: bytes) -> Sheet:
        return _sheet(grid_of(part, "list.csv", options), "list.csv", options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "_HEAD", 40)
        patch.setattr(plain, "_PIECE", 64)
        fast = read_plain(data, "list.csv", options, careful)
    if fast:
        assert facts(fast) == facts(careful(data))
    return fast


def sheet(*rows: list[str], end: str = "\r\n", delimiter: str = ",") -> bytes:
    file = io.StringIO()
    first = [HEADER, ["Anar", "1", "with a note"], ["Günay", "2", "with another"]]
    csv.writer(file, lineterminator=end, delimiter=delimiter).writerows([*first, *rows])
    return file.getvalue().encode()


@settings(max_examples=80)
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["", "\n", "\n\n\n"]),
)
def test_fast_path_equals_the_careful_reader_on_sheets_of_any_cells(
    rows: list[list[str]], end: str, delimiter: str, tail: str
) -> None:
    check_both(sheet(*rows, end=end, delimiter=delimiter) + tail.replace("\n", end).encode())


@settings(max_examples=80)
@given(
    st.lists(PIECES, max_size=12).map("".join), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
)
@example('a,"b\nc,d",e\n', "utf-8")
@example('x"y,"z,1\n', "utf-8")
def test_fast_path_equals_the_careful_reader_on_any_text(text: str, encoding: str) -> None:
    with contextlib.suppress(UsageError):  # the careful reader raises it to ask
        check_both((sheet().decode() + text).encode(encoding))


@pytest.mark.parametrize(
    "data",
    [
        sheet(["Orxan", "3", "x"]),
        sheet(["Orxan", "3", 'a "quoted" word, and a comma'], ["", "5", "4"]),
        sheet(["Orxan", "3", "x"], delimiter=";"),
        b"\xef\xbb\xbf" + sheet(["Orxan", "3", "x"]) + b"\r\n\r\n",
        sheet(["Orxan", "3", "x"]).replace(b"\r\n", b",\r\n"),
        sheet(["Иван", "3", "Тестов"] * 1).decode().replace("ü", "у").encode("cp1251"),
    ],
    ids=["plain", "quotes", "semicolon", "mark and tail", "comma at the end", "cp1251"],
)
def test_regular_sheet_is_read_by_the_fast_path(data: bytes) -> None:
    assert check_both(data, ReadOptions(encoding="cp1251" if b"\xc8" in data else None))


@pytest.mark.parametrize(
    "data",
    [
        sheet(["Orxan", "3"]),
        sheet(["Orxan", "3", "x", "y"]),
        sheet(["", "", ""]),
        sheet([" ", "", "\u00a0"]),
        sheet(["Cəmi", "3", ""]),
        sheet(["", "General", ""], ["", "Ümumi cəmi", "7"]),
        sheet(["VIP: ", "", ""]),
        sheet(HEADER),
        sheet(["Orxan", "3", "two\nlines"]),
        sheet() + b'"Orxan,3,x\r\n',
        sheet() + b"\r\nOrxan,3,x\r\n",
        sheet() + b"Orxan,\xff,x\r\n",
        b"Customers of 2024 and before, all\r\n" + sheet(),
        b"sep=,\r\n" + sheet(),
        sheet().replace(b"Note", b'"a\r\nb"'),
        sheet().decode().encode("utf-16"),
        b"a,b\r\n" * 3,
        b"\n" * 50 + b"a",
    ],
)
def test_irregular_sheet_is_left_to_the_careful_reader(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        assert check_both(data) is None


def test_fast_path_equals_the_careful_reader_on_the_samples() -> None:
    for path in (Path(__file__).parents[2] / "samples" / "exports").glob("*.csv"):
        check_both(path.read_bytes())
