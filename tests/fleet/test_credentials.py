"""Credentials of a brand: their sources, without a value of another brand."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from importer.credentials import kept_credentials
from importer.errors import UsageError
from importer.fleet.brands import Brand
from importer.fleet.credentials import settings_of
from importer.settings import DEFAULT_BASE_URL

TEA = Brand("tea-1", "tea", Path("tea.csv"), integrator_id="7")
ENV = {"CLOPOS_TEA_1_CLIENT_ID": "id", "CLOPOS_TEA_1_CLIENT_SECRET": "secret"}


def secrets(folder: Path, text: str) -> str:
    path = folder / "tea.env"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return f"file:{path}"


def test_secrets_in_the_environment_have_the_name_of_the_brand(tmp_path: Path) -> None:
    found = settings_of(TEA, ENV)
    assert (found.brand, found.client_id, found.client_secret) == ("tea", "id", "secret")
    file = tmp_path / "secret"
    file.write_text("from a file\n", "utf-8")
    by_file = {"CLOPOS_TEA_1_CLIENT_ID": "id", "CLOPOS_TEA_1_CLIENT_SECRET_FILE": str(file)}
    assert settings_of(TEA, by_file).client_secret == "from a file"


def test_secrets_without_the_name_of_the_brand_are_not_used() -> None:
    others = {
        "CLOPOS_CLIENT_ID": "x",
        "CLOPOS_CLIENT_SECRET": "x",
        "CLOPOS_TOKEN": "x",
        "CLOPOS_TEA_CLIENT_ID": "x",
        "CLOPOS_TEA_CLIENT_SECRET": "x",
    }
    with pytest.raises(UsageError) as caught:
        settings_of(TEA, others)
    assert caught.value.fix == "set CLOPOS_TEA_1_CLIENT_ID and CLOPOS_TEA_1_CLIENT_SECRET"
    assert settings_of(TEA, others | ENV).token == ""


def test_shared_settings_of_brands_are_those_of_the_worker() -> None:
    shared = {"CLOPOS_STATE_DIR": "/state", "CLOPOS_REGION": "ge", "CLOPOS_VENUE_ID": "9"}
    found = settings_of(TEA, ENV | shared)
    assert (found.state_dir, found.region, found.venue_id) == ("/state", "GE", "")


def test_credentials_file_is_read_again_for_each_job(tmp_path: Path) -> None:
    brand = replace(TEA, credentials=secrets(tmp_path, "CLOPOS_TOKEN=one\n"))
    assert settings_of(brand, {}).token == "one"
    secrets(tmp_path, "CLOPOS_TOKEN=two\nCLOPOS_STATE_DIR=/elsewhere\n")
    found = settings_of(brand, {})
    assert (found.token, found.state_dir) == ("two", "")


def test_credentials_file_of_another_restaurant_is_refused(tmp_path: Path) -> None:
    brand = replace(TEA, credentials=secrets(tmp_path, "CLOPOS_TOKEN=x\nCLOPOS_BRAND=coffee\n"))
    with pytest.raises(UsageError, match="CLOPOS_BRAND differs"):
        settings_of(brand, {})


def test_credentials_file_that_others_may_change_is_refused(tmp_path: Path) -> None:
    brand = replace(TEA, credentials=secrets(tmp_path, "CLOPOS_TOKEN=x\n"))
    (tmp_path / "tea.env").chmod(0o666)
    with pytest.raises(UsageError, match="can be changed by other users"):
        settings_of(brand, {})


def test_secret_command_may_print_all_secrets() -> None:
    code = "print('CLOPOS_CLIENT_ID=a'); print('CLOPOS_CLIENT_SECRET=b')"
    found = settings_of(replace(TEA, credentials=f'command:{sys.executable} -c "{code}"'), {})
    assert (found.client_id, found.client_secret) == ("a", "b")


def test_secret_command_may_print_the_client_secret_alone() -> None:
    brand = replace(TEA, credentials=f"command:{sys.executable} -c \"print('b')\"")
    found = settings_of(brand, {"CLOPOS_TEA_1_CLIENT_ID": "a"})
    assert (found.client_id, found.client_secret) == ("a", "b")


def test_credentials_kept_by_login_are_not_used_for_a_brand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "clopos-import"
    folder.mkdir(mode=0o700)
    kept = {"brand": "tea", "base_url": DEFAULT_BASE_URL, "integrator_id": "7"}
    kept |= {"client_id": "x", "client_secret": "x"}
    file = folder / "credentials.json"
    file.write_text(json.dumps({"restaurants": [kept]}), "utf-8")
    file.chmod(0o600)
    assert kept_credentials()
    brand = replace(TEA, credentials=secrets(tmp_path, "CLOPOS_CLIENT_ID=id\n"))
    with pytest.raises(UsageError, match="not set: CLOPOS_CLIENT_SECRET"):
        settings_of(brand, {})


@pytest.mark.parametrize(
    ("code", "why"),
    [("import sys; print('hunter2'); sys.exit(3)", "exit code 3"), ("print('hunter2')", None)],
)
def test_failed_secret_command_is_reported_without_its_output(code: str, why: str | None) -> None:
    brand = replace(TEA, credentials=f'command:{sys.executable} -c "{code}"')
    with pytest.raises(UsageError) as caught:
        settings_of(brand, {})
    assert "hunter2" not in repr(vars(caught.value))
    if why:
        assert caught.value.why == why


def test_invalid_secret_command_is_reported() -> None:
    with pytest.raises(UsageError, match="command for the credentials failed"):
        settings_of(replace(TEA, credentials="command:/nowhere/at-all"), {})
