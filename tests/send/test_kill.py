"""`kill -9`, wherever it strikes: no row twice, none lost, and no request more than that takes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox_process import Processes, sandbox_and_fork_server
from tools.crash_test import torture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAST = 200  # crash points that a small run surely doesn't have


@pytest.mark.parametrize(
    "kills", [8, pytest.param(40, marks=pytest.mark.slow(reason="forty kills, two runs each"))]
)
def test_kills_at_random_moments(kills: int) -> None:
    """Cost: a list for a run that begins with rows in doubt, a POST for each not there.

    A run that finds nothing to send asks for a list, too: it tries the credentials. (Lists are
    compared with the runs while it kills; `make torture` does it 2,000 times.)
    """
    tally = torture(kills, seed=1)
    assert tally.kills == kills
    assert (tally.twice, tally.lost, tally.untrue) == (0, 0, 0)
    assert tally.resent_there == 0
    # Else it didn't strike where it hurts. Usually half of them do; of eight it may be two.
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
def test_death_between_any_two_steps(here: Processes, tmp_path: Path) -> None:
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
        before = _read(results)
        last = first
        if first["code"] == -9:
            last = here.command(*command, env=env)
        assert last["code"] == 1, (point, last)  # one conflict
        ids = _judge(here, brand, whole=True)
        after = _read(results)
        status, id_, field, existing = after.pop("Clash Demo")
        assert (status, id_, existing) == ("conflict", "", str(holder["id"])), point
        # A death after the conflict was noted: held back without a request, and by what isn't kept.
        assert field == "phone" or (first["code"] == -9 and not field), point
        assert {name: found[1] for name, found in after.items()} == ids, point
        statuses = {found[0] for found in after.values()}
        if statuses == {"exists"}:  # it was killed when all was written and noted
            statuses = {found[0] for name, found in before.items() if name in after}
        assert statuses == {"created"}, (point, after)
        if first["code"] != -9:
            assert point > 20  # else there were no points to die at
            return
    raise AssertionError("there is no end of crash points")


def _read(results: Path) -> dict[str, tuple[str, ...]]:
    """Return name → status, id, field and id of the holder, of the results; {}: there are none."""
    lines = results.read_text("utf-8-sig").splitlines()[1:] if results.exists() else []
    return {line.split(",")[-3]: tuple(line.split(",")[1:5]) for line in lines}


def _judge(here: Processes, brand: str, *, whole: bool) -> dict[str, str]:
    """Return name → id of our rows; none is there twice, and when it is `whole` all are there."""
    customers: list[dict[str, Any]] = here.sandbox("customers")
    ours = [each for each in customers if each["brand"] == brand and each["name"] != "Holder"]
    names = Counter(each["name"] for each in ours)
    expected = {name for name, _, _ in ROWS} - {"Clash Demo"}
    assert set(names.values()) <= {1}
    assert set(names) <= expected
    assert not whole or set(names) == expected
    return {each["name"]: str(each["id"]) for each in ours}
