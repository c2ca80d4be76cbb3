"""Exports of old POS are read as expected: a file for each trap.

Beside each sheet in `sheets/` lies its expected result, NAME.expected.json:

- `rows`: row → the customer as it would be sent, or its problems, or its status;
- `error`: words of the error where the sheet is refused;
- `note`: words of a note of the reader; `facts`: attributes of the sheet;
- `read`, `map`: flags of the user (encoding, delimiter, header_row; FIELD=HEADER).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.read.sheet_cases import Case, check_case

FOLDER = Path(__file__).parent / "sheets"
SHEETS = sorted(
    path.relative_to(FOLDER).as_posix()
    for path in FOLDER.rglob("*")
    if path.is_file() and not path.name.endswith(".expected.json")
)


@pytest.mark.parametrize("name", SHEETS)
def test_sheet_is_read_as_expected(name: str) -> None:
    path = FOLDER / name
    facts = json.loads((FOLDER / f"{name}.expected.json").read_text("utf-8"))
    case = Case(
        data=b"",
        rows={int(row): expected for row, expected in facts.get("rows", {}).items()},
        error=facts.get("error", ""),
        facts=facts.get("facts", {}),
        note=facts.get("note", ""),
        read=facts.get("read", {}),
        given=tuple(tuple(pair.split("=", 1)) for pair in facts.get("map", [])),
    )
    check_case(case, path)
