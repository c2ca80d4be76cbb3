"""Good and broken brands with a real worker, the real sandbox and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.cli_process import lines_of
from tests.fleet.lab import each_once

if TYPE_CHECKING:
    import pytest

    from tests.fleet.lab import Lab


def test_good_brands_are_sent_once_beside_broken_ones(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.brand("good", 30)
    lab.brand("small", 3, results="out")
    lab.brand("paused", 2)
    lab.brand("away", 4, sheet=f"file://{lab.folder}/away.csv", results=f"file://{lab.folder}/put")
    lab.brand("away-too", sheet=f"file://{lab.folder}/nowhere.csv")
    lab.brand("no-sheet", sheet="nowhere.csv")
    lab.brand("no-credentials", 2, credentials="env")
    lab.brand("wrong-credentials", 2, credentials="file:wrong.env")
    lab.brand("bad-option", 2, options=["--limt", "3"])
    lab.brand("bad-row", 2)
    lab.brand("typo", 2, shedule="1 2 * * *")
    lab.brand("twin", 2, brand="one-at-clopos")
    lab.brand("other-twin", 2, brand="One-at-Clopos")
    (lab.folder / "bad-row.csv").write_text("Name,Phone\nDemo,+994501234567\nOther,12\n")
    wrong = lab.folder / "wrong.env"
    wrong.write_text("CLOPOS_CLIENT_ID=x\nCLOPOS_CLIENT_SECRET=hunter2\n")
    wrong.chmod(0o600)
    (lab.folder / "out").mkdir()
    lab.open_sandbox()

    assert lab.fleet("pause", "paused") == 0
    assert lab.fleet("run", "--all") == 2  # a typo, two equal brands, an unknown flag
    said = capsys.readouterr()
    assert "9 jobs given" in said.out
    assert "did you mean schedule?" in said.err
    assert "No such option" in said.err
    assert said.err.count("are one brand of Clopos") == 1
    assert lab.fleet("run", "godo") == 2
    assert "did you mean good?" in capsys.readouterr().err

    assert lab.work_here() == 2  # for the typo
    log = capsys.readouterr().err

    status = lab.status(capsys)
    found = {brand["name"]: brand for brand in status["brands"]}
    assert {name: (each["state"], each["exit_code"]) for name, each in found.items()} == {
        "good": ("idle", 0),
        "small": ("idle", 0),
        "paused": ("paused", None),
        "away": ("idle", 0),
        "away-too": ("failed", 2),
        "no-sheet": ("failed", 2),
        "no-credentials": ("failed", 2),
        "wrong-credentials": ("failed", 3),
        "bad-option": ("idle", None),
        "bad-row": ("idle", 1),
        "typo": ("failed", 2),
        "twin": ("failed", 2),
        "other-twin": ("failed", 2),
    }
    assert found["good"]["rows"] == found["good"]["done"] == 30
    assert "CLOPOS_NO_CREDENTIALS_CLIENT_ID" in found["no-credentials"]["error"]
    assert "nowhere.csv" in found["no-sheet"]["error"]
    assert "are one brand of Clopos" in found["twin"]["error"]
    assert found["bad-row"]["needs_person"]
    assert status["queue"] == {"waiting": 1, "running": 0}
    assert status["workers"] == []
    assert lab.at_clopos() == each_once([(0, 30), (1, 3), (3, 4)]) | Counter(["Demo"])
    assert len(lines_of(lab.folder / "out" / "small.csv.results.xlsx")) == 3
    assert len(lines_of(lab.folder / "put" / "away.csv.results.xlsx")) == 4
    assert "There is no sheet at file://" in found["away-too"]["error"]
    assert not [*(lab.folder / "state" / "sheets").iterdir()]

    secret = lab.sandbox["CLOPOS_CLIENT_SECRET"]
    stored = str(lab.query("SELECT args FROM queue.procrastinate_jobs"))
    assert stored == "[({'brand': 'paused'},)]"
    assert secret not in log
    assert "hunter2" not in log
    assert secret.encode() not in lab.stored()
    assert len(lab.creates()) == 38
