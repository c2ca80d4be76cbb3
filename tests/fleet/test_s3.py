"""Sheets and results of brands in an S3, a real worker, the real sandbox and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli_process import lines_of
from tests.fleet.lab import each_once
from tests.s3 import serving_s3, set_s3_variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fleet.lab import Lab


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run an S3 with an empty bucket; the environment is that of its user."""
    with serving_s3() as url:
        system = set_s3_variables(url, monkeypatch)
        system.mkdir("fleet")
        yield system


@pytest.mark.slow(reason="starts a server and its libraries")
def test_sheets_and_results_of_brands_are_in_s3(
    lab: Lab,
    bucket: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab.brand("beside", 3, sheet="s3://fleet/in/beside.csv")
    lab.brand("apart", 2, sheet="s3://fleet/in/apart.csv", results="s3://fleet/out")
    lab.brand("local", 4, results="s3://fleet/out/")
    lab.brand("nowhere", sheet="s3://fleet/in/nowhere.csv")
    lab.brand("no-bucket", sheet="s3://other/in/list.csv")
    lab.brand("wrong", sheet="s4://fleet/in/list.csv")
    for name in ("beside", "apart"):
        bucket.put_file(str(lab.folder / f"{name}.csv"), f"fleet/in/{name}.csv")
        (lab.folder / f"{name}.csv").unlink()
    lab.open_sandbox()
    assert lab.fleet("run", "--all") == 0
    assert lab.work_here() == 0

    assert lab.states(capsys) == {
        "beside": ("idle", 0),
        "apart": ("idle", 0),
        "local": ("idle", 0),
        "nowhere": ("failed", 2),
        "no-bucket": ("failed", 2),
        "wrong": ("failed", 2),
    }
    errors = {each["name"]: each["error"] for each in lab.status(capsys)["brands"]}
    assert "There is no sheet at s3://fleet/in/nowhere.csv" in errors["nowhere"]
    assert "did you mean s3://?" in errors["wrong"]
    assert "hidden" not in str(errors)
    assert lab.at_clopos() == each_once([(0, 3), (1, 2), (2, 4)])
    for place, rows in (("in/beside", 3), ("out/apart", 2), ("out/local", 4)):
        bucket.get_file(f"fleet/{place}.csv.results.xlsx", str(tmp_path / "found.xlsx"))
        statuses = [line["import_status"] for line in lines_of(tmp_path / "found.xlsx")]
        assert statuses == ["created"] * rows

    # The next night on another machine: no row is sent, and the results show it.
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(tmp_path / "other"))
    assert lab.fleet("run", "beside") == 0
    assert lab.work_here() == 0
    bucket.invalidate_cache()
    bucket.get_file("fleet/in/beside.csv.results.xlsx", str(tmp_path / "found.xlsx"))
    assert {line["import_status"] for line in lines_of(tmp_path / "found.xlsx")} == {"exists"}
    assert len(lab.creates()) == 9


@pytest.mark.slow(reason="the library tries again for seconds")
def test_store_that_does_not_answer_is_retried_later(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_s3_variables("http://127.0.0.1:1", monkeypatch)
    lab.brand("tea", sheet="s3://fleet/in/tea.csv")
    lab.brand("other", 1)
    lab.open_sandbox()
    assert lab.fleet("run", "--all") == 0
    assert lab.work_here() == 0
    assert lab.states(capsys) == {"tea": ("failed", 3), "other": ("idle", 0)}
    errors = {each["name"]: each["error"] for each in lab.status(capsys)["brands"]}
    assert errors["tea"].startswith("s3://fleet/in/tea.csv can't be used; ")
