"""Sending: servers and machines that fail as in public bug reports.

The numbers are those of `README.md` here, which also lists the tests in other rooms.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from importer.errors import ServiceError
from importer.sandbox import Config
from tests.cli_process import ask_sandbox, serving, started, until
from tests.harness import Harness, Sent, harness, people, status_by_row

if TYPE_CHECKING:
    from pathlib import Path

SLOW = pytest.mark.slow(reason="the same in another place, or another loss")
NAMES_ONLY = [{"name": f"Demo {n}"} for n in range(1, 13)]


def statuses(sent: Sent) -> set[str]:
    return set(status_by_row(sent).values())


def rows_but(sent: Sent, status: str) -> list[int]:
    """Return the rows that have any other status."""
    return [row for row, found in status_by_row(sent).items() if found != status]


def check_ids(here: Harness, sent: Sent, rows: list[dict[str, Any]]) -> None:
    """Check that each row with an id has that of the only customer with its name."""
    assert set(here.names().values()) <= {1}
    ids = {customer["name"]: str(customer["id"]) for customer in here.sandbox.customers()}
    for row, outcome in sent.outcomes.items():
        if outcome.clopos_id:
            assert outcome.clopos_id == ids[rows[row - 2]["name"]]


async def created_once_in_the_end(here: Harness, rows: list[dict[str, Any]]) -> None:
    """Run the same command again; check that each row is created once and has its id."""
    sent = await here.send(*rows)
    assert sent.error is None
    assert statuses(sent) <= {"created", "exists"}
    assert here.names() == dict.fromkeys((row["name"] for row in rows), 1)
    check_ids(here, sent, rows)


@pytest.mark.parametrize("match", ["auto", "never"])
async def test_01_late_second_response_is_not_taken_for_that_of_the_next_row(
    tmp_path: Path, match: str
) -> None:
    rows = people(12)
    async with harness(tmp_path, Config(gateway_seconds=0.1)) as here:
        here.sandbox.faults.add("late_answer", match={"name": "Demo 3"}, seconds=0.05)
        sent = await here.send(*rows, match=match)
        assert statuses(sent) == {"created"}
        check_ids(here, sent, rows)
        assert len(here.sandbox.customers()) == 12


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("rows", [NAMES_ONLY, people(12)], ids=["names", "phones"])
@pytest.mark.parametrize("fault", ["drop", "504c", pytest.param("504a", marks=SLOW)])
@pytest.mark.parametrize("first", [1, 5, pytest.param(2, marks=SLOW)])
@pytest.mark.parametrize("match", ["auto", "never"])
async def test_02_server_that_makes_its_own_cids_is_reported_and_creates_no_customer_twice(
    tmp_path: Path, rows: list[dict[str, Any]], fault: str, first: int, match: str
) -> None:
    """The first responses arrive before a row is in doubt, or after."""
    async with harness(tmp_path, Config(keeps_cid=False)) as here:
        for number in range(first, 13, 5):
            here.sandbox.faults.add(fault, match={"name": f"Demo {number}"})
        sent = await here.send(*rows, match=match)
        assert isinstance(sent.error, ServiceError)
        assert sent.error.code == "cid_not_kept"
        check_ids(here, sent, rows)
        for _ in range(2):
            sent = await here.send(*rows, match=match)
            assert set(here.names().values()) == {1}


async def test_02_server_that_makes_its_own_cids_is_noticed_with_requests_in_flight(
    tmp_path: Path,
) -> None:
    async with harness(tmp_path, Config(keeps_cid=False, latency=(1.0, 2.0))) as here:
        here.sandbox.faults.add("drop", times=3)
        sent = await here.send(*NAMES_ONLY, rate="none")
        assert sent.error
        assert sent.error.code == "cid_not_kept"
        assert set(here.names().values()) == {1}
        check_ids(here, sent, NAMES_ONLY)


@pytest.mark.parametrize(
    ("rows", "ends", "match"),
    [(NAMES_ONLY, "conflict", "never"), (people(12), "exists", "auto")],
    ids=["names", "phones"],
)
async def test_02_server_that_makes_its_own_cids_and_never_answers_creates_no_customer_twice(
    tmp_path: Path, rows: list[dict[str, Any]], ends: str, match: str
) -> None:
    """No response shows the other cid, but a newer customer looks like the row."""
    async with harness(tmp_path, Config(keeps_cid=False)) as here:
        here.sandbox.faults.add("drop", times=12)
        for _ in range(2):
            sent = await here.send(*rows, match=match)
            assert (sent.error, statuses(sent)) == (None, {ends})
            assert here.names() == {row["name"]: 1 for row in rows}


@pytest.mark.parametrize(
    ("rows", "match"), [(NAMES_ONLY, "auto"), (people(12), "never")], ids=["names", "phones"]
)
async def test_02_fix_of_the_error_for_lost_cids_settles_rows_by_their_values(
    tmp_path: Path, rows: list[dict[str, Any]], match: str
) -> None:
    """Uncertain rows are looked for by their values, and a person decides."""
    async with harness(tmp_path, Config(keeps_cid=False)) as here:
        for number in (1, 6, 11):
            here.sandbox.faults.add("drop", match={"name": f"Demo {number}"})
        stopped = await here.send(*rows, match=match)
        assert stopped.error
        assert "--match always --accept cid_not_kept" in (stopped.error.fix or "")
        for _ in range(2):
            sent = await here.send(*rows, match="always", accept=("cid_not_kept",))
            assert sent.error is None
            assert statuses(sent) <= {"created", "exists", "conflict"}
            assert here.names() == {row["name"]: 1 for row in rows}
        held = [row for row, status in status_by_row(sent).items() if status == "conflict"]
        decisions = {row: ("same", sent.outcomes[row].existing_id) for row in held}
        sent = await here.send(*rows, match="always", decisions=decisions)
        assert (sent.error, statuses(sent)) == (None, {"exists"})
        check_ids(here, sent, rows)
        sent = await here.send(*rows, match="never")  # nothing is in doubt any more
        assert (sent.error, statuses(sent)) == (None, {"exists"})
        assert (sent.requests.posts, sent.requests.reads) == (0, 1)  # the credentials are tried


@pytest.mark.parametrize("accept", [(), ("cid_not_kept",)], ids=["unknown", "accepted"])
@pytest.mark.parametrize("first", [1, 5, pytest.param(2, marks=SLOW)])
async def test_02_row_in_doubt_is_not_resent_while_lists_lag_where_cids_are_not_kept(
    tmp_path: Path, first: int, accept: tuple[str, ...]
) -> None:
    """No cid protects it, so it waits until lists are complete."""
    async with harness(tmp_path, Config(keeps_cid=False, list_lag=40.0)) as here:
        here.sandbox.faults.add("504c", match={"name": f"Demo {first}"}, seconds=20.0)
        for _ in range(6):
            sent = await here.send(*NAMES_ONLY, match="always", accept=accept)
            assert set(here.names().values()) == {1}
            await asyncio.sleep(12.0)
        if accept:
            assert status_by_row(sent)[first + 1] == "conflict"
            assert len(here.names()) == 12


async def test_02_row_in_doubt_that_is_decided_to_be_another_is_sent(tmp_path: Path) -> None:
    async with harness(tmp_path, Config(keeps_cid=False)) as here:
        here.sandbox.faults.add("drop")
        sent = await here.send({"name": "Demo 1"})
        assert status_by_row(sent) == {2: "conflict"}
        options: dict[str, Any] = {"match": "always", "accept": ("cid_not_kept",)}
        sent = await here.send({"name": "Demo 1"}, decisions={2: ("other", None)}, **options)
        assert status_by_row(sent) == {2: "created"}
        assert here.names() == {"Demo 1": 2}


@pytest.mark.parametrize("match", ["auto", "never"])
@pytest.mark.parametrize("field", ["phone", "code"])
async def test_03_answer_200_with_an_existing_customer_is_a_conflict_with_its_id(
    tmp_path: Path, match: str, field: str
) -> None:
    value: dict[str, Any] = {field: {"phone": "+994500000002", "code": "C-2"}[field]}
    async with harness(tmp_path, Config(upsert=True)) as here:
        held = here.sandbox.add(name="Somebody Else", **value)
        rows = people(3)
        rows[1] = {"name": "Demo 2"} | value
        sent = await here.send(*rows, match=match)
        assert status_by_row(sent) == {2: "created", 3: "conflict", 4: "created"}
        assert sent.outcomes[3].existing_id == str(held["id"])
        assert sent.outcomes[3].clopos_id is None
        again = await here.send(*rows, match=match)
        assert status_by_row(again)[3] == "conflict"


@pytest.mark.parametrize("lag", [15.0, 40.0])
@pytest.mark.parametrize("rows", [NAMES_ONLY, people(12)], ids=["names", "phones"])
@pytest.mark.parametrize("match", ["auto", "never"])
async def test_04_row_in_doubt_is_unknown_while_lists_lag_and_settled_next_time(
    tmp_path: Path, lag: float, rows: list[dict[str, Any]], match: str
) -> None:
    async with harness(tmp_path, Config(list_lag=lag)) as here:
        here.sandbox.faults.add("drop", match={"name": "Demo 5"})
        sent = await here.send(*rows, match=match)
        assert set(status_by_row(sent).values()) <= {"created", "unknown"}
        assert [row for row, status in status_by_row(sent).items() if status == "unknown"] in (
            [],
            [6],
        )
        check_ids(here, sent, rows)
        here.sandbox.change(list_lag=0.0)
        await created_once_in_the_end(here, rows)


@pytest.mark.parametrize(
    ("row", "match", "lag"),
    [({"name": "Demo 1"}, "auto", 40.0), (people(1)[0], "never", 3600.0)],
    ids=["name", "phone"],
)
async def test_04_single_row_is_no_conflict_with_itself_while_lists_lag(
    tmp_path: Path, lag: float, row: dict[str, Any], match: str
) -> None:
    """The total of the list fits its pages, on both nights."""
    async with harness(tmp_path, Config(list_lag=lag)) as here:
        here.sandbox.faults.add("drop")
        for _ in range(2):
            assert status_by_row(await here.send(row, match=match)) == {2: "unknown"}
        here.sandbox.change(list_lag=0.0)
        await created_once_in_the_end(here, [row])


async def test_04_holder_that_no_list_shows_is_reported_once_lists_are_complete(
    tmp_path: Path,
) -> None:
    """That is an hour after the last attempt; a newer customer in the list proves nothing."""
    async with harness(tmp_path) as here:
        here.sandbox.faults.add("drop_before")
        here.sandbox.add(name="Gone Demo", phone=people(1)[0]["phone"], hidden=True)
        assert status_by_row(await here.send(*people(1))) == {2: "unknown"}
        here.sandbox.add(name="Newer Demo")
        assert status_by_row(await here.send(*people(1))) == {2: "unknown"}
        await asyncio.sleep(3600.0)
        for _ in range(2):
            sent = await here.send(*people(1))
            assert status_by_row(sent) == {2: "conflict"}
            assert "can't be seen" in sent.outcomes[2].message


async def test_04_row_is_found_after_nights_on_which_lists_lagged(tmp_path: Path) -> None:
    """Its customer is older than the highest id known before the last attempt."""
    async with harness(tmp_path, Config(list_lag=3600.0)) as here:
        here.sandbox.faults.add("drop")
        assert status_by_row(await here.send(*people(1))) == {2: "unknown"}
        for night in range(2):
            sent = await here.send(*people(2 + night))
            assert status_by_row(sent)[2] == "unknown"
        here.sandbox.change(list_lag=0.0)
        await created_once_in_the_end(here, people(3))


async def test_05_single_403_rejects_its_row_with_the_reason(tmp_path: Path) -> None:
    rows = people(12)
    rows[4]["name"] = "Union Select"
    async with harness(tmp_path, Config(firewall=("Union Select",))) as here:
        for _ in range(2):
            sent = await here.send(*rows, match="never")
            assert sent.error is None
            assert status_by_row(sent)[6] == "rejected"
            assert "403" in sent.outcomes[6].message
            assert len(here.sandbox.customers()) == 11


async def test_05_several_403s_in_a_row_end_the_run_and_name_the_rows(tmp_path: Path) -> None:
    rows = people(40)
    for row in rows[4:]:
        row["name"] = f"Union {row['name']}"
    async with harness(tmp_path, Config(firewall=("Union",))) as here:
        sent = await here.send(*rows, match="never")
        assert isinstance(sent.error, ServiceError)
        assert status_by_row(sent)[6] == "rejected"
        asked = [r for r in here.sandbox.requests() if r["route"] == "create"]
        assert len(asked) < 20
        here.sandbox.change(firewall=[])
        await created_once_in_the_end(here, rows)


@pytest.mark.parametrize("match", ["auto", "never"])
async def test_08_unavailable_list_is_no_empty_list(tmp_path: Path, match: str) -> None:
    rows = people(6)
    async with harness(tmp_path) as here:
        here.sandbox.faults.add("404", "list", times=None)
        here.sandbox.faults.add("drop", match={"name": "Demo 2"})
        sent = await here.send(*rows, match=match)
        assert sent.error
        assert status_by_row(sent).get(3) in {None, "unknown"}
        assert statuses(sent) <= {"created", "unknown"}
        here.sandbox.faults.clear()
        await created_once_in_the_end(here, rows)


@pytest.mark.parametrize("kind", ["text_success", "accepted", "float_id", "garbage"])
async def test_09_unreadable_successes_are_read_back_soon(tmp_path: Path, kind: str) -> None:
    rows = people(12)
    async with harness(tmp_path) as here:
        here.sandbox.faults.add(kind, times=None)
        sent = await here.send(*rows)
        assert statuses(sent) == {"created"}
        check_ids(here, sent, rows)
        assert sent.requests.posts == 12
        assert here.now < 60


@pytest.mark.parametrize("kind", ["refused_done"])
@pytest.mark.parametrize("rows", [NAMES_ONLY, people(12)], ids=["names", "phones"])
async def test_20_refusal_that_shows_the_rows_own_customer_is_read_back(
    tmp_path: Path, kind: str, rows: list[dict[str, Any]]
) -> None:
    async with harness(tmp_path) as here:
        here.sandbox.faults.add(kind, times=3)
        sent = await here.send(*rows)
        assert statuses(sent) == {"created"}
        check_ids(here, sent, rows)


@pytest.mark.parametrize("rows", [NAMES_ONLY, people(12)], ids=["names", "phones"])
@pytest.mark.parametrize("fault", ["drop", "504a"])
async def test_21_lists_without_cid_leave_rows_in_doubt_unknown(
    tmp_path: Path, rows: list[dict[str, Any]], fault: str
) -> None:
    async with harness(tmp_path, Config(lists_cid=False)) as here:
        here.sandbox.faults.add(fault, times=2)
        sent = await here.send(*rows)
        assert [row for row, status in status_by_row(sent).items() if status != "created"] in (
            [],
            [2, 3],
        )
        assert statuses(sent) <= {"created", "unknown"}
        check_ids(here, sent, rows)
        here.sandbox.change(lists_cid=True)
        await created_once_in_the_end(here, rows)


def test_16_deleted_report_folder_leaves_the_summary(tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text(
        "Name,Phone\n" + "".join(f"Demo {n},05000{n:05}\n" for n in range(1, 41)), "utf-8"
    )
    pages = tmp_path / "pages"
    pages.mkdir()
    arguments = ("--yes", "--json", "--rate", "none", "--concurrency", "1")
    with serving(tmp_path, "--no-limits", "--latency", "0.05-0.05") as found:
        env = found["2"]
        with started("run", sheet, *arguments, "--report", pages / "r.html", env=env) as process:
            until(lambda: ask_sandbox(env, "customers"))
            shutil.rmtree(pages)
            out, _ = process.communicate(timeout=60)
    summary = json.loads(out)
    assert process.returncode == summary["exit_code"] == 3
    assert summary["created"] == summary["rows"] == 40
    assert str(pages) in summary["error"]["what"]


async def test_22_failed_connections_are_not_counted_as_requests(tmp_path: Path) -> None:
    """The port is closed for a while."""
    rows = people(20)
    async with harness(tmp_path) as here:
        sent = await here.send(*rows, variables={"CLOPOS_BASE_URL": "http://127.0.0.1:9/x"})
        assert sent.error
        assert sent.requests.posts == sent.requests.total == 0
        sent = await here.send(*rows)
        seen = [r for r in here.sandbox.requests() if r["route"] == "create"]
        assert sent.requests.posts == len(seen) == 20


@pytest.mark.usefixtures("untraced")
async def test_23_journal_locked_by_a_backup_ends_the_run_with_its_results(tmp_path: Path) -> None:
    """The error names the lock, created rows are reported, and the next run continues."""
    rows = people(60)
    async with harness(tmp_path) as here:
        with contextlib.ExitStack() as backup:

            def lock() -> None:
                [path] = here.folder.glob("*/journal.sqlite")
                db = backup.enter_context(contextlib.closing(sqlite3.connect(path)))
                db.execute("BEGIN EXCLUSIVE")

            here.call_later(5.0, lock)
            sent = await here.send(*rows)
        assert isinstance(sent.error, ServiceError)
        assert sent.error.code == "journal_locked"
        assert "space" not in (sent.error.fix or "")
        assert 0 < len(here.sandbox.customers()) < 60
        check_ids(here, sent, rows)
        await created_once_in_the_end(here, rows)
