"""Output of --json is valid by the published schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from importer.cli.main import run_command
from tests.cli_process import serving
from tools.json_schemas import FOLDER, schemas, texts

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "Ad,Telefon\nAysel Quliyeva,0502345678\nRauf Tagiyev,0503456789\nRauf Tagiyev,0503456789\n"
BAD = "Ad,Telefon,E-mail\nAysel Quliyeva,12,aysel@example.az\nRauf Tagiyev,0503456789,none here\n"
ASKED = "Ad,Qeyd\n" + "".join(f"Aysel Quliyeva{n},05023456{n:02}\n" for n in range(30))


def validate(name: str, value: Any) -> None:
    Draft202012Validator(schemas()[name]).validate(value)


def printed(name: str, capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Run a command and return what it prints, which its schema allows."""
    run_command([name, *map(str, arguments), "--json"])
    value = json.loads(capsys.readouterr().out)
    validate(name, value)
    return value


def test_published_schemas_are_current() -> None:
    """`make pages` writes them anew."""
    assert {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()} == texts()


@pytest.mark.parametrize("name", schemas())
def test_schema_is_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize(
    ("sheet", "flags", "code"),
    [
        (GOOD, [], 0),
        (BAD, [], 1),
        (ASKED, [], 1),
        (GOOD, ["--map", "name=Nowhere"], 2),
        ("", [], 2),
    ],
    ids=["all ready", "problems", "question", "wrong flag", "empty file"],
)
def test_output_of_check_fits_its_schema(
    sheet: str, flags: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text(sheet, "utf-8")
    found = printed("check", capsys, tmp_path / "list.csv", *flags)
    assert found["exit_code"] == code


def test_output_of_run_rehearse_and_verify_fits_their_schemas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, results = tmp_path / "list.csv", tmp_path / "results.jsonl"
    path.write_text(GOOD, "utf-8")
    asked = tmp_path / "asked.csv"
    asked.write_text(ASKED, "utf-8")
    where = ["--results", results]
    assert printed("run", capsys, path)["error"]["code"] == "usage"  # no credentials
    assert printed("rehearse", capsys, path)["created"] == 2
    assert printed("verify", capsys, path, "--offline")["error"] is not None
    with serving(tmp_path) as versions:
        for name, value in versions["2"].items():
            monkeypatch.setenv(name, value)
        assert printed("run", capsys, path, "--dry-run", *where)["plan"]["to_create"] == 2
        assert printed("run", capsys, asked)["error"]["code"] == "open_question"
        assert printed("run", capsys, path, "--yes", *where)["created"] == 2
        assert printed("verify", capsys, path, *where)["agrees"] is True
        assert printed("verify", capsys, path, "--offline", *where)["customers_read"] is None
    for line in results.read_text("utf-8").splitlines():
        validate("results", json.loads(line))


@pytest.mark.parametrize(
    "wrong", [{"created": -1}, {"new_key": 1}, {"exit_code": 7}, {"error": "text"}]
)
def test_summary_with_another_key_or_value_is_not_valid(wrong: dict[str, Any]) -> None:
    statuses = "created exists conflict duplicate invalid rejected failed unknown pending"
    summary: dict[str, Any] = {
        **dict.fromkeys(statuses.split(), 0),
        "ok": True,
        "exit_code": 0,
        "error": None,
        "run": 1,
        "target": None,
        "file": "list.csv",
        "rows": 0,
        "seconds": 0.1,
        "results": None,
        "questions": [],
    }
    validate("run", summary)
    with pytest.raises(ValidationError):
        validate("run", summary | wrong)
