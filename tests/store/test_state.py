"""The state folder: its owner and rights, and the lock in it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from importer.errors import ServiceError, UsageError
from importer.settings import Settings
from importer.store.failure_budget import Failures
from importer.store.state import brand_folder, hold

if TYPE_CHECKING:
    from pathlib import Path


def settings(top: Path) -> Settings:
    return Settings(brand="Demo Café", state_dir=str(top))


def test_folders_are_private_to_their_owner(tmp_path: Path) -> None:
    folder = brand_folder(settings(tmp_path / "new" / "state"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("which", ["brand", "top"])
def test_folder_that_everybody_may_write_to_is_refused_as_state_folder(
    tmp_path: Path, which: str
) -> None:
    folder = brand_folder(settings(tmp_path / "state"))
    (folder if which == "brand" else folder.parent).chmod(0o777)
    with pytest.raises(UsageError, match="can't be used") as refused:
        brand_folder(settings(tmp_path / "state"))
    assert "every user" in str(refused.value.why)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("which", ["brand", "top"])
def test_folder_of_another_user_is_refused(tmp_path: Path, which: str) -> None:
    folder = brand_folder(settings(tmp_path / "state"))
    os.chown(folder if which == "brand" else folder.parent, 65534, 65534)
    with pytest.raises(UsageError, match="can't be used") as refused:
        brand_folder(settings(tmp_path / "state"))
    assert "another user" in str(refused.value.why)


def test_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(UsageError, match="can't be used"):
        brand_folder(settings(tmp_path / "state"))


def test_link_in_place_of_the_holder_file_is_replaced_and_its_target_unchanged(
    tmp_path: Path,
) -> None:
    target = tmp_path / "precious.json"
    target.write_text("mine")
    folder = brand_folder(settings(tmp_path / "state"))
    (folder / "holder.json").symlink_to(target)
    with hold(folder, "list.csv"):
        assert json.loads((folder / "holder.json").read_text())["file"] == "list.csv"
        assert stat.S_IMODE((folder / "holder.json").stat().st_mode) == 0o600
    assert target.read_text() == "mine"
    assert not (folder / "holder.json").is_symlink()


def test_link_in_place_of_the_failure_budget_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "failures.sqlite").symlink_to(tmp_path / "elsewhere")
    with Failures(tmp_path / "failures.sqlite", lambda: 100.0) as failures:
        assert [failures.add() for _ in range(600)] == [0.0] * 600
    assert not (tmp_path / "elsewhere").exists()


def test_removed_lock_is_noticed(tmp_path: Path) -> None:
    with hold(tmp_path, "first.csv") as check:
        check()
        (tmp_path / "lock").unlink()
        with pytest.raises(ServiceError, match="was removed"):
            check()
        with hold(tmp_path, "second.csv") as check_second:
            check_second()
            with pytest.raises(ServiceError, match="was removed"):
                check()


@pytest.mark.parametrize("left", [False, True])
def test_folder_without_flock_is_locked_by_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    """Also beside a lock file from a system with flock, and without a warning."""
    if left:
        with hold(tmp_path, "earlier.csv"):
            pass
        assert (tmp_path / "lock").exists()

    def missing(_handle: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", missing)
    for _ in range(2):
        with hold(tmp_path, "first.csv") as check:
            check()
            with pytest.raises(ServiceError, match="in progress") as refused:
                hold(tmp_path, "second.csv").__enter__()
            assert "first.csv" in str(refused.value.why)
