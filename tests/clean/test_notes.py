"""Several columns of notes make one description, each cell read by itself (R10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.pipeline import Output, SheetOptions, check

if TYPE_CHECKING:
    from pathlib import Path

SHEET = """Ad Soyad;Telefon;Qeyd;Qeydlər
Aysel Nümunə;050 200 00 01;#REF!;abc
Tural Nümunə;050 200 00 02;-;def;
Rauf Nümunə;050 200 00 03;x;"y; "
Nigar Nümunə;050 200 00 04;;
"""


def test_error_cell_in_one_of_several_notes_holds_the_row_back(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    prepared = check(path, SheetOptions(region="AZ"), Output()).prepared
    problems = [(each.row, each.field, each.code) for each in prepared.problems]
    assert problems == [(2, "description", "cell_error")]
    notes = prepared.values["description"].astype(object).where(lambda cells: cells.notna(), None)
    assert notes.tolist()[-3:] == ["def", "x; y;", None]
