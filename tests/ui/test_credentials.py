"""Credentials: their sources, one try, and keeping them in a file .env with its other lines."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import ServiceError, UsageError
from importer.sandbox import Config, serve
from importer.settings import read_settings
from importer.ui.credentials import NAMES, keep_in_file, sources_of, take_from_file, try_soon

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "open-sesame-4711"
OTHERS = "# ours\nPORT=8080\nexport  TOKEN_OF_OTHERS = 'a b'\n\nTEXT=\"two\nlines\"\n"


def test_kept_credentials_are_read_back_and_other_lines_are_unchanged(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(OTHERS + "CLOPOS_BRAND=old\nexport CLOPOS_VENUE_ID=1", encoding="utf-8")
    path.chmod(0o644)
    keep_in_file(path, {"CLOPOS_BRAND": "demo", "CLOPOS_CLIENT_SECRET": SECRET})
    text = path.read_text("utf-8")
    assert text.startswith(OTHERS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert dotenv_values(path, interpolate=False) == {
        "PORT": "8080",
        "TOKEN_OF_OTHERS": "a b",
        "TEXT": "two\nlines",
        "CLOPOS_BRAND": "demo",
        "CLOPOS_VENUE_ID": "1",
        "CLOPOS_CLIENT_SECRET": SECRET,
    }
    assert take_from_file(path)
    assert path.read_text("utf-8") == OTHERS
    assert not take_from_file(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_env_file_saved_by_windows_keeps_its_other_lines_when_credentials_are_forgotten(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / ".env"
    text = f"CLOPOS_CLIENT_SECRET={SECRET}\r\nPORT=8080\r\n"
    path.write_bytes(text.encode(encoding))
    keep_in_file(path, {"CLOPOS_BRAND": "demo"})
    assert dotenv_values(path)["CLOPOS_CLIENT_SECRET"] == SECRET
    assert take_from_file(path)
    assert path.read_bytes() == b"PORT=8080\r\n"


@given(value=st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1))
def test_any_typed_value_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.env"
    if not value.isprintable():
        with pytest.raises(UsageError):
            keep_in_file(path, {"CLOPOS_CLIENT_SECRET": value})
        return
    keep_in_file(path, {"CLOPOS_CLIENT_SECRET": value})
    assert dotenv_values(path, interpolate=False)["CLOPOS_CLIENT_SECRET"] == value


@pytest.mark.parametrize("value", ["two\nlines", "a\x1b[2J", "\ufeffsecret"])
def test_value_with_a_line_break_is_refused_and_not_repeated(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"
    with pytest.raises(UsageError) as refused:
        keep_in_file(path, {"CLOPOS_CLIENT_SECRET": value})
    assert value not in str(refused.value.as_dict())
    assert not path.exists()


def test_env_file_that_is_a_link_or_no_text_is_not_changed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("KEPT=1\n", encoding="utf-8")
    path = tmp_path / ".env"
    path.symlink_to(other)
    with pytest.raises(UsageError):
        keep_in_file(path, {"CLOPOS_BRAND": "demo"})
    assert other.read_text("utf-8") == "KEPT=1\n"
    path.unlink()
    path.write_bytes(b"\xff\xfe=1\n")
    with pytest.raises(UsageError):
        keep_in_file(path, {"CLOPOS_BRAND": "demo"})
    assert path.read_bytes() == b"\xff\xfe=1\n"


def test_unwritable_folder_for_credentials_is_an_error_in_three_parts(tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as refused:
        keep_in_file(tmp_path / "gone" / ".env", {"CLOPOS_CLIENT_SECRET": SECRET})
    assert refused.value.why
    assert refused.value.fix
    assert SECRET not in str(refused.value.as_dict())


def test_source_of_each_credential_is_reported_without_its_value() -> None:
    environ = {"CLOPOS_CLIENT_SECRET_FILE": "/run/secret", "CLOPOS_VENUE_ID": " "}
    env = environ | {"CLOPOS_BRAND": "demo", "CLOPOS_CLIENT_ID": "id"}
    whole = env | {"CLOPOS_CLIENT_ID": "other", "CLOPOS_INTEGRATOR_ID": "kept"}
    found = sources_of({"CLOPOS_CLIENT_ID": "other"}, environ, env, whole)
    assert found == {
        "CLOPOS_BRAND": "file",
        "CLOPOS_CLIENT_ID": "typed",
        "CLOPOS_CLIENT_SECRET": "environment",
        "CLOPOS_INTEGRATOR_ID": "kept",
        "CLOPOS_VENUE_ID": "",
    }
    assert set(found) == set(NAMES)


async def test_trial_of_credentials_waits_for_a_minute_at_most() -> None:
    async with serve(Config(auth_per_minute=1)) as sandbox:
        settings = read_settings(sandbox.env(2))
        await try_soon(settings)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(ServiceError) as refused:
            await try_soon(settings)
        assert asyncio.get_running_loop().time() - begun < 60
    assert refused.value.fix
