"""The problem pages, without a browser: forms as a page without script sends them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from tests.ui.conftest import SHEET, real_time, serving, words_of
from tests.ui.forms import form_of, forms_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ui.conftest import Browser

PROBLEMS = f"sheets/{SHEET}/problems"
GENDERS = f"{PROBLEMS}/gender.unknown_gender"
FIXES = f"sheets/{SHEET}/fixes"


async def act(
    browser: Browser, path: str, do: str, typed: dict[str, str] | None = None, **wanted: str
) -> str:
    """Press a button of a page; return the next page."""
    form = form_of(await browser.get(path), do, **wanted) | (typed or {})
    leads_to = await browser.post(FIXES, form)
    await browser.ask(f"{PROBLEMS}/counts")  # on a busy machine the page may come before its counts
    return await browser.get(leads_to)


async def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the summary of `clopos-import check` in the same folder."""
    capsys.readouterr()
    where = ["--json", "--results", str(folder / "out.csv")]
    await asyncio.to_thread(run_command, ["check", str(folder / SHEET), *where])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@real_time
async def test_problems_are_grouped_and_counted(folder: Path) -> None:
    async with serving(folder) as browser:
        page = words_of(await browser.get(PROBLEMS))
        assert "3 rows are held back" in page
        assert "All 4 rows were looked at" in page
        for title in ("Not an e-mail address", "A date without a year", "Not a known word"):
            assert title in page
        assert "1 text → write male or female, or empty it Qad1n" in page
        assert "See the customers as Clopos will get them" in page


@real_time
async def test_value_is_replaced_in_all_its_cells_and_the_act_is_taken_back(folder: Path) -> None:
    async with serving(folder) as browser:
        page = await act(browser, GENDERS, "set", {"is": "Qadın"}, **{"is": "Qad1n"})
        assert "nothing of this kind is left" in words_of(page)
        assert "«Qad1n» → «Qadın» · 1 cell" in words_of(page)
        (line,) = [json.loads(text) for text in _log(folder)[1:]]
        assert (line["column"], line["was"], line["is"]) == ("Cinsi", ["Qad1n"], "Qadın")
        assert (folder / SHEET).read_text("utf-8").count("Qad1n") == 1
        page = await browser.get(await browser.post(f"{FIXES}/1/take-back", {}))
        assert "taken back" in words_of(page)
        assert "Qad1n" in await browser.get(GENDERS)
        assert "already" in words_of(await browser.post(f"{FIXES}/1/take-back", {}, status=409))
        await browser.post(f"{FIXES}/1/again", {})
        assert "nothing of this kind is left" in words_of(await browser.get(GENDERS))
        assert "already" in words_of(await browser.post(f"{FIXES}/1/again", {}, status=409))
        await browser.post(f"{FIXES}/1/take-back", {})
        await browser.post(f"{FIXES}/99/take-back", {}, status=404)


@pytest.mark.usefixtures("untraced")
@real_time
async def test_counts_equal_those_of_the_command_after_any_act(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(folder.parent / "state"))
    async with serving(folder) as browser:

        async def same(ready: int, by_hand: int = 0) -> None:
            summary = await checked(folder, capsys)
            page = words_of(await browser.get(PROBLEMS))
            assert summary["ready"] == ready
            many = summary["invalid"] - by_hand
            held = {0: "", 1: " · 1 with a problem of its own"}
            said = held.get(many, f" · {many} with problems of their own")
            left_out = " · 1 row left out by hand" if by_hand else ""
            assert f"{ready} ready{said}{left_out} All 4 rows" in page

        await same(1)
        await act(browser, GENDERS, "set", {"is": "Qadın"})
        await same(2)
        email = f"{PROBLEMS}/email.invalid_email"
        page = await act(browser, f"{email}?by=row", "set", {"is": "orxan@example.com"}, row="3")
        await same(3)
        await act(browser, f"{PROBLEMS}/date_of_birth.date_no_year", "empty-all", number="1")
        await same(4)
        page = await browser.get(PROBLEMS)
        assert "No row is held back" in words_of(page)
        await browser.post(f"{FIXES}/2/take-back", {})
        await same(3)
        await act(browser, email, "leave-out-all", number="1")
        await same(3, by_hand=1)
        assert (await checked(folder, capsys))["fixes"] == {
            "cells": 2,
            "left_out": 1,
            "unfit": 0,
        }


@real_time
async def test_find_and_replace_shows_a_preview_first(folder: Path) -> None:
    async with serving(folder) as browser:
        page = await browser.get(f"{GENDERS}?find=1&replace=ı")
        assert "«Qad1n» → «Qadın» reads as: female" in words_of(page)
        assert "Replace in 1 cell" in words_of(page)
        form = form_of(page, "replace-all")
        await browser.post(FIXES, form)
        assert "nothing of this kind is left" in words_of(await browser.get(GENDERS))
        assert "0 cells" in words_of(
            await browser.get(f"{PROBLEMS}/email.invalid_email?find=zzz&replace=")
        )


@real_time
async def test_script_gets_the_translated_texts_and_the_reading_of_a_value(folder: Path) -> None:
    async with serving(folder) as browser:
        form = form_of(await browser.get(GENDERS), "set")
        query = f"column={form['column']}&row=4&line=0&text="
        status, answer = await browser.ask(f"sheets/{SHEET}/reading?{query}Qadın")
        assert (status, answer["text"]) == (200, {"note-0": "reads as: female"})
        _, answer = await browser.ask(f"sheets/{SHEET}/reading?{query}Qadin1")
        assert answer["text"] == {"note-0": "still wrong: not a known word for a gender"}
        status, answer = await browser.ask(FIXES, form | {"is": "still1"})
        assert status == 200
        assert answer["text"]["note-0"].startswith("✓ saved, 1 cell · still wrong")
        # The same field once more, as the script fills it.
        again = form | {"instead": answer["value"]["instead-0"]}
        status, answer = await browser.ask(FIXES, again | {"is": "Qadın"})
        assert answer["text"]["note-0"] == "✓ saved, 1 cell · reads as: female"
        _, answer = await browser.ask(f"{PROBLEMS}/counts?kind=gender.unknown_gender")
        assert answer["text"]["counts"].startswith("2 ready · 2 with problems of their own")
        assert answer["text"]["left"] == "nothing of this kind is left"
        status, _ = await browser.ask(f"sheets/{SHEET}/reading?column=x&row=4")
        assert status == 404


@real_time
async def test_correction_of_a_fix_changes_only_the_cells_of_that_fix(
    folder: Path,
) -> None:
    """Aysel's cell is «Qadın» already; Leyla's «Qad1n» is fixed to it and then emptied."""
    async with serving(folder) as browser:
        form = form_of(await browser.get(GENDERS), "set")
        _, answer = await browser.ask(FIXES, form | {"is": "Qadın"})
        assert not answer["text"].keys() & {"set-0", "empty-0"}  # 1 cell, as before
        again = form | {"instead": answer["value"]["instead-0"]}
        status, answer = await browser.ask(FIXES, again | {"do": "empty"})
        assert status == 200
        assert answer["text"]["note-0"] == "✓ saved, 1 cell · reads as nothing: left empty"
        page = words_of(await browser.get(f"sheets/{SHEET}/customers"))
        assert "Leyla Demo" in page
        assert page.count("female") == page.count("Aysel Demo") > 0
        acts = [json.loads(line) for line in _log(folder)[1:]]
        assert [act["do"] for act in acts] == ["set", "take back", "set"]
        assert acts[2]["was"] == ["Qad1n"]
        again = form | {"instead": answer["value"]["instead-0"]}
        status, answer = await browser.ask(FIXES, again | {"do": "empty"})
        assert status == 400  # it is empty already
        status, answer = await browser.ask(FIXES, again | {"is": "Qad1n"})
        assert "go" in answer  # the original text: no fix is left
        assert json.loads(_log(folder)[-1]) | {"at": ""} == {
            "n": 4, "at": "", "do": "take back", "act": 3,
        }  # fmt: skip


@real_time
async def test_fix_in_one_tab_is_shown_in_another(folder: Path) -> None:
    async with serving(folder) as browser:
        by_row = form_of(await browser.get(f"{GENDERS}?by=row"), "set")
        by_value = form_of(await browser.get(GENDERS), "set")
        await browser.post(FIXES, by_row | {"is": "Qadın"})
        status, answer = await browser.ask(FIXES, by_row | {"is": "Kişi"})
        assert (status, answer["error"]["code"]) == (409, "outdated")
        assert answer["value"][f"is-{by_row['line']}"] == "Qadın"
        assert "«Qadın»" in words_of(await browser.post(FIXES, by_row | {"is": "Kişi"}, status=409))
        assert "changed meanwhile" in words_of(
            await browser.post(FIXES, by_value | {"is": "Kişi"}, status=409)
        )
        assert len(_log(folder)) == 2


@real_time
async def test_act_with_another_number_of_cells_than_shown_is_refused(folder: Path) -> None:
    async with serving(folder) as browser:
        page = await browser.get(GENDERS)
        for do in ("set", "empty", "empty-all", "leave-out-all"):
            form = form_of(page, do) | {"number": "671", "is": "Kişi"}
            assert "now it is 1" in words_of(await browser.post(FIXES, form, status=409))
        assert not (folder / f"{SHEET}.fixes.jsonl").exists()


@real_time
async def test_form_of_a_sheet_that_changed_on_disk_fixes_no_other_row(
    folder: Path,
) -> None:
    async with serving(folder) as browser:
        cell = form_of(await browser.get(f"{GENDERS}?by=row"), "set")
        row = form_of(await browser.get(f"{GENDERS}?by=row"), "leave-out")
        text = (folder / SHEET).read_text("utf-8")
        header, first, *others = text.splitlines(keepends=True)
        (folder / SHEET).write_text("".join([header, *others, first]), "utf-8")
        await browser.post(FIXES, cell | {"is": "Qadın"}, status=409)
        assert "another row 4 now" in words_of(await browser.post(FIXES, row, status=409))
        assert not (folder / f"{SHEET}.fixes.jsonl").exists()


@real_time
async def test_row_is_left_out_and_held_row_is_included(folder: Path) -> None:
    (folder / SHEET).write_text("Ad;Mobil\nAysel Demo;0500000001\nCəmi;\nCəm Demo;1;2\n", "utf-8")
    async with serving(folder) as browser:
        kind = f"{PROBLEMS}/row.malformed_row"
        page = await browser.get(kind)
        assert "more cells than the header has" in words_of(page)
        await act(browser, kind, "leave-out", row="3")
        await act(browser, kind, "set", {"is": "0500000002"}, row="4", column="1")
        await act(browser, kind, "take-in", row="4")
        page = words_of(await browser.get(PROBLEMS))
        assert "2 ready · 1 row left out by hand All 3 rows" in page
        assert "Cəmi" in await browser.get(f"{PROBLEMS}/row.left_out")


@real_time
async def test_conflicting_rows_are_shown_side_by_side(folder: Path) -> None:
    (folder / SHEET).write_text(
        "Ad;Mobil\nAysel Demo;0500000001\nOrxan Sınaq;0500000001\n", "utf-8"
    )
    async with serving(folder) as browser:
        assert "1 row" in words_of(await browser.get(PROBLEMS))
        page = await act(
            browser, f"{PROBLEMS}/repeats", "set", {"is": "0500000002"}, row="3", column="1"
        )
        assert "2 ready" in words_of(await browser.get(PROBLEMS))
        assert "0 rows repeat" in words_of(page)


@real_time
async def test_question_that_settles_a_kind_of_problem_is_shown_before_it(folder: Path) -> None:
    rows = "".join(f"Demo {n};532 123 45 {n:02}\n" for n in range(30))
    (folder / SHEET).write_text(f"Ad;Telefon\n{rows}", "utf-8")
    async with serving(folder) as browser:
        page = await browser.get(PROBLEMS)
        assert "one answer may settle them all" in words_of(page)
        assert f"/sheets/{SHEET}/questions" in page
        assert "one answer may settle" in words_of(
            await browser.get(f"{PROBLEMS}/phone.invalid_phone")
        )


@pytest.mark.parametrize("do", ["", "erase", "set", "leave-out", "empty-all"])
@real_time
async def test_form_that_no_page_has_is_an_error_and_writes_no_fix(folder: Path, do: str) -> None:
    async with serving(folder) as browser:
        for form in ({}, {"kind": "x.y"}, {"row": "-1"}, {"row": "9" * 20, "column": "99"}):
            status, answer = await browser.ask(FIXES, {"do": do, "line": "0", **form})
            assert status in {400, 409}
            assert answer["error"]["what"]
        assert not (folder / f"{SHEET}.fixes.jsonl").exists()
        await browser.get(f"{PROBLEMS}/gender.nothing", status=404)
        await browser.get(f"{PROBLEMS}/code.invalid_code", status=404)


@real_time
async def test_damaged_fixes_are_an_error_with_the_line_number(folder: Path) -> None:
    (folder / f"{SHEET}.fixes.jsonl").write_text('{"fixes":1}\nnonsense\n', "utf-8")
    async with serving(folder) as browser:
        page = words_of(
            await browser.get(PROBLEMS)
        )  # redirects to the columns, which show the error
        assert "is not a fix" in page
        assert "Line 2" in page
        status, answer = await browser.ask(FIXES, {"do": "set", "line": "0"})
        assert (status, answer["error"]["why"]) == (400, "it isn't JSON")
        (folder / f"{SHEET}.fixes.jsonl").unlink()
        assert "3 rows are held back" in words_of(await browser.get(PROBLEMS))


def _log(folder: Path) -> list[str]:
    return (folder / f"{SHEET}.fixes.jsonl").read_text("utf-8").splitlines()


@real_time
async def test_any_row_can_be_edited_and_shows_its_new_status(folder: Path) -> None:
    async with serving(folder) as browser:
        assert f"/sheets/{SHEET}/rows/5" in await browser.get(f"sheets/{SHEET}/rows")
        page = await browser.get(f"sheets/{SHEET}/rows/5")
        assert "invalid" in words_of(page)
        assert "a date without a year" in words_of(page)
        form = form_of(page, "set", column="3")
        page = await browser.get(await browser.post(FIXES, form | {"is": "14.05.1990"}))
        assert "ready Doğum tarixi: fixed, was «14.05»" in words_of(page)
        page = await act(browser, f"sheets/{SHEET}/rows/5", "leave-out")
        assert "invalid left out by hand" in words_of(page)
        for row in ("1", "99", "x", "9" * 30):
            await browser.get(f"sheets/{SHEET}/rows/{row}", status=404)


@real_time
async def test_row_that_is_at_clopos_cannot_be_edited_and_shows_the_reason(folder: Path) -> None:
    (folder / f"{SHEET}.results.csv").write_text(
        "import_row;import_status;clopos_id;import_field;import_existing_id;import_duplicate_of;"
        "import_message;Ad Soyad\n4;created;17;;;;;Leyla Demo\n5;invalid;;;;;;Kamran Demo\n",
        "utf-8",
    )
    async with serving(folder) as browser:
        for path in (f"{GENDERS}?by=row", f"sheets/{SHEET}/rows/4"):
            page = await browser.get(path)
            assert "is customer 17 at Clopos: correct it there" in words_of(page)
            assert not [form for form in forms_of(page) if form["do"] == "set"]
        assert [f for f in forms_of(await browser.get(f"sheets/{SHEET}/rows/5")) if f["do"]]


@real_time
async def test_bad_values_of_rows_are_emptied_by_one_act_which_can_be_taken_back(
    folder: Path,
) -> None:
    with (folder / SHEET).open("a", encoding="utf-8") as file:
        file.write(";12;;;\n")  # no name: no row to be sent
    async with serving(folder) as browser:
        page = await browser.get(PROBLEMS)
        assert "3 rows are held back for nothing else" in words_of(page)
        page = await act(browser, PROBLEMS, "empty-bad", number="4")
        assert "4 ready · 1 with a problem of its own" in words_of(page)
        assert "with 3 more fixes" in words_of(page)
        (newest,) = re.findall(r'id="bar-n" value="(\d+)"', page)
        await browser.post(f"{FIXES}/take-back", {"n": newest})
        await browser.ask(f"{PROBLEMS}/counts")
        page = await browser.get(PROBLEMS)
        assert "1 ready · 4 with problems of their own" in words_of(page)
        assert '<footer class="fixes" aria-label="Fixes" hidden>' in page
        await browser.post(f"{FIXES}/1/again", {})
        await browser.post(f"{FIXES}/1/take-back", {})
        await browser.ask(f"{PROBLEMS}/counts")
        assert "1 ready · 4 with problems of their own" in words_of(await browser.get(PROBLEMS))


@real_time
async def test_password_cells_cannot_be_edited(folder: Path) -> None:
    (folder / SHEET).write_text("Ad;Mobil;Password\nAysel Demo;12;hunter2\n", "utf-8")
    async with serving(folder) as browser:
        page = await browser.get(f"sheets/{SHEET}/rows/2")
        assert "hunter2" not in page
        form = form_of(page, "set", column="1") | {"column": "2", "is": "x"}
        for mark in (form["mark"], hashlib.sha256(b"hunter2").hexdigest()[:16]):
            await browser.ask(FIXES, form | {"mark": mark})
            await browser.ask(FIXES, {**form, "mark": mark, "row": "", "number": "1"})
        assert not (folder / f"{SHEET}.fixes.jsonl").exists()
        await act(browser, f"sheets/{SHEET}/rows/2", "leave-out")
        assert "hunter2" not in "".join(_log(folder))


@real_time
async def test_columns_that_a_page_is_about_stand_beside_the_name(folder: Path) -> None:
    """A sheet may have a dozen columns: what two rows share would stand beyond the edge."""
    (folder / SHEET).write_text(
        "Doğum tarixi;E-poçt;Ad;Mobil;Kod\n;a@example.com;Aysel Demo;050 000 00 01;A1\n"
        ";b@example.com;Orxan Demo;050 000 00 01;B1\n;c@example.com;Leyla Demo;050 000 00 03;A1\n"
        ";d@example;Murad Demo;050 000 00 04;D1\n",
        "utf-8",
    )
    async with serving(folder) as browser:
        page = words_of(await browser.get(f"{PROBLEMS}/repeats"))
        assert "What is wrong Ad Mobil Kod Doğum tarixi E-poçt" in page
        assert "2 this one comes first Aysel Demo 050 000 00 01 A1 a@example.com" in page
        page = words_of(await browser.get(f"{PROBLEMS}/email.invalid_email?by=row"))
        assert "Ad E-poçt Doğum tarixi Mobil Kod" in page


@real_time
async def test_placeholder_phone_is_emptied_by_its_first_answer(folder: Path) -> None:
    rows = ("050 000 00 00", "0500000000", "+994500000000", "050 000 00 07")
    lines = "".join(f"Demo Number{n};{phone}\n" for n, phone in enumerate(rows))
    (folder / SHEET).write_text(f"Ad;Mobil\n{lines}", "utf-8")
    async with serving(folder) as browser:
        page = await browser.get(f"sheets/{SHEET}/questions")
        assert "3 rows with different names have the same phone" in words_of(page)
        assert re.search(
            r"It stands for none: \+994500000000 then 4 rows are ready \+2 "
            r"It is right as it is then 2 rows are ready",
            words_of(page),
        )
        (main,) = re.findall(r"<button[^>]*main[^>]*>([^<]*)", page)
        assert main == "It stands for none: +994500000000"
        form = {"code": "nobodys_phone", "answer": "1"}
        leads_to = await browser.post(f"sheets/{SHEET}/questions", form)
        assert "4 customers as Clopos will get them" in words_of(await browser.get(leads_to))
        page = words_of(await browser.get(f"sheets/{SHEET}/questions"))
        assert "Answered: it stands for none +994500000000 Ask again" in page
        again = {"code": "phone=+994500000000"}
        page = await browser.get(await browser.post(f"sheets/{SHEET}/questions/again", again))
        assert main in page
