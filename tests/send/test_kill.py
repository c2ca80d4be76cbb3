"""`kill -9`, wherever it strikes: no row twice, none lost, and no request more than that takes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox_process import Apart, apart
from tools.crash_test import torture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAST = 200  # crash points that a small run surely doesn't have


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_kills_at_random_moments(seed: int) -> None:
    """What it costs: a page for a run that begins with rows in doubt, a POST for each not there.

    (The pages are held against the runs while torturing.)
    """
    tally = torture(100, seed)
    assert tally.kills == 100
    assert (tally.twice, tally.lost, tally.untrue) == (0, 0, 0)
    assert tally.resent_there == 0
    assert tally.kills_with_doubt > 25  # else it didn't strike where it hurts


@pytest.fixture(scope="module")
def here() -> Iterator[Apart]:
    with apart() as processes:
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


def test_death_between_any_two_steps(here: Apart, tmp_path: Path) -> None:
    """One by one: between every two commits of the journal and requests, until none is left."""
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
        _judge(here, brand, whole=False)
        last = first
        if first["code"] == -9:
            last = here.command(*command, env=env)
        assert last["code"] == 1, (point, last)  # one conflict
        ids = _judge(here, brand, whole=True)
        told = {
            line.split(",")[-3]: tuple(line.split(",")[1:5])
            for line in results.read_text("utf-8-sig").splitlines()[1:]
        }
        conflict = told.pop("Clash Demo")
        assert conflict == ("conflict", "", "phone", str(holder["id"])), point
        assert {name: found[1] for name, found in told.items()} == ids, point
        assert {found[0] for found in told.values()} == {"created"}, (point, told)
        if first["code"] != -9:
            assert point > 20  # else there were no points to die at
            return
    raise AssertionError("there is no end of crash points")


def _judge(here: Apart, brand: str, *, whole: bool) -> dict[str, str]:
    """Return name → id of our rows; none is there twice, and when it is `whole` all are there."""
    customers: list[dict[str, Any]] = here.sandbox("customers")
    ours = [each for each in customers if each["brand"] == brand and each["name"] != "Holder"]
    names = Counter(each["name"] for each in ours)
    expected = {name for name, _, _ in ROWS} - {"Clash Demo"}
    assert set(names.values()) <= {1}
    assert set(names) <= expected
    assert not whole or set(names) == expected
    return {each["name"]: str(each["id"]) for each in ours}
