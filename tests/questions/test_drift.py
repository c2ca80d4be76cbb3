"""A nightly sheet that differs from that of the last run is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from importer.pipeline import Output, SendOptions, SheetOptions, arun
from importer.sandbox import Config, serve

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [f"Kim{n} Demo;05000000{n:02};kim{n}@example.com" for n in range(1, 11)]


def write_sheet(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


async def second_night(
    tmp_path: Path, header: str, rows: list[str], accept: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the summaries of a run of another sheet, and of one more after it."""
    sheet = tmp_path / "list.csv"
    write_sheet(sheet, "Ad Soyad;Telefon;E-mail", ROWS)
    async with serve(Config()) as sandbox:
        env = sandbox.env(2) | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}
        sending = SendOptions(rate="none")
        first = await arun(sheet, None, Output(), sending, env=env)
        assert first.summary.as_dict()["created"] == 10
        write_sheet(sheet, header, rows)
        found = await arun(sheet, SheetOptions(accept=accept), Output(), sending, env=env)
        again = await arun(sheet, None, Output(), sending, env=env)
    return found.summary.as_dict(), again.summary.as_dict()


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("Ad Soyad;billing_phone;E-mail", ROWS),  # a column has another name
        ("Ad Soyad;Telefon;E-mail", [row.replace("050", "x") for row in ROWS[:8]] + ROWS[8:]),
        ("Ad Soyad;Telefon;E-mail", [f"Nigar{n} Demo;05500000{n:02};" for n in range(40)]),
    ],
)
async def test_sheet_that_differs_from_the_last_run_is_asked_about(
    header: str, rows: list[str], tmp_path: Path
) -> None:
    found, _ = await second_night(tmp_path, header, rows)
    assert (found["exit_code"], found["error"]["code"]) == (2, "open_question")
    assert "drift" in [question["code"] for question in found["questions"]]


async def test_accepted_difference_is_not_asked_about_again(tmp_path: Path) -> None:
    header = "Ad Soyad;billing_phone;E-mail"
    found, again = await second_night(tmp_path, header, ROWS, accept=("drift",))
    for summary in (found, again):
        assert (summary["exit_code"], summary["exists"]) == (0, 10)


async def test_few_more_rows_and_another_note_are_no_question(tmp_path: Path) -> None:
    rows = [*ROWS, "Lale Demo;0500000011;lale@example.com"]
    found, _ = await second_night(tmp_path, "Ad Soyad;Telefon;E-mail", rows)
    assert (found["exit_code"], found["exists"], found["created"]) == (0, 10, 1)
