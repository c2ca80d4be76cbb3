"""Files are replaced completely or not at all, and are as private as their source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from importer.errors import ServiceError
from importer.files import atomic_write, check_writable, mode_like
from importer.pipeline import Output, check

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def write(path: Path, text: str = "x", new: int | None = None) -> Path:
    with atomic_write(path, new) as part:
        part.write_text(text)
    return path


@posix
@pytest.mark.parametrize("sheet", [0o600, 0o640, 0o644, 0o666, 0o440])
def test_new_file_is_as_private_as_its_sheet(tmp_path: Path, sheet: int) -> None:
    source = tmp_path / "list.csv"
    source.touch()
    source.chmod(sheet)
    made = write(tmp_path / "results.csv", new=mode_like(source))
    assert mode(made) & ~(sheet | 0o600) == 0
    assert mode(made) & 0o600 == 0o600


@posix
@pytest.mark.parametrize("source", ["-", "nowhere.csv", "/dev/null", "\0"])
def test_file_without_a_sheet_is_private_to_its_owner(tmp_path: Path, source: str) -> None:
    assert mode(write(tmp_path / "results.csv", new=mode_like(Path(source)))) == 0o600


@posix
def test_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    path = write(tmp_path / "results.csv", new=0o644)
    path.chmod(0o600)
    assert mode(write(path, "y", new=0o644)) == 0o600
    assert path.read_text() == "y"


@posix
def test_temporary_file_is_private_until_it_is_in_place(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "results.csv", 0o666) as part:
        assert mode(part) == 0o600


def test_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path / "results.csv", "old")

    def half() -> None:
        with atomic_write(path) as part:
            part.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(ServiceError, match="can't be written"):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_temporary_file_that_was_replaced_by_a_link_is_not_renamed_into_place(
    tmp_path: Path,
) -> None:
    path, elsewhere = tmp_path / "results.csv", tmp_path / "elsewhere"
    elsewhere.write_text("theirs")

    def swapped() -> None:
        with atomic_write(path) as part:
            part.unlink()
            part.symlink_to(elsewhere)

    with pytest.raises(ServiceError, match="can't be written"):
        swapped()
    assert not path.exists()
    assert elsewhere.read_text() == "theirs"


@posix
def test_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "results.csv"
    target.write_text("theirs")
    link.symlink_to(target)
    check_writable(link)
    write(link, "ours")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("theirs", "ours", False)


@posix
def test_check_writes_files_as_private_as_its_sheet(tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text("Name,Phone\nAnar Demo,0500000001\n", encoding="utf-8")
    sheet.chmod(0o600)
    output = Output(tmp_path / "r.xlsx", tmp_path / "p.jsonl", tmp_path / "r.html")
    check(sheet, output=output)
    assert {mode(path) for path in tmp_path.iterdir() if path.is_file()} == {0o600}
