"""Phones that are read as if they had a plus are counted by country (R3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.cli.render_sheet import found_lines
from importer.pipeline import check
from importer.pipeline.options import Output

if TYPE_CHECKING:
    from pathlib import Path

HOME = "".join(f"Demo {n},05011122{n:02}\n" for n in range(20))
ABROAD = "Leyla Demo,905321112233\nRauf Demo,905321112244\nNigar Demo,995555123456\n"


def test_phones_read_as_if_they_had_a_plus_are_counted_by_country(tmp_path: Path) -> None:
    """Only rows that are sent count: neither duplicates nor invalid ones."""
    sheet = tmp_path / "list.csv"
    repeat = "Leyla Demo,905321112233\n"
    sheet.write_text(f"Ad,Telefon\n{HOME}{ABROAD}{repeat},995555123499\n", encoding="utf-8")
    done = check(sheet, output=Output(results=None))
    assert done.summary.as_dict()["phone_countries"] == {"TR": 2, "GE": 1}
    [line] = [each for each in _joined(found_lines(done.prepared)) if "a +" in each]
    assert "TR 2, GE 1 (3 rows are sent so)" in line


def test_phones_of_the_default_region_are_not_counted_by_country(tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text(f"Ad,Telefon\n{HOME}Leyla Demo,+905321112233\n", encoding="utf-8")
    done = check(sheet, output=Output(results=None))
    assert "phone_countries" not in done.summary.as_dict()
    assert "TR" not in "\n".join(found_lines(done.prepared))


def _joined(lines: list[str]) -> list[str]:
    """Return the lines with wrapped ones joined again."""
    found: list[str] = []
    for line in lines:
        if line.startswith("    ") and found:
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return found
