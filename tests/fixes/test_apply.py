"""Acts replayed on a sheet: each applies only where the cell still has the text it replaced."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.fixes.acts import LeaveOut, SetText, TakeBack, TakeIn, act_of, line_of, standing
from importer.fixes.apply import apply_acts, row_texts
from importer.problems import LEFT_OUT
from importer.read.frame import sheet_of_frame
from importer.records import CellKind

if TYPE_CHECKING:
    from importer.fixes.acts import Act
    from importer.records import Sheet

HEADERS = ("Ad", "Kod", "Kod (2)", "Cinsi")
TEXTS = st.sampled_from(["", "a", "b", "c", "Qad1n", "ə"])
ROWS = st.lists(st.tuples(*[TEXTS] * 4), min_size=1, max_size=6)


def sheet_of(rows: list[tuple[str, ...]]) -> Sheet:
    """Return a sheet with two columns named Kod; rows are numbered from 2, none is blank."""
    table = pd.DataFrame([(f"Demo {n}", *row) for n, row in enumerate(rows)])
    table.columns = ["Nr", "Ad", "Kod", "Kod", "Cinsi"]
    return sheet_of_frame(table)


def cells(sheet: Sheet) -> list[list[str]]:
    return [sheet.table[n].tolist() for n in sheet.table.columns]


@st.composite
def sets(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> SetText:
    was = draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
    row = draw(st.none() | st.integers(2, 9))
    was = was if row is None else was[:1]
    new = draw(st.lists(texts, min_size=len(was), max_size=len(was)))
    return SetText(draw(st.sampled_from([*HEADERS, "Kod (1)", "?"])), tuple(was), tuple(new), row)


@st.composite
def logs(draw: st.DrawFn) -> list[Act]:
    acts: list[Act] = []
    for n in range(1, draw(st.integers(0, 8)) + 1):
        row = draw(st.integers(2, 9))
        match draw(st.sampled_from(["set", "leave out", "take back"])):
            case "take back" if n > 1:
                acts.append(TakeBack(draw(st.integers(1, n - 1)), n=n))
            case "leave out":
                acts.append(LeaveOut((row,), ("Demo 0;a;a;a;a",), n=n))
            case _:
                acts.append(replace(draw(sets()), n=n))
    return acts


def slow_replay(sheet: Sheet, acts: list[Act]) -> list[list[str]]:
    """Return the columns after the valid acts, applied cell by cell."""
    columns = cells(sheet)
    names = {"Ad": 1, "Kod (1)": 2, "Kod (2)": 3, "Cinsi": 4}
    rows = sheet.table.index.tolist()
    for act in standing(acts):
        if not isinstance(act, SetText) or act.column not in names:
            continue
        column = columns[names[act.column]]
        new = dict(zip(act.was, act.texts, strict=True))
        for place, row in enumerate(rows):
            if act.row in {None, row}:
                column[place] = new.get(column[place], column[place])
    return columns


@settings(max_examples=40)
@given(ROWS, logs())
def test_replay_by_texts_equals_replay_cell_by_cell(
    rows: list[tuple[str, ...]], acts: list[Act]
) -> None:
    sheet = sheet_of(rows)
    applied = apply_acts(sheet, acts)
    assert cells(applied.sheet) == slow_replay(sheet, acts)
    before, after = cells(sheet), cells(applied.sheet)
    differing = {
        (row, n): before[n][place]
        for place, row in enumerate(sheet.table.index.tolist())
        for n in range(len(before))
        if before[n][place] != after[n][place]
    }
    noted = {(row, n): text for row, of in applied.cells.items() for n, text in of.items()}
    assert noted == differing
    assert applied.changed == len(differing)


@settings(max_examples=40)
@given(ROWS, logs())
def test_sheet_is_unchanged_once_all_acts_are_undone(
    rows: list[tuple[str, ...]], acts: list[Act]
) -> None:
    sheet = sheet_of(rows)
    undone = [TakeBack(act.n, n=100 + act.n) for act in acts if not isinstance(act, TakeBack)]
    applied = apply_acts(sheet, [*acts, *undone])
    assert applied.sheet is sheet
    assert (applied.changed, applied.left_out, applied.unfit) == (0, frozenset(), ())


@settings(max_examples=40)
@given(ROWS, logs(), st.data())
def test_act_is_valid_again_once_its_undo_is_undone(
    rows: list[tuple[str, ...]], acts: list[Act], data: st.DataObject
) -> None:
    if not acts:
        return
    sheet = sheet_of(rows)
    act = data.draw(st.sampled_from(acts))
    both = [TakeBack(act.n, n=101), TakeBack(101, n=102)]
    assert cells(apply_acts(sheet, [*acts, *both]).sheet) == cells(apply_acts(sheet, acts).sheet)


@settings(max_examples=40)
@given(ROWS, st.lists(sets(st.sampled_from(["x", "y"])), max_size=6))
def test_replay_on_a_fixed_sheet_changes_nothing(
    rows: list[tuple[str, ...]], acts: list[SetText]
) -> None:
    acts = [replace(act, n=n) for n, act in enumerate(acts, start=1)]
    once = apply_acts(sheet_of(rows), acts)
    unfit = {each.n for each in once.unfit}
    twice = apply_acts(once.sheet, [act for act in acts if act.n not in unfit])
    assert cells(twice.sheet) == cells(once.sheet)
    assert twice.changed == 0


@settings(max_examples=40)
@given(logs())
def test_act_is_unchanged_by_writing_and_reading(acts: list[Act]) -> None:
    for act in acts:
        assert act_of(json.loads(line_of(act))) == act


def test_one_act_can_exchange_two_texts() -> None:
    sheet = sheet_of([("", "", "", "K"), ("", "", "", "Q")])
    applied = apply_acts(sheet, [SetText("Cinsi", ("K", "Q"), ("Q", "K"), n=1)])
    assert cells(applied.sheet)[4] == ["Q", "K"]


def test_cell_that_moved_to_another_row_is_left_alone_and_named() -> None:
    sheet = sheet_of([("", "", "", "new"), ("", "", "", "bad")])
    acts = [
        SetText("Cinsi", ("bad",), ("good",), row=2, n=1),
        SetText("Cinsi", ("bad",), ("good",), row=99, n=2),
        SetText("Cinsi", ("gone",), ("good",), n=3),
        SetText("Cins", ("bad",), ("good",), n=4),
    ]
    applied = apply_acts(sheet, acts)
    assert applied.sheet is sheet
    assert [(each.n, each.row) for each in applied.unfit] == [(1, 2), (2, 99), (3, None), (4, None)]


def test_cell_that_already_has_the_new_text_is_no_unfit_fix() -> None:
    sheet = sheet_of([("", "", "", "good")])
    acts = [
        SetText("Cinsi", ("bad",), ("good",), row=2, n=1),
        SetText("Cinsi", ("bad",), ("good",), n=2),
    ]
    assert apply_acts(sheet, acts).unfit == ()


def test_row_left_out_stays_out_after_its_cells_change() -> None:
    sheet = sheet_of([("Cəmi", "", "", "12"), ("Aysel", "", "", "K")])
    acts: list[Act] = [
        SetText("Cinsi", ("12",), ("",), n=1),
        LeaveOut((2,), ("Demo 0;Cəmi;;;12",), n=2),
        LeaveOut((3,), ("another row",), n=3),
    ]
    applied = apply_acts(sheet, acts)
    assert dict(applied.sheet.malformed) == {2: LEFT_OUT}
    assert [(each.n, each.row) for each in applied.unfit] == [(3, 3)]


def test_passwords_are_not_in_the_text_of_a_row() -> None:
    table = pd.DataFrame({"Ad": ["Aysel"], "Password": ["hunter2"], "Kod": ["7"]})
    assert row_texts(sheet_of_frame(table), [2]) == {2: "Aysel;7"}


def test_typed_cell_is_no_longer_a_date_of_the_workbook() -> None:
    sheet = sheet_of([("", "", "", "x"), ("", "", "", "y")])
    sheet = replace(sheet, kinds={4: {2: CellKind.DATE, 3: CellKind.DATE}})
    applied = apply_acts(sheet, [SetText("Cinsi", ("x",), ("z",), row=2, n=1)])
    assert applied.sheet.kinds == {4: {3: CellKind.DATE}}


def test_row_held_back_completely_can_be_included_and_left_out_again() -> None:
    sheet = sheet_of([("Aysel", "", "", "K")])
    sheet = replace(sheet, malformed={2: "a total, not a customer"})
    take_in = TakeIn((2,), ("Demo 0;Aysel;;;K",), n=1)
    applied = apply_acts(sheet, [take_in])
    assert (dict(applied.sheet.malformed), applied.taken_in) == (
        {},
        {2: "a total, not a customer"},
    )
    leave_out = LeaveOut((2,), ("Demo 0;Aysel;;;K",), n=2)
    assert dict(apply_acts(sheet, [take_in, leave_out]).sheet.malformed) == {2: LEFT_OUT}


def test_number_of_changed_cells_of_each_act_is_reported() -> None:
    sheet = sheet_of([("a", "", "", "K"), ("a", "", "", "K"), ("b", "", "", "Q")])
    acts: list[Act] = [
        SetText("Ad", ("a",), ("c",), n=1),
        SetText("Ad", ("c", "b"), ("d", "e"), n=2),
        SetText("Ad", ("d",), ("f",), row=3, n=3),
        SetText("Ad", ("gone",), ("f",), n=4),
        LeaveOut((2, 4), ("Demo 0;a;;;K", "another"), n=5),
    ]
    assert apply_acts(sheet, acts).counts == {1: 2, 2: 3, 3: 1, 4: 0, 5: 1}
