"""Files with changed bytes: a result or a clear error, never a traceback, never a hang."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import openpyxl
import pytest

from importer.clean.columns import clean
from importer.errors import UsageError
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.read import read
from importer.records import MappingChoices, Reading, ReadOptions
from tests.no_hang import no_hang
from tests.pipeline.test_exports import EXPORTS, FILES
from tests.workbook_builders import excel_xml, html, jsonl, ods, parquet, xls, zipped

if TYPE_CHECKING:
    from pathlib import Path

MUTATIONS = 40  # `make fuzz` continues after these seeds
MORE = pytest.mark.slow(reason="more mutations of the same")
RECORDS = 10  # rows of an export; more of them would add no other kinds of bytes
PROFILES = load_profiles()
ROWS = [["Name", "Phone", "Birthday"], *([f"Demo {n}", f"05000000{n:02}", ""] for n in range(20))]
COLUMNS = dict(zip(ROWS[0], map(list, zip(*ROWS[1:], strict=True)), strict=True))
OTHERS = {
    "xls": xls(ROWS),
    "ods": ods(ROWS),
    "html": html(ROWS),
    "xml": excel_xml(ROWS),
    "jsonl": jsonl(*(dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:])),
    "parquet": parquet(COLUMNS),
    "zip": zipped({"list.csv": "\n".join(",".join(row) for row in ROWS).encode()}),
    "utf-16": "\n".join("\t".join(row) for row in ROWS).encode("utf-16"),
}
STRANGE = (
    b'"',
    b"\0",
    b"\r",
    b"\n",
    b";",
    b",",
    b"\xff\xfe",
    b"'",
    b"=1+1",
    bytes(4),
    b"<",
    b"]]>",
)


def beginning(path: Path) -> bytes:
    """Return the first records of an export, in its own format."""
    data = path.read_bytes()
    start = read(path, ReadOptions()).header_row
    if path.suffix != ".xlsx":
        return b"\n".join(data.split(b"\n")[: start + RECORDS])
    book = openpyxl.load_workbook(io.BytesIO(data))
    for sheet in book.worksheets:
        sheet.delete_rows(start + RECORDS, sheet.max_row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def mutated(data: bytes, random_: random.Random) -> bytes:
    """Return the bytes with 1 to 20 changes: overwritten, inserted, deleted, doubled, cut."""
    out = bytearray(data)
    for _ in range(random_.choice((1, 1, 2, 5, 20))):
        at = random_.randrange(len(out) + 1)
        match random_.randrange(6):
            case 0:
                out[at : at + 1] = bytes([random_.randrange(256)])
            case 1:
                out[at:at] = bytes([random_.randrange(256)])
            case 2:
                del out[at : at + random_.choice((1, 1, 3, 50))]
            case 3:
                out[at:at] = random_.choice(STRANGE)
            case 4:
                source = random_.randrange(len(out) + 1)
                out[at:at] = out[source : source + random_.choice((5, 40, 200))]
            case _:
                if random_.random() < 0.3:
                    del out[at:]
    return bytes(out)


@pytest.mark.parametrize("part", [1, pytest.param(2, marks=MORE), pytest.param(3, marks=MORE)])
@pytest.mark.parametrize("name", [*FILES, *OTHERS])
def test_changed_file_gives_a_result_or_a_clear_error(name: str, part: int, tmp_path: Path) -> None:
    data = OTHERS.get(name) or beginning(EXPORTS / name)
    random_ = random.Random(f"{name} {part}")  # noqa: S311 - the same mutations in every run
    path = tmp_path / "list"
    for number in range(MUTATIONS if name in FILES else MUTATIONS // 2):
        path.write_bytes(mutated(data, random_))
        try:
            with no_hang():
                sheet = read(path, ReadOptions())
                mapping = map_columns(sheet, PROFILES, MappingChoices())
                cleaned = clean(sheet, mapping, Reading("AZ", mapping.dates, mapping.language))
            assert len(cleaned.values) + len(sheet.malformed) == len(sheet.table), number
        except UsageError as error:
            fix = error.fix
        else:
            fix = "nothing to fix"
        assert fix, number
