"""Sheets whose `manifest.json` states the permitted results: run `check`, list the violations.

The keys of a case:

- `must_not`, `if_sent`, `held`, `not_duplicate`: required while nothing is asked;
- `must`: customers that are sent, unless a question is asked or the sheet refused;
- `innocent`: nothing may be asked, and only the rows in `held` are held back;
- `then`: flags that answer the questions; with them nothing is asked, and `must` is sent.

A refused file (exit 2) counts as a question.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from importer.cli.main import run_command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Checked(NamedTuple):
    """Result of `check` of a sheet. `statuses` is row → status of the results."""

    asked: bool
    customers: list[tuple[int, dict[str, Any]]]
    statuses: dict[int, str]
    summary: dict[str, Any]

    def lacks(self, part: dict[str, Any]) -> bool:
        """Return whether no row that is sent has all fields of this partial customer."""
        return not any(
            part["row"] in {None, row} and _agrees(customer, part)
            for row, customer in self.customers
        )


def parameters(folder: Path, most: int | None = None) -> list[Any]:
    """Return the cases of a folder's manifest for pytest; all beyond `most` of a kind are slow.

    Cases in `not_yet.txt` are expected to fail; the line of one that passes has to be deleted.
    """
    cases = json.loads((folder / "manifest.json").read_text("utf-8"))["cases"]
    not_yet = (folder / "not_yet.txt").read_text("utf-8").split()
    assert {path.name for path in (folder / "sheets").iterdir()} == {c["file"] for c in cases}
    found, of_kind = [], Counter[str]()
    for case in cases:
        kind = case["file"][: len("01-k")]  # -i-: an innocent one
        of_kind[kind] += 1
        marks = [pytest.mark.xfail(strict=True)] if case["file"] in not_yet else []
        if most and of_kind[kind] > most:
            marks.append(pytest.mark.slow(reason="another sheet of a kind"))
        found.append(pytest.param(case, id=case["file"], marks=marks))
    return found


def verify_case(
    sheets: Path, case: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check a sheet, then again with the flags that answer; results go to `folder`."""
    found = _check(sheets, case, [], folder, capsys)
    assert not _violations(case, found), case["why"]
    if then := case.get("then"):
        answered = _check(sheets, case, then["args"], folder, capsys)
        assert not answered.asked, answered.summary
        assert not [part for part in then["must"] if answered.lacks(part)], answered.customers


def _check(
    sheets: Path,
    case: dict[str, Any],
    args: Iterable[str],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> Checked:
    results, payloads = folder / "out.results.jsonl", folder / "out.payloads.jsonl"
    sheet = sheets / case["file"]
    command = ["check", str(sheet), "--region", "AZ", "--json", "--results", str(results)]
    code = run_command([*command, "--payloads", str(payloads), *case["args"], *args])
    printed = capsys.readouterr()
    assert code in {0, 1, 2}, printed.err
    if code == 2:
        assert printed.err.strip() or printed.out.strip()
        return Checked(asked=True, customers=[], statuses={}, summary={})
    summary = json.loads(printed.out)
    return Checked(
        asked=bool(summary.get("questions")),
        customers=[(line["row"], line["customer"]) for line in _lines(payloads)],
        statuses={int(line["import_row"]): line["import_status"] for line in _lines(results)},
        summary=summary,
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _violations(case: dict[str, Any], found: Checked) -> list[str]:
    """Return in words how a result violates the case."""
    if found.asked:
        return [f"asked: {found.summary.get('questions')}"] if case["innocent"] else []
    sent = dict(found.customers)
    faults = [f"sent: {part}" for part in case["must_not"] if not found.lacks(part)]
    faults += [f"not sent: {part}" for part in case["must"] if found.lacks(part)]
    faults += [f"not held: row {row}" for row in case["held"] if row in sent]
    faults += [
        f"row {part['row']} is {sent[part['row']]}, not {part['customer']}"
        for part in case.get("if_sent", [])
        if part["row"] in sent and not _agrees(sent[part["row"]], part)
    ]
    faults += [
        f"dropped as a duplicate: row {row}"
        for row in case.get("not_duplicate", [])
        if found.statuses.get(row) == "duplicate"
    ]
    if case["innocent"]:
        faults += [
            f"row {row} is {status}"
            for row, status in found.statuses.items()
            if status != "ready" and row not in case["held"]
        ]
    return faults


def _agrees(customer: dict[str, Any], part: dict[str, Any]) -> bool:
    return all(customer.get(field) == value for field, value in part["customer"].items())
