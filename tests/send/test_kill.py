"""`kill -9` at any point: no row is created twice or lost, no request is wasted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox_process import Processes, sandbox_and_fork_server
from tools.crash_test import torture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAST = 200  # more crash points than a small run has


@pytest.mark.parametrize(
    "kills", [8, pytest.param(40, marks=pytest.mark.slow(reason="forty kills, two runs each"))]
)
def test_runs_killed_at_random_moments_create_every_row_once(kills: int) -> None:
    """A crash costs one list read, and a POST for each row in doubt that wasn't created.

    A run without rows to send reads a list, too, to try the credentials. `make torture` kills
    2,000 times.
    """
    tally = torture(kills, seed=1)
    assert tally.kills == kills
    assert (tally.twice, tally.lost, tally.untrue) == (0, 0, 0)
    assert tally.resent_there == 0
    # At least an eighth of the kills must leave rows in doubt; usually half of them do.
    assert tally.kills_with_doubt >= kills / 8


@pytest.fixture(scope="module")
def here() -> Iterator[Processes]:
    with sandbox_and_fork_server() as processes:
        brands = [f"brand-{n}" for n in range(LAST)]
        times = {"gateway_seconds": 0.01, "late_seconds": 0.02}
        processes.sandbox("config", {"brands": brands} | times)
        yield processes


ROWS = [
    ("Anar Demo", "+994500000001", "K1"),
    ("Lost Answer", "+994500000002", ""),
    ("Late Demo", "", "K3"),
    ("Neither Demo", "", ""),
    ("Clash Demo", "+994500000009", ""),
]


@pytest.mark.slow(reason="two processes for each of a hundred crash points")
def test_run_killed_between_any_two_steps_creates_every_row_once(
    here: Processes, tmp_path: Path
) -> None:
    """Each crash point in turn: before and after each commit of the journal and each request."""
    sheet = tmp_path / "list.csv"
    lines = ["Name,Phone,Code", *(",".join(row) for row in ROWS)]
    sheet.write_text("\n".join(lines), "utf-8")
    for point in range(LAST):
        brand = f"brand-{point}"
        env = {"CLOPOS_BRAND": brand, "CLOPOS_STATE_DIR": str(tmp_path / brand)}
        holder = here.sandbox(
            "customers", {"brand": brand, "name": "Holder", "phone": "+994500000009"}
        )
        here.sandbox("faults", method="DELETE")
        here.sandbox(
            "faults",
            [
                {"kind": "drop", "match": {"name": "Lost Answer"}},
                {"kind": "504c", "match": {"name": "Late Demo"}},
                {"kind": "503", "match": {"name": "Neither Demo"}},
            ],
        )
        results = tmp_path / f"{brand}.csv"
        command: list[object] = ["run", sheet, "--yes", "--json", "--quiet", "--rate", "none"]
        command += ("--match", "never", "--settle", 0.06, "--concurrency", 1, "--results", results)
        first = here.command(*command, env=env, die_at=point)
        _created_once(here, brand, whole=False)
        before = _read(results)
        last = first
        if first["code"] == -9:
            last = here.command(*command, env=env)
        assert last["code"] == 1, (point, last)  # one conflict
        ids = _created_once(here, brand, whole=True)
        after = _read(results)
        status, id_, field, existing = after.pop("Clash Demo")
        assert (status, id_, existing) == ("conflict", "", str(holder["id"])), point
        # Killed after the conflict was noted: held back without a request, with another message.
        assert field == "phone" or (first["code"] == -9 and not field), point
        assert {name: found[1] for name, found in after.items()} == ids, point
        statuses = {found[0] for found in after.values()}
        if statuses == {"exists"}:  # killed after everything was written and noted
            statuses = {found[0] for name, found in before.items() if name in after}
        assert statuses == {"created"}, (point, after)
        if first["code"] != -9:
            assert point > 20  # so there were crash points
            return
    raise AssertionError("there is no end of crash points")


def _read(results: Path) -> dict[str, tuple[str, ...]]:
    """Return name → status, id, field and id of the holder; {} if there are no results."""
    lines = results.read_text("utf-8-sig").splitlines()[1:] if results.exists() else []
    return {line.split(",")[-3]: tuple(line.split(",")[1:5]) for line in lines}


def _created_once(here: Processes, brand: str, *, whole: bool) -> dict[str, str]:
    """Return name → id of our rows; check that none is there twice, and if `whole` all are."""
    customers: list[dict[str, Any]] = here.sandbox("customers")
    ours = [each for each in customers if each["brand"] == brand and each["name"] != "Holder"]
    names = Counter(each["name"] for each in ours)
    expected = {name for name, _, _ in ROWS} - {"Clash Demo"}
    assert set(names.values()) <= {1}
    assert set(names) <= expected
    assert not whole or set(names) == expected
    return {each["name"]: str(each["id"]) for each in ours}
