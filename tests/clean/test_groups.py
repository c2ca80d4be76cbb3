"""Groups by name: read once, and unknown ones are a question before rows are sent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from importer.clean.groups import Wanted, with_groups
from importer.cli.render_sheet import found_lines
from importer.errors import UsageError
from importer.pipeline import SheetOptions, check
from importer.pipeline.prepare import prepare
from importer.sandbox import Config
from importer.sandbox.virtual_time import run as run_on_virtual_time
from tests.harness import frame, harness, people

if TYPE_CHECKING:
    from pathlib import Path

SHEET = (
    "Name,Phone,Customer group\nAnar,0500000001,Gold\nLalə,0500000002,gold \n"
    "Demo,x,Silver\nElçin,0500000004,-\nVüsal,0500000005,7\n"
)
TODAY = date(2026, 11, 23)
THERE = [(1, "My Customers"), (5, "GÖLD"), (7, "Seven"), (8, "twin"), (9, "TWIN")]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def test_group_names_of_ready_rows_are_counted(sheet: Path) -> None:
    """`check` lists them, offline."""
    options = SheetOptions(group_column="customer GROUP")
    found = prepare(sheet, options, today=TODAY)
    assert found.groups.rows == {"Gold": (2,), "gold": (3,), "7": (6,)}
    assert "«Gold» 1, «gold» 1, «7» 1" in "\n".join(found_lines(found))
    assert check(sheet, options).summary.as_dict()["groups"] == {"Gold": 1, "gold": 1, "7": 1}
    assert "groups" not in check(sheet).summary.as_dict()


def test_one_group_is_given_to_all_rows(sheet: Path) -> None:
    found = prepare(sheet, SheetOptions(group=" My  Customers"), today=TODAY)
    assert found.groups.rows == {"My Customers": (2, 3, 5, 6)}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (SheetOptions(group_column="Tier"), "no such column"),
        (SheetOptions(group_column="Customer group", group="1"), "Both"),
    ],
)
def test_impossible_group_options_are_errors(sheet: Path, options: SheetOptions, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        prepare(sheet, options, today=TODAY)


def test_group_name_is_compared_without_case_and_blanks_and_a_number_is_an_id() -> None:
    values = frame(*people(4))
    wanted = Wanted({"Göld": (2,), "7": (3,), "Seven": (4,)})
    found, said = with_groups(values, wanted, THERE)
    assert found["group_id"].tolist()[:3] == [5, 7, 7]
    assert found["group_id"].isna().tolist() == [False, False, False, True]
    assert said == {2: "group 5 read from Göld", 4: "group 7 read from Seven"}


def test_unknown_groups_are_a_question() -> None:
    wanted = Wanted({"b": (3,), "a": (2, 4), "Seven": (5,)})
    with pytest.raises(UsageError) as caught:
        with_groups(frame(*people(4)), wanted, THERE)
    assert caught.value.what == "Clopos has no group «a» (2 rows), «b» (1 row)"
    assert "Seven (7)" in str(caught.value.why)
    assert "--group" in str(caught.value.fix)
    assert "--drop-bad-values" in str(caught.value.fix)
    with pytest.raises(UsageError, match="no group «x»") as caught:
        with_groups(frame(*people(1)), Wanted({"x": (2,)}), [])
    assert caught.value.why == "it has no groups"


def test_unknown_groups_are_left_out_if_a_flag_says_so() -> None:
    wanted = Wanted({"a": (2,), "Seven": (3,)}, optional=True)
    found, said = with_groups(frame(*people(2)), wanted, THERE)
    assert found["group_id"].isna().tolist() == [True, False]
    assert said[2] == "group «a»: not at Clopos, left out"


def test_two_groups_of_one_name_are_a_question() -> None:
    with pytest.raises(UsageError, match="Several groups") as caught:
        with_groups(frame(*people(1)), Wanted({"Twin": (2,)}), THERE)
    assert "twin: 8, TWIN: 9" in str(caught.value.why)
    found, _ = with_groups(frame(*people(1)), Wanted({"TWIN": (2,)}), THERE)
    assert found["group_id"].tolist() == [9]


@pytest.mark.parametrize("version", [1, 2])
def test_each_page_of_groups_is_read_once(tmp_path: Path, version: int) -> None:
    async def scenario() -> None:
        config = Config(groups=tuple(f"Group {n}" for n in range(1, 451)))
        async with harness(tmp_path, config, version) as w:
            wanted = Wanted({"Group 450": (2,), "group 3": (3,)})
            uploaded = await w.send(*people(3), groups=wanted, match="never")
            sent = {c["name"]: c.get("group_id") for c in w.sandbox.customers()}
            assert sent == {"Demo 1": 450, "Demo 2": 3, "Demo 3": None}
            assert uploaded.requests.as_dict()["reads"] == 3
            assert uploaded.remarks[2] == "group 450 read from Group 450"

    run_on_virtual_time(scenario())


def test_no_row_is_sent_while_a_group_is_unknown(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with harness(tmp_path) as w:
            with pytest.raises(UsageError, match="no group «x»"):
                await w.send(*people(1), groups=Wanted({"x": (2,)}))
            assert not w.names()["Demo 1"]

    run_on_virtual_time(scenario())
