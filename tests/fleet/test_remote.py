"""Sheets and results in an object store: copies for a job, and back after it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pytest

from importer.errors import ServiceError, UsageError
from importer.fleet.brands import Brand
from importer.fleet.remote import address_of, copied
from importer.fleet.upload import NotNowError

if TYPE_CHECKING:
    from collections.abc import Callable

SHEET = b"Name,Phone\nDemo,+994501234567\n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Give a folder that is also an object store with an address."""
    folder = tmp_path / "store"
    folder.mkdir()
    put(folder / "tea.csv", SHEET)
    return folder


def put(path: Path, content: bytes) -> None:
    """Write a file with an old modification time."""
    path.write_bytes(content)
    os.utime(path, (0, 0))


def brand_at(store: Path, results: str = "", name: str = "tea.csv") -> Brand:
    return Brand("tea", "tea", Path(name), sheet_at=f"file://{store}/{name}", results_at=results)


async def run_job(brand: Brand, folder: Path, job: Callable[[Brand], None]) -> None:
    async with copied(brand, folder) as here:
        job(here)


def test_files_of_a_sheet_are_copied_and_changed_ones_are_copied_back(
    store: Path, tmp_path: Path
) -> None:
    put(store / "tea.csv.mapping.toml", b"x")
    put(store / "tea.csv.results.xlsx", b"old")
    put(store / "other.csv", b"y")
    put(store / "tea.csv.results.20260101-000000.xlsx", b"older")

    def job(here: Brand) -> None:
        beside = here.sheet.parent
        assert here.sheet.read_bytes() == SHEET
        assert sorted(path.name for path in beside.iterdir()) == [
            "tea.csv",
            "tea.csv.mapping.toml",
            "tea.csv.results.20260101-000000.xlsx",
            "tea.csv.results.xlsx",
        ]
        assert beside.stat().st_mode & 0o077 == 0
        (beside / "tea.csv.results.xlsx").write_bytes(b"new results")
        (beside / "tea.csv.results.20260101-000000.xlsx").unlink()  # as --keep-results does

    asyncio.run(run_job(brand_at(store), tmp_path / "here", job))
    assert {path.name: path.read_bytes() for path in store.iterdir()} == {
        "tea.csv": SHEET,
        "tea.csv.mapping.toml": b"x",
        "tea.csv.results.xlsx": b"new results",
        "other.csv": b"y",
    }
    assert (store / "tea.csv").stat().st_mtime == 0  # it wasn't written
    assert not (tmp_path / "here" / "tea").exists()


@pytest.mark.parametrize("results", ["out/", "out", "out/latest.csv"])
def test_results_are_copied_to_the_named_address(store: Path, tmp_path: Path, results: str) -> None:
    def job(here: Brand) -> None:
        assert here.results
        path = here.results if here.results.suffix else here.results / "tea.csv.results.xlsx"
        path.write_bytes(b"results")

    asyncio.run(run_job(brand_at(store, f"file://{store}/{results}"), tmp_path / "here", job))
    written = {path.name for path in (store / "out").iterdir()}
    assert written == {"latest.csv" if results.endswith("csv") else "tea.csv.results.xlsx"}


@pytest.mark.parametrize(
    ("results", "file", "expected"),
    [
        ("", "sheet/tea.csv", "s3://in/tea.csv"),
        ("", "sheet/tea.csv.results.xlsx", "s3://in/tea.csv.results.xlsx"),
        ("s3://out/all/", "results/tea.csv.results.xlsx", "s3://out/all/tea.csv.results.xlsx"),
        ("s3://out/latest.csv", "results/latest.csv", "s3://out/latest.csv"),
        ("", "elsewhere.csv", "elsewhere.csv"),  # by --results
    ],
)
def test_address_is_told_from_a_path(
    tmp_path: Path, results: str, file: str, expected: str
) -> None:
    brand = Brand("tea", "tea", Path("tea.csv"), sheet_at="s3://in/tea.csv", results_at=results)
    copy = tmp_path / "results"
    if results.endswith(".csv"):
        copy /= "latest.csv"
    here = replace(brand, sheet=tmp_path / "sheet" / "tea.csv", results=copy if results else None)
    path = str(tmp_path / file) if "/" in file else file
    assert address_of(path, brand, here) == expected


def test_no_file_is_copied_back_after_an_error(store: Path, tmp_path: Path) -> None:
    def job(here: Brand) -> None:
        here.sheet.with_name("tea.csv.results.xlsx").write_bytes(b"half")
        raise ServiceError("another process has it")

    with pytest.raises(ServiceError, match="another process"):
        asyncio.run(run_job(brand_at(store), tmp_path / "here", job))
    assert [path.name for path in store.iterdir()] == ["tea.csv"]
    assert not (tmp_path / "here" / "tea").exists()


def nothing(_here: Brand) -> None:
    raise AssertionError("no job may begin")


def test_missing_sheet_is_an_error_that_names_the_sheet(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"There is no sheet at file://{store}/nowhere.csv"):
        asyncio.run(run_job(brand_at(store, name="nowhere.csv"), tmp_path / "here", nothing))


def test_growing_sheet_is_postponed(store: Path, tmp_path: Path) -> None:
    (store / "tea.csv").touch()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, (store / "tea.csv").write_bytes, SHEET + SHEET)
        await run_job(brand_at(store), tmp_path / "here", nothing)

    with pytest.raises(NotNowError, match="still being written"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nowhere://bucket/tea.csv", "addresses with nowhere:// aren't supported"),
        ("gs://bucket/tea.csv", "gcsfs"),  # it isn't installed
    ],
)
def test_unusable_address_is_reported(tmp_path: Path, address: str, why: str) -> None:
    brand = Brand("tea", "tea", Path("tea.csv"), sheet_at=address)
    with pytest.raises(UsageError, match="can't be") as raised:
        asyncio.run(run_job(brand, tmp_path / "here", nothing))
    assert why in (raised.value.why or "")


class UnreachableStore(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """A store whose host doesn't answer."""

    protocol = "away"

    def ls(self, path: str, detail: bool = True, **_: object) -> list[object]:
        raise OSError(f"no route to me:hunter2@host{path} {detail}")


def test_unreachable_store_is_retried_later_and_its_password_not_shown(tmp_path: Path) -> None:
    fsspec.register_implementation("away", f"{__name__}.UnreachableStore", clobber=True)
    brand = Brand("tea", "tea", Path("tea.csv"), sheet_at="away://me:hunter2@host/in/tea")
    with pytest.raises(ServiceError, match="host/in/tea can't be used") as raised:
        asyncio.run(run_job(brand, tmp_path / "here", nothing))
    assert "no route" in (raised.value.why or "")
    assert "hunter2" not in f"{raised.value.what} {raised.value.why}"
