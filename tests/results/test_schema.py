"""The model of a results file: written results are valid, broken ones are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from importer.pipeline import Output, SendOptions, SheetOptions, check, run
from importer.records import FIELDS, RESULT_COLUMNS, UNIQUE_FIELDS, Status
from tests.pipeline.test_exports import EXPORTS, expected
from tests.results import result_schema as result
from tests.results.result_schema import CHECKED, COMPARED, STATUSES, conserved, result_schema

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [
    {"import_row": "2", "import_status": "created", "clopos_id": "14"},
    {"import_row": "3", "import_status": "exists", "clopos_id": "9", "import_message": "before"},
    {
        "import_row": "5",
        "import_status": "duplicate",
        "import_field": "phone",
        "import_duplicate_of": "2",
        "import_message": "the same phone as row 2",
    },
    {
        "import_row": "7",
        "import_status": "conflict",
        "import_field": "code",
        "import_existing_id": "3",
        "import_message": "the code belongs to customer 3",
    },
    *(
        {"import_row": str(20 + n), "import_status": status, "import_message": "why"}
        for n, status in enumerate(["invalid", "rejected", "failed", "unknown", "pending"])
    ),
]


def table(rows: list[dict[str, str]]) -> pd.DataFrame:
    cells = [{name: row.get(name, "") for name in RESULT_COLUMNS} | {"Ad": "x"} for row in rows]
    return pd.DataFrame(cells, columns=[*RESULT_COLUMNS, "Ad"], dtype=str)


def test_schema_has_the_statuses_and_fields_of_the_records() -> None:
    assert set(STATUSES) == set(Status) - {Status.READY}
    assert set(CHECKED) < {*Status}
    assert set(UNIQUE_FIELDS) < set(COMPARED) < set(FIELDS)
    assert tuple(result_schema().columns) == RESULT_COLUMNS
    assert set(result.AT_CLOPOS) < set(STATUSES)


def test_good_results_are_valid() -> None:
    result_schema().validate(table(GOOD), lazy=True)
    assert conserved(table(GOOD[:2]), [2, 3])
    assert not conserved(table(GOOD[:2]), [2, 3, 4])


BROKEN: list[tuple[int, dict[str, str], str]] = [
    (0, {"import_row": "x"}, "row number"),
    (0, {"import_row": "3"}, "each once"),
    (0, {"import_row": "99"}, "order"),
    (0, {"import_status": "done"}, "known status"),
    (0, {"import_status": "ready"}, "not of both"),
    (0, {"clopos_id": ""}, "clopos_id stands where"),
    (0, {"clopos_id": "a b"}, "an id"),
    (4, {"clopos_id": "9"}, "clopos_id stands where"),
    (0, {"import_field": "phone"}, "import_field stands only"),
    (3, {"import_field": "gender"}, "a compared field"),
    (0, {"import_existing_id": "3"}, "import_existing_id stands only"),
    (0, {"import_duplicate_of": "1"}, "import_duplicate_of stands"),
    (2, {"import_duplicate_of": "20"}, "another row"),
    (2, {"import_duplicate_of": "4"}, "another row"),
    (2, {"import_duplicate_of": ""}, "names the row"),
    (8, {"import_message": ""}, "has its reason"),
]


@pytest.mark.parametrize(("place", "change", "word"), BROKEN, ids=str)
def test_broken_results_are_invalid(place: int, change: dict[str, str], word: str) -> None:
    rows = [*GOOD]
    rows[place] = rows[place] | change
    with pytest.raises(SchemaErrors) as caught:
        result_schema().validate(table(rows), lazy=True)
    assert any(word in str(each) for each in caught.value.failure_cases["check"])


@pytest.mark.parametrize("name", ["az-excel.csv", "square.csv", "loyverse.csv"])
def test_results_of_check_and_run_are_valid(tmp_path: Path, name: str) -> None:
    options: dict[str, Any] = {}
    words = iter(expected(name)["options"])
    for flag in words:
        options[flag.removeprefix("--").replace("-", "_")] = next(words)
    chosen = {key: options[key] for key in ("region", "dates", "language") if key in options}
    first, second = (Output(results=tmp_path / f"{n}.jsonl") for n in (1, 2))
    sheet = SheetOptions(**chosen)
    checked = check(EXPORTS / name, sheet, first)
    ran = run(EXPORTS / name, sheet, second, SendOptions(sandbox=True, rate="none"))
    for each in (checked, ran):
        assert each.results
        found = pd.read_json(each.results, lines=True, dtype=False).astype(str)
        assert conserved(found, [row["row"] for row in expected(name)["records"]])
        result_schema().validate(found, lazy=True)
    assert ran.exit_code == 1
