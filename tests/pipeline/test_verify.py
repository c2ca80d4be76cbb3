"""`verify` confirms the results of a run, and reports every difference."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from importer.errors import ServiceError, UsageError
from importer.pipeline import Output, SendOptions, SheetOptions, run
from importer.pipeline.verify import verify
from importer.read import read
from importer.records import ReadOptions
from importer.results.write import SUFFIXES
from importer.store.sqlite_layout import merge_log
from importer.store.state import hold
from tests.sandbox_process import sandbox_and_fork_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sandbox_process import Processes

BRANDS = [f"brand-{number}" for number in range(100)]

SHEET = """Name,Phone,Code,Email,Birthday,Note
Anar Demo,0500000001,,anar@example.com,1990-05-15,=1+1
Leyla Demo,,007,,,
Clash Demo,0500000002,,,,
Demo Anar,+994 50 000 00 01,,,,
Broken Demo,12,,,,
Neither Demo,,,,,"a
b"
"""
OPTIONS = SheetOptions(dates="YMD")
SENDING = SendOptions(rate="none", match="never")


class SentSheet:
    """A sheet that was sent to a sandbox in another process."""

    def __init__(
        self,
        processes: Processes,
        brand: str,
        folder: Path,
        version: int = 2,
        suffix: str = ".csv",
    ) -> None:
        state = {"CLOPOS_STATE_DIR": str(folder / "state"), "CLOPOS_BRAND": brand}
        self.env = processes.env | state
        if version == 1:
            del self.env["CLOPOS_INTEGRATOR_ID"]
            self.env["CLOPOS_VENUE_ID"] = "1"
        self.ask = processes.sandbox
        self.sheet = folder / "list.csv"
        self.sheet.write_text(SHEET, "utf-8")
        self.results = folder / f"results{suffix}"
        body = {"name": "Somebody Else", "phone": "+994500000002", "brand": brand}
        self.held = str(self.ask("customers", body)["id"])
        self.run()

    def run(self, **options: Any) -> Any:
        sending = SendOptions(rate="none", **({"match": "never"} | options))
        return run(self.sheet, OPTIONS, Output(self.results), sending, env=self.env)

    def differences(self, **options: Any) -> list[str]:
        found = verify(self.sheet, OPTIONS, self.results, env=self.env, **options)
        assert found.exit_code == bool(found.differences)
        assert found.summary.as_dict()["agrees"] == (not found.differences)
        return [f"{each.row}: {each.what}" for each in found.differences]

    def replace(self, old: str, new: str) -> None:
        text = self.results.read_bytes().decode("utf-8")
        old, new = (self.ids(part) for part in (old, new))
        assert text.count(old) == 1, text
        self.results.write_bytes(text.replace(old, new).encode("utf-8"))

    def ids(self, text: str) -> str:
        """Return a text with #0, #1 … replaced by the ids of this brand's customers."""
        return re.sub(r"#([0-9])", lambda match: str(int(self.held) + int(match[1])), text)

    def journal(self, sql: str) -> None:
        [path] = self.results.parent.glob("state/*/journal.sqlite")
        with sqlite3.connect(path) as db:
            merge_log(db)  # committed entries are in `log` until the next session merges them
            assert db.execute(self.ids(sql)).rowcount == 1
        db.close()


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with sandbox_and_fork_server() as found:
        found.sandbox("config", {"brands": BRANDS})
        yield found


@pytest.fixture(scope="module")
def brands() -> Iterator[str]:
    return iter(BRANDS)


@pytest.fixture
def here(processes: Processes, brands: Iterator[str], tmp_path: Path) -> SentSheet:
    return SentSheet(processes, next(brands), tmp_path)


SLOW = pytest.mark.slow(reason="each format with the other version, too")


@pytest.mark.parametrize(
    ("version", "suffix"),
    [
        pytest.param(version, suffix, marks=SLOW if version == 1 and suffix != ".csv" else ())
        for version in (1, 2)
        for suffix in SUFFIXES
    ],
)
def test_results_of_a_run_are_verified(
    processes: Processes,
    brands: Iterator[str],
    tmp_path: Path,
    suffix: str,
    version: int,
) -> None:
    here = SentSheet(processes, next(brands), tmp_path, version, suffix)
    assert here.differences() == []
    assert here.run().summary.as_dict()["exists"] == 3
    assert here.differences() == []
    assert here.differences(offline=True) == []


def test_results_of_a_run_that_ended_early_are_verified(here: SentSheet) -> None:
    here.sheet.write_text(SHEET + "New Demo,0500000003,,,,\nNewer Demo,0500000004,,,,\n", "utf-8")
    here.run(limit=1)
    assert here.differences() == []


def test_verify_without_credentials_does_not_read_clopos(here: SentSheet) -> None:
    here.env["CLOPOS_CLIENT_SECRET"] = ""
    found = verify(here.sheet, OPTIONS, here.results, env=here.env)
    assert found.summary.as_dict()["customers_read"] is None
    assert found.summary.as_dict()["journal"]
    assert found.exit_code == 0


def test_verify_on_another_machine_goes_without_the_journal(
    here: SentSheet, tmp_path: Path
) -> None:
    here.env["CLOPOS_STATE_DIR"] = str(tmp_path / "another")
    found = verify(here.sheet, OPTIONS, here.results, env=here.env)
    assert not found.summary.as_dict()["journal"]
    assert found.exit_code == 0
    assert not (tmp_path / "another").exists()


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("2,created,#1", "2,created,#0", "2: customer #0 has another name, phone"),
        ("2,created,#1", "2,created,9999", "2: is created as customer 9999, who is not at Clopos"),
        ("2,created,#1", "2,created,#2", "2: is not the only row that claims customer #2"),
        ("2,created,#1", "2,created,", "2: is created with the id «»"),
        ("2,created,#1", "2,pending,", "2: is pending, and at Clopos as customer #1"),
        ("2,created,#1", "2,pending,", "2: is pending, and the journal has created of it"),
        ("2,created,#1", "2,unknown,", "2: is unknown, and the journal has created of it"),
        ("2,created,#1", "2,invalid,", "2: could be sent, and is invalid in the results"),
        ("2,created,#1", "2,done,#1", "2: «done» is not a status of a run"),
        ("4,conflict,", "4,created,#0", "4: is created, and the journal has nothing of it"),
        ("5,duplicate,,phone,,2", "5,pending,,,,", "5: is duplicate in the sheet, and pending"),
        ("5,duplicate,,phone,,2", "5,created,#1,,,", "5: is duplicate in the sheet, and created"),
        ("5,duplicate,,phone,,2", "5,duplicate,,phone,,3", "5: is duplicate in the results, and"),
        ("5,duplicate,,phone,,2", "5,duplicate,,phone,,5", "5: is duplicate in the results, and"),
        ("4,conflict,,phone,#0", "4,conflict,,phone,#1", "4: is conflict with customer #1, who do"),
        ("4,conflict,,phone,#0", "4,conflict,,code,#0", "4: is conflict with customer #0, who doe"),
        (
            "4,conflict,,phone,#0",
            "4,conflict,,phone,9999",
            "4: is conflict with customer 9999",
        ),
        ("4,conflict,,phone,#0", "4,exists,#0,,", "4: is exists as customer #0, which is an"),
        ("4,conflict,,phone,#0", "4,exists,#1,,", "4: is exists as customer #1, which is an"),
        ("4,conflict,,phone,#0", "4,rejected,,phone,#0", "4: is rejected with the holder «#0»"),
        ("6,invalid", "6,rejected", "6: is invalid in the sheet, and rejected in the results"),
        ("3,created,", "33,created,", "3: is in the sheet and not in the results"),
        ("3,created,", "33,created,", "33: is in the results and not in the sheet"),
        ("3,created,", "2,created,", "2: is in the results twice"),
        ("3,created,", "x,created,", "None: a line of the results has no row: «x»"),
        ("Leyla Demo", "Layla Demo", "3: the sheet has another Name"),
        ("'=1+1", "2", "2: the sheet has another Note"),
    ],
)
def test_changed_results_are_reported(here: SentSheet, old: str, new: str, difference: str) -> None:
    here.replace(old, new)
    found = here.differences()
    assert [text for text in found if text.startswith(here.ids(difference))], found


@pytest.mark.parametrize(
    ("sql", "difference"),
    [
        ("DELETE FROM entries WHERE clopos_id = '#1'", "2: is created, and the journal has not"),
        (
            "UPDATE entries SET state = 'sent', clopos_id = NULL WHERE clopos_id = '#1'",
            "2: is created, and the journal has sent",
        ),
        (
            "UPDATE entries SET clopos_id = '#7' WHERE clopos_id = '#1'",
            "2: is customer #1, and #7",
        ),
    ],
)
def test_changed_journal_is_reported(here: SentSheet, sql: str, difference: str) -> None:
    here.journal(sql)
    [found] = here.differences(offline=True)
    assert found.startswith(here.ids(difference))


def test_sheet_edited_since_the_run_is_reported(here: SentSheet) -> None:
    here.sheet.write_text(SHEET.replace("anar@", "other@"), "utf-8")
    found = here.differences()
    assert found == ["2: the sheet has another Email", here.ids("2: customer #1 has another email")]


@pytest.mark.usefixtures("untraced")
def test_verify_looks_up_ids_where_reading_all_customers_costs_more(
    processes: Processes, brands: Iterator[str], tmp_path: Path
) -> None:
    brand = next(brands)
    for number in range(500):
        processes.sandbox("customers", {"name": f"Old {number}", "brand": brand})
    here = SentSheet(processes, brand, tmp_path, version=1)
    found = verify(here.sheet, OPTIONS, here.results, env=here.env)
    assert found.exit_code == 0
    assert found.summary.as_dict()["requests"]["reads"] == 1 + 3 + 1


def test_customer_created_by_another_program_is_compared_with_its_row(here: SentSheet) -> None:
    """By phone and name, for no cid of ours shows whose it is."""
    shutil.rmtree(here.results.parent / "state")
    here.sheet.write_text(SHEET.replace("Clash Demo", "somebody  ELSE"), "utf-8")
    here.run(match="always")
    text = here.results.read_text("utf-8")
    assert here.ids("4,exists,#0,") in text
    assert here.differences() == []
    here.replace("4,exists,#0,", "4,exists,#1,")
    assert here.differences() == [
        here.ids("4: is exists as customer #1, which is another customer")
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_verified_group_of_a_row_is_the_one_that_was_sent(
    processes: Processes, brands: Iterator[str], tmp_path: Path, version: int
) -> None:
    """Also for a row that has only a name."""
    here = SentSheet(processes, next(brands), tmp_path, version)
    here.sheet.write_text("Name,Kind\nGroup Demo,My Customers\nOther Demo,\n", "utf-8")
    options = SheetOptions(group_column="Kind", accept=("drift",))
    sent = run(here.sheet, options, Output(here.results), SENDING, env=here.env)
    assert sent.summary.as_dict()["created"] == 2
    found = verify(here.sheet, options, here.results, env=here.env)
    assert found.differences == ()
    offline = verify(here.sheet, options, here.results, env=here.env, offline=True)
    assert offline.differences == ()


def test_verify_during_a_run_is_refused(here: SentSheet) -> None:
    [path] = here.results.parent.glob("state/*/journal.sqlite")
    with hold(path.parent, "list.csv"), pytest.raises(ServiceError, match="in progress"):
        here.differences()


def test_verify_command_prints_differences_and_exit_codes(
    here: SentSheet, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["verify", str(here.sheet), "--dates", "YMD", "--results", str(here.results)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in here.env.items():
            patch.setenv(name, value)
        assert run_command([*arguments, "--quiet"]) == 0
        assert "all agrees" in capsys.readouterr().out
        here.replace("2,created,#1", "2,created,#0")
        assert run_command([*arguments, "--quiet"]) == 1
        assert here.ids("row 2 customer #0 has another name, phone") in capsys.readouterr().out
        assert run_command([*arguments, "--quiet", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["agrees"] is False
        here.results.unlink()
        assert run_command([*arguments, "--quiet"]) == 2


def test_file_that_is_no_results_is_an_error(here: SentSheet) -> None:
    with pytest.raises(UsageError, match="not a results file"):
        verify(here.sheet, OPTIONS, here.sheet, env=here.env)
    assert read(here.results, ReadOptions()).headers[0] == "Name"
