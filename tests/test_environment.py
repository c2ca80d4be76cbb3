"""The file .env: its place, its precedence, and when it is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from importer.environment import Source, read_environment
from importer.errors import UsageError

URL = "CLOPOS_BASE_URL=https://clopos.example/open-api\n"


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return a sheet, and the working folder."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    return there / "sheet.csv", here


def test_env_file_beside_the_sheet_is_read_instead_of_that_in_the_working_folder(
    folders: tuple[Path, Path],
) -> None:
    sheet, here = folders
    assert read_environment(sheet, None, {"A": "1"}) == ({"A": "1"}, [])
    write(here / ".env", "CLOPOS_BRAND=here\n")
    assert read_environment(sheet, None, {})[0] == {"CLOPOS_BRAND": "here"}
    write(sheet.parent / ".env", "CLOPOS_BRAND=there\n")
    assert read_environment(sheet, None, {})[0] == {"CLOPOS_BRAND": "there"}
    assert read_environment(Path("-"), None, {})[0] == {"CLOPOS_BRAND": "here"}
    assert read_environment(None, None, {})[0] == {"CLOPOS_BRAND": "here"}
    own = write(here / "own.env", "CLOPOS_BRAND=own\n")
    assert read_environment(sheet, own, {})[0] == {"CLOPOS_BRAND": "own"}


def test_variable_of_the_environment_overrides_the_env_file(folders: tuple[Path, Path]) -> None:
    sheet, here = folders
    write(here / ".env", "CLOPOS_VENUE_ID=1\nCLOPOS_REGION=TR\n")
    env, _ = read_environment(sheet, None, {"CLOPOS_VENUE_ID": "2"})
    assert env == {"CLOPOS_VENUE_ID": "2", "CLOPOS_REGION": "TR"}


def test_missing_env_file_that_was_named_is_an_error(folders: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_environment(folders[0], Path("missing.env"), {})


@pytest.mark.parametrize("name", ["CLOPOS_BRAND", "CLOPOS_BASE_URL"])
def test_env_file_of_another_restaurant_than_the_environment_is_refused(
    folders: tuple[Path, Path], name: str
) -> None:
    sheet, here = folders
    write(here / ".env", f"{name}=https://one.example\n")
    with pytest.raises(UsageError, match=name) as caught:
        read_environment(sheet, None, {name: "https://two.example"})
    assert "one.example" in (caught.value.why or "")
    assert "two.example" in (caught.value.why or "")
    same = {name: "https://one.example"}
    assert read_environment(sheet, None, same)[0] == same


def test_version_in_an_address_makes_no_other_restaurant(folders: tuple[Path, Path]) -> None:
    write(folders[1] / ".env", URL)
    env = {"CLOPOS_BASE_URL": "https://clopos.example/open-api/v2/"}
    assert read_environment(None, None, env)[0] == env


@pytest.mark.parametrize("secret", ["CLOPOS_CLIENT_SECRET", "CLOPOS_TOKEN", "CLOPOS_TOKEN_FILE"])
def test_address_in_a_found_env_file_never_gets_secrets_of_the_environment(
    folders: tuple[Path, Path], secret: str
) -> None:
    _, here = folders
    path = write(here / ".env", URL)
    with pytest.raises(UsageError, match="would send secrets") as caught:
        read_environment(None, None, {secret: "hush"})
    assert "hush" not in f"{caught.value.what}{caught.value.why}{caught.value.fix}"
    assert secret in (caught.value.why or "")
    both = {secret: "hush", "CLOPOS_BASE_URL": "https://clopos.example/open-api"}
    assert read_environment(None, None, both)[0] == both
    assert read_environment(None, path, {secret: "hush"})[0][secret] == "hush"  # it was named
    write(path, URL + "CLOPOS_CLIENT_SECRET=own\n")
    assert read_environment(None, None, {})[0]["CLOPOS_CLIENT_SECRET"] == "own"


def test_address_in_a_found_env_file_never_gets_the_secret_that_a_command_prints(
    folders: tuple[Path, Path],
) -> None:
    path = write(folders[1] / ".env", URL)
    with pytest.raises(UsageError, match="would send secrets"):
        read_environment(None, None, {}, secret_command="echo hush")
    with pytest.raises(UsageError, match="would send secrets"):
        read_environment(None, None, {"CLOPOS_SECRET_COMMAND": "echo hush"})
    env, _ = read_environment(None, path, {}, secret_command="echo hush")  # it was named
    assert env["CLOPOS_CLIENT_SECRET"] == "hush"


@pytest.mark.parametrize("named", [True, False])
def test_address_in_a_project_file_beside_a_sheet_never_gets_secrets_of_another_env_file(
    folders: tuple[Path, Path], named: bool
) -> None:
    sheet, here = folders
    own = write(here / ".env", "CLOPOS_CLIENT_SECRET=hush\n")
    address = {"CLOPOS_BASE_URL": "https://elsewhere.example"}
    project = Source(sheet.with_name("clopos.toml"), address, named=False)
    with pytest.raises(UsageError, match="would send secrets") as caught:
        read_environment(sheet, own if named else None, {}, project=project)
    assert "hush" not in f"{caught.value.as_dict()}"
    assert "--project" in (caught.value.fix or "")
    chosen = Source(project.path, address, named=True)
    assert read_environment(sheet, None, {}, project=chosen)[0]["CLOPOS_CLIENT_SECRET"] == "hush"
    write(sheet.parent / ".env", "CLOPOS_CLIENT_SECRET=its own\n")  # it came with the project
    env, _ = read_environment(sheet, None, {}, project=project)
    assert env["CLOPOS_CLIENT_SECRET"] == "its own"


def test_address_in_a_found_env_file_never_gets_a_secret_file_of_another_folder(
    folders: tuple[Path, Path],
) -> None:
    sheet, here = folders
    own = write(here / "token", "hush")
    facts = {"CLOPOS_BASE_URL": "https://elsewhere.example", "CLOPOS_TOKEN_FILE": str(own)}
    path = sheet.with_name("clopos.toml")
    with pytest.raises(UsageError, match="would send secrets"):
        read_environment(sheet, None, {}, project=Source(path, facts, named=False))
    (sheet.parent / "token").symlink_to(own)
    link = facts | {"CLOPOS_TOKEN_FILE": str(sheet.parent / "token")}
    with pytest.raises(UsageError, match="would send secrets"):
        read_environment(sheet, None, {}, project=Source(path, link, named=False))
    inside = facts | {"CLOPOS_TOKEN_FILE": str(sheet.parent / "its own")}
    assert read_environment(sheet, None, {}, project=Source(path, inside, named=False))[0] == inside


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing there")
@pytest.mark.parametrize(("mode", "refused"), [(0o602, True), (0o622, True), (0o600, False)])
def test_env_file_that_others_can_change_is_refused(
    folders: tuple[Path, Path], mode: int, refused: bool
) -> None:
    write(folders[1] / ".env", "CLOPOS_BRAND=demo\n", mode)
    if not refused:
        assert read_environment(None, None, {}) == ({"CLOPOS_BRAND": "demo"}, [])
        return
    with pytest.raises(UsageError, match="changed by other users") as caught:
        read_environment(None, None, {})
    assert "chmod 600" in (caught.value.fix or "")


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing there")
def test_env_file_that_others_can_read_is_a_warning(folders: tuple[Path, Path]) -> None:
    write(folders[1] / ".env", "CLOPOS_BRAND=demo\n", 0o644)
    env, [warning] = read_environment(None, None, {})
    assert env == {"CLOPOS_BRAND": "demo"}
    assert "chmod 600" in warning


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives away")
def test_env_file_of_another_user_is_refused(folders: tuple[Path, Path]) -> None:
    os.chown(write(folders[1] / ".env", "CLOPOS_BRAND=demo\n"), 65534, 65534)
    with pytest.raises(UsageError, match="belongs to another user"):
        read_environment(None, None, {})


def test_env_file_that_is_not_utf_8_is_an_error_with_its_name(folders: tuple[Path, Path]) -> None:
    path = folders[1] / ".env"
    path.write_bytes(b"CLOPOS_BRAND=\xff\n")
    path.chmod(0o600)
    with pytest.raises(UsageError, match=r"\.env can't be read"):
        read_environment(None, None, {})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_env_file_saved_by_windows_is_read_despite_its_suffix_and_encoding(
    folders: tuple[Path, Path], encoding: str
) -> None:
    path = folders[1] / ".env.txt"
    path.write_text("CLOPOS_BRAND=çay\nCLOPOS_VENUE_ID=2\n", encoding=encoding)
    path.chmod(0o600)
    env, warnings = read_environment(None, None, {})
    assert env == {"CLOPOS_BRAND": "çay", "CLOPOS_VENUE_ID": "2"}
    assert warnings == [".env.txt is read as .env"]


@pytest.mark.parametrize("name", ["CLOPOS_DATABASE_URL", "CLOPOS_DATABASE_URL_FILE"])
def test_database_in_a_found_env_file_is_refused_with_secrets_from_elsewhere(
    folders: tuple[Path, Path], name: str
) -> None:
    sheet, _ = folders
    path = write(sheet.parent / ".env", f"{name}=postgresql://u:hunter2@elsewhere/x\n")
    secret = {"CLOPOS_CLIENT_SECRET": "s"}
    with pytest.raises(UsageError, match="database of its own") as refused:
        read_environment(sheet, None, secret)
    assert "hunter2" not in f"{refused.value.as_dict()}"
    assert read_environment(sheet, path, secret)[0][name]
    assert read_environment(sheet, None, {})[0][name]
