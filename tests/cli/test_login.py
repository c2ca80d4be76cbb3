"""`login`: credentials are tried, kept, found by later commands, and sent to no other address."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING

import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring

from importer.cli.main import run_command
from importer.credentials import kept_credentials, kept_file, with_kept
from importer.environment import read_environment
from importer.errors import UsageError
from tests.cli_process import PROGRAM, ask_sandbox, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRETS = ("CLOPOS_CLIENT_ID", "CLOPOS_CLIENT_SECRET")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    with serving(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


@pytest.fixture
def signed_out(
    sandbox: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Return the variables of the sandbox, in a working folder without a file .env."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keyring.core, "_keyring_backend", Keyring())  # type: ignore[no-untyped-call]
    (tmp_path / "list.csv").write_text("Name,Phone\nAnar Demo,0500000001\n")
    return sandbox["2"] | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}


class MemoryKeyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


def log_in(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], *flags: str) -> int:
    with monkeypatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        return run_command(["login", *flags])


def test_login_names_restaurant_and_venue_and_later_commands_find_it(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert log_in(monkeypatch, signed_out) == 0
    told = capsys.readouterr().out
    assert f"restaurant: {signed_out['CLOPOS_BRAND']}" in told
    assert "venue: Main (1)" in told
    assert str(kept_file()) in told
    assert kept_file().stat().st_mode & 0o777 == 0o600
    assert signed_out["CLOPOS_CLIENT_SECRET"] not in told
    monkeypatch.setenv("CLOPOS_STATE_DIR", signed_out["CLOPOS_STATE_DIR"])
    assert run_command(["run", "list.csv", "--yes", "--match", "never", "--rate", "none"]) == 0
    names = [each["name"] for each in ask_sandbox(signed_out, "customers")]
    assert "Anar Demo" in names


def test_refused_login_keeps_nothing(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = signed_out | {"CLOPOS_CLIENT_SECRET": "another-invented-one"}
    assert log_in(monkeypatch, wrong) == 3
    assert "another-invented-one" not in "".join(capsys.readouterr())
    assert not kept_file().exists()


def test_credentials_that_cannot_be_written_are_an_error_that_names_the_file(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept_file().parent.parent.mkdir(parents=True, exist_ok=True)
    kept_file().parent.write_text("")  # a file in place of its folder
    assert log_in(monkeypatch, signed_out) == 3
    assert f"{kept_file()} can't be written" in " ".join(capsys.readouterr().err.split())


def test_login_without_terminal_names_the_missing_variable(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del signed_out["CLOPOS_CLIENT_ID"]
    assert log_in(monkeypatch, signed_out) == 2
    assert "CLOPOS_CLIENT_ID" in capsys.readouterr().err


def test_dry_run_of_login_keeps_nothing(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert log_in(monkeypatch, signed_out, "--dry-run", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["venue"] == "Main"
    assert facts["kept"] is None
    assert not kept_file().exists()


def test_keyring_holds_the_secrets_and_the_file_holds_none(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = MemoryKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", box)
    assert log_in(monkeypatch, signed_out) == 0
    assert signed_out["CLOPOS_CLIENT_SECRET"] not in kept_file().read_text()
    env = with_kept({})
    assert [env[name] for name in SECRETS] == [signed_out[name] for name in SECRETS]
    assert SECRETS[0] not in with_kept({}, secrets=False)
    assert run_command(["login", "--forget"]) == 0
    assert not box.entries
    assert not kept_credentials()


def test_keyring_without_the_entry_is_an_error_with_its_fix(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = MemoryKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", box)
    assert log_in(monkeypatch, signed_out) == 0
    box.entries.clear()
    with pytest.raises(UsageError) as told:
        with_kept({})
    assert "login" in (told.value.fix or "")


def test_kept_secrets_are_not_sent_to_another_address_or_brand(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file .env that came with a sheet may name any address."""
    assert log_in(monkeypatch, signed_out) == 0
    for line in ("CLOPOS_BASE_URL=https://elsewhere.example", "CLOPOS_BRAND=another"):
        (tmp_path / ".env").write_text(line)
        (tmp_path / ".env").chmod(0o600)
        env, _ = read_environment(None, None, {})
        assert not set(SECRETS) & env.keys()


def test_several_kept_restaurants_without_a_chosen_one_are_an_error(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert log_in(monkeypatch, signed_out) == 0
    facts = json.loads(kept_file().read_text())
    facts["restaurants"].append(facts["restaurants"][0] | {"brand": "second"})
    kept_file().write_text(json.dumps(facts))
    assert run_command(["run", "list.csv", "--yes"]) == 2
    assert "second" in capsys.readouterr().err
    assert with_kept({"CLOPOS_BRAND": "second"})["CLOPOS_BRAND"] == "second"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"restaurants": [{}]}', '{"restaurants": 5}'])
def test_broken_file_of_credentials_is_an_error_that_names_the_file(text: str) -> None:
    kept_file().parent.mkdir(parents=True)
    kept_file().write_text(text)
    with pytest.raises(UsageError, match=r"credentials\.json"):
        with_kept({})


def test_login_asks_on_a_terminal_and_does_not_echo_secrets(signed_out: dict[str, str]) -> None:
    """The real command, on a terminal of its own."""
    asked = {
        b"Brand": "BRAND",
        b"Client id": "CLIENT_ID",
        b"Client secret": "CLIENT_SECRET",
        b"Integrator": "INTEGRATOR_ID",
    }
    env = os.environ | {name: signed_out[name] for name in ("CLOPOS_BASE_URL", "CLOPOS_STATE_DIR")}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "login"],
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        env=env,
        text=True,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = b""
        for question, name in asked.items():  # hidden input drops what was typed before
            while question not in shown or not shown.endswith(b": "):
                shown += os.read(ours, 1000)
            os.write(ours, signed_out[f"CLOPOS_{name}"].encode() + b"\n")
        told = process.stdout.read() if process.stdout else ""
        assert process.wait(30) == 0
    os.close(ours)
    assert "venue: Main (1)" in told
    assert signed_out["CLOPOS_CLIENT_SECRET"].encode() not in shown


def test_secret_command_provides_the_secret(
    signed_out: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(signed_out.pop("CLOPOS_CLIENT_SECRET") + "\nother lines\n")
    assert log_in(monkeypatch, signed_out, "--secret-command", f"cat '{tmp_path}/secret'") == 0


@pytest.mark.parametrize(
    ("words", "why"), [("false", "exit code 1"), ("true", "nothing"), ("no-such", "No such file")]
)
def test_secret_command_that_fails_is_an_error(words: str, why: str) -> None:
    with pytest.raises(UsageError) as told:
        read_environment(None, None, {}, secret_command=words)
    assert why in (told.value.why or "")


def test_found_env_file_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("CLOPOS_SECRET_COMMAND=touch started")
    (tmp_path / ".env").chmod(0o600)
    with pytest.raises(UsageError, match="would start a program"):
        read_environment(None, None, {})
    assert not (tmp_path / "started").exists()
