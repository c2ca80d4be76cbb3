"""Secrets and customer data are in no output or file but the results when requests fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli_process import ask_sandbox, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 24
TOKENS = re.compile(rb"oauth_\w{8}|eyJ[\w-]{8}")
PEOPLE = re.compile(b"Gizli|gizli|994507770|050777|sirr-sirr|1977-07")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[dict[str, dict[str, str]]]:
    """Run a sandbox with many faults, whose refusals repeat the request."""
    faults = ("504b=15%", "500=5%", "drop=10%", "garbage=5%")
    flags = [word for fault in faults for word in ("--fault", fault)]
    with serving(tmp_path, "--no-limits", "--seed", "7", *flags) as found:
        ask_sandbox(found["2"], "config", {"echo": True, "gateway_seconds": 0.1})
        ask_sandbox(
            found["2"], "faults", [{"kind": "expired401"}]
        )  # two of them for one row end a run
        yield found


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    folder = tmp_path / "sheet"
    folder.mkdir()
    path = folder / "list.csv"
    rows = "".join(
        f"Gizli Demo {n},050777{n:04},gizli{n}@example.com,GIZLI{n},1977-07-{n + 1:02},"
        f"sirr-sirr {n}\n"
        for n in range(ROWS)
    )
    bad = "Gizli Zero,05077,gizli@,GIZLI0,7.7.77,sirr-sirr\n"
    path.write_text(f"Name,Phone,Email,Code,Birthday,Note\n{rows}{bad}", encoding="utf-8")
    return path


def everything(tmp_path: Path, env: dict[str, str], *arguments: object) -> tuple[int, bytes]:
    """Run the command as verbosely as possible; return its exit code and all output but results."""
    temporary = tmp_path / "temporary"
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "importer", *map(str, arguments)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONASYNCIODEBUG": "1", "TMPDIR": str(temporary)} | env,
        timeout=60,
    )
    left = [*(tmp_path / "state").rglob("*"), *temporary.rglob("*")]
    files = b"".join(path.read_bytes() for path in left if path.is_file())
    names = " ".join(map(str, left)).encode()
    return done.returncode, b"\n".join((done.stdout, done.stderr, files, names))


@pytest.mark.slow(reason="a run of all faults, read back from all that it wrote")
def test_output_has_no_secret_and_no_customer_data(
    tmp_path: Path, sandbox: dict[str, dict[str, str]], sheet: Path
) -> None:
    env = sandbox["2"]
    secret = env["CLOPOS_CLIENT_SECRET"].encode()
    # Held by another customer: conflicts, whose refusals repeat the whole customer.
    for n in range(3):
        ask_sandbox(
            env, "customers", {"name": "Other", "phone": f"+994507770{n:03}", "code": f"o{n}"}
        )
    arguments = ("run", sheet, "--yes", "--quiet", "--rate", "none", "--settle", "0")
    code, left = everything(tmp_path, env, *arguments, "--match", "never")
    assert code == 1, left
    assert b"created" in left
    names = [each["name"] for each in ask_sandbox(env, "customers") if each["name"] != "Other"]
    assert len(names) == len(set(names)) == ROWS - 3
    for trace in (secret, b"Traceback", b"Warning"):
        assert trace not in left
    assert not TOKENS.search(left)
    assert not PEOPLE.search(left)


@pytest.mark.parametrize(
    "version",
    [pytest.param("1", marks=pytest.mark.slow(reason="the same with other headers")), "2"],
)
def test_refused_secret_or_token_is_not_shown(
    tmp_path: Path, sandbox: dict[str, dict[str, str]], sheet: Path, version: str
) -> None:
    """Clopos repeats it in its response, together with the customer that was sent."""
    env = sandbox[version]
    ask_sandbox(env, "config", {"rates": {}})
    if version == "1":
        env = env | {"CLOPOS_CLIENT_SECRET": "open-sesame-4711"}
    else:
        env = env | {"CLOPOS_TOKEN": "open-sesame-4711", "CLOPOS_CLIENT_SECRET": ""}
    code, left = everything(tmp_path, env, "run", sheet, "--yes", "--quiet", "--match", "never")
    assert code == 3
    assert b"CLOPOS_" in left
    assert b"sesame" not in left
    assert not PEOPLE.search(left)


def test_rows_refused_with_their_values_in_the_message_are_not_shown(
    tmp_path: Path, sandbox: dict[str, dict[str, str]], sheet: Path
) -> None:
    """The run stops and reports why, without the message that holds a customer."""
    env = sandbox["2"]
    ask_sandbox(env, "config", {"rates": {}, "groups": []})
    text = sheet.read_text("utf-8").replace("Note", "group_id").replace("sirr-sirr ", "9")
    sheet.write_text(text, encoding="utf-8")
    code, left = everything(tmp_path, env, "run", sheet, "--yes", "--quiet", "--rate", "none")
    assert code == 3
    assert b"rejected" in left
    assert not PEOPLE.search(left)
    assert not TOKENS.search(left)
