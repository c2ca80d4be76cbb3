"""No sheet makes the program hang: time is linear in the size of the file.

Many kilobytes of each text that could make a pattern backtrack, in each place. Linear code needs
less than a tenth of a second for them; slower code is interrupted (`no_hang`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from importer.clean.code import parse_cid, parse_code, parse_group, parse_name, parse_note
from importer.clean.columns import clean
from importer.clean.date import parse_date, proven_order
from importer.clean.email import parse_email
from importer.clean.gender import parse_gender
from importer.clean.phone import parse_phone
from importer.errors import UsageError
from importer.mapping.columns import map_columns
from importer.mapping.header_words import meaning
from importer.mapping.profiles import load_profiles
from importer.read import read
from importer.read.encoding import decode
from importer.read.header import not_a_customer
from importer.records import MappingChoices, Reading, ReadOptions
from importer.text import fold, is_cell_error, is_nothing, tidy
from tests.no_hang import no_hang

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CELL, FILE = 64, 40  # kilobytes
MOST = 2.0  # seconds of processor time, over fifty times that of any text
PROFILES = load_profiles()

PIECES = [
    *(" ", "-", "-. ", "_", ".", "0", "1", "a", "é", "ə ", "(", ")", "((0)", "+", "#", "/", ","),
    *('"', '""', "'", "=", '="', "\\", "\\'", "&", "&amp;", "&#", "<", "<br", "<a ", "<!--", ">"),
    *("<z>", "@", "a@", "a@b.", "<a@b", ".", ". ", "a.b@", "1E+", "1.", "1,", "0/", "1-1-"),
    "2020-01-01 ",
    *("total ", "a: ", "a:", "1.1.2020 ", "итого ", "ext ", "x", "доб.", "; ", " and ", " ,;"),
    *("\n", "\r", "\t", "\u0301\u0327", "\u200b", "\ufffd?", "a?", "_x000D_", "_x", "İ", "Å\u0178"),
    *(
        "null ",
        "Err:5",
        "#N/",
        "05 ",
        "+994 ",
        "1 ",
        "::::",
        "|",
        "{",
        "[",
        "{}",
        '{"a":',
        "[[",
        "}",
    ),
]
PARSERS: dict[str, Callable[[str], object]] = {
    "name": lambda text: parse_name((text,)),
    "parts of a name": lambda text: parse_name((text, "Demo")),
    "phone": lambda text: parse_phone(text, "AZ"),
    "email": parse_email,
    "code": parse_code,
    "cid": parse_cid,
    "group": parse_group,
    "gender": lambda text: parse_gender(text, language=None, own=()),
    "date": lambda text: parse_date(text, None, 1900),
    "order of dates": lambda text: proven_order([text]),
    "note": parse_note,
    "tidy": tidy,
    "fold": fold,
    "nothing": is_nothing,
    "error": is_cell_error,
    "header": meaning,
    "row": lambda text: not_a_customer([text, ""], ["Name", "Phone"]),
    "encoding": lambda text: _tried(lambda: decode(text.encode("cp1251", "replace"), "x", None)),
}


def _tried(do: Callable[[], object]) -> None:
    with contextlib.suppress(UsageError):
        do()


@pytest.mark.parametrize("field", PARSERS)
def test_long_cell_takes_linear_time(field: str) -> None:
    parse = PARSERS[field]
    for piece in PIECES:
        for before, after in (("", "x"), ("1", " x"), ("a@", "")):
            text = before + piece * (CELL * 1024 // len(piece)) + after
            with no_hang(MOST):
                parse(text)


@pytest.mark.parametrize(
    "frame",
    [
        "Name,Phone,Note\nAnar,0500000001,{}\n",
        "Name,Phone,Note\nAnar,{},\n",
        "Name,Phone,{}\nAnar,0500000001,x\n",
        "{}",
        "<table><tr><td>Name<td>Phone<tr><td>Anar<td>{}",
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Row><Data>{}',
        '{{"name": "Anar", "phone": "{}"}}',
    ],
    ids=["note", "phone", "header", "text", "html", "xml", "json"],
)
@pytest.mark.slow(reason="files of a megabyte, read twice")
def test_long_file_takes_linear_time(frame: str, tmp_path: Path) -> None:
    path = tmp_path / "list"
    for piece in PIECES:
        text = piece * (FILE * 1024 // len(piece))
        path.write_text(frame.format(text), encoding="utf-8")
        with no_hang(MOST):
            _tried(lambda: _understood(path))


def _understood(path: Path) -> None:
    sheet = read(path, ReadOptions())
    mapping = map_columns(sheet, PROFILES, MappingChoices())
    clean(sheet, mapping, Reading("AZ", mapping.dates, mapping.language))
