"""What README and the tour of samples say is what the program does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click import Group, Option

import importer
from importer.cli.commands import commands
from importer.cli.options import output, sheet_options
from importer.errors import Exit, UsageError
from importer.pipeline.calls import Output, check, run
from importer.problems import CATALOGUE
from importer.records import FIELDS, RESULT_COLUMNS, Status
from tools.pages import README, ROOT, run_anew, steady

if TYPE_CHECKING:
    from pathlib import Path

TEXT = README.read_text("utf-8")
SAMPLES = ROOT / "samples"
TOUR = (SAMPLES / "README.md").read_text("utf-8")


def table(heading: str, text: str = TEXT) -> list[list[str]]:
    """Return the cells of the first table after a heading, without its own heading."""
    lines = iter(text[text.index(heading) :].splitlines())
    rows = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif rows:
            break
    return rows[2:]


def words(rows: list[list[str]], place: int = 0) -> list[str]:
    return re.findall(r"`([^`]+)`", " ".join(row[place] for row in rows))


def test_readme_shows_what_is_printed_today() -> None:
    """…by every command in it, run. `make readme` writes it anew."""
    assert steady(run_anew(TEXT)) == steady(TEXT)


def test_exit_codes() -> None:
    assert [int(row[0]) for row in table("### Exit codes\n")] == [int(code) for code in Exit]
    help_text = commands.help or ""
    assert [int(code) for code in re.findall(r"(?m)^ *(\d+) {2,}", help_text)] == list(Exit)


def test_statuses_and_columns() -> None:
    columns, statuses = table("### Results\n"), table("| `import_status` | meaning |")
    assert words(columns) == list(RESULT_COLUMNS)
    assert sorted(words(statuses)) == sorted(Status)


def test_environment() -> None:
    settings = (ROOT / "importer" / "settings.py").read_text("utf-8")
    read = set(re.findall(r'text\("([A-Z_]+)"', settings)) | set(
        re.findall(r"CLOPOS_([A-Z_]+)", settings)
    )
    told = {name.removeprefix("CLOPOS_") for name in words(table("### Environment\n"))}
    assert read <= told
    source = "".join(path.read_text("utf-8") for path in (ROOT / "importer").glob("*.py"))
    for name in told:
        assert f'"{name}"' in source or f"CLOPOS_{name}" in source


def test_commands_and_flags_exist() -> None:
    assert isinstance(commands, Group)
    for name in commands.commands:
        assert re.search(rf"(?m)^clopos-import {name}\b", TEXT)
    for name in re.findall(r"(?m)^ *\$? ?clopos-import ([a-z]+)", TEXT):
        assert name in commands.commands
    known = {
        opt
        for command in (commands, *commands.commands.values())
        for parameter in command.params
        if isinstance(parameter, Option)
        for opt in parameter.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT + TOUR)) - known <= {"--help"}


def test_every_problem_is_told_of_by_a_rule() -> None:
    assert [row[0] for row in table("## How values are read\n")] == [f"R{n}" for n in range(1, 15)]
    assert {"missing_name", "malformed_row"} <= CATALOGUE.keys()
    assert "name" in FIELDS


def test_a_python_call_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """…and raises what a command would say."""
    result = check(SAMPLES / "customers.csv", output=Output(tmp_path / "results.csv"))
    assert list(result.rows.index) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert (result.summary["ready"], result.exit_code, result.error) == (4, 1, None)
    with pytest.raises(UsageError, match="No credentials"):
        run(SAMPLES / "customers.csv", output=Output(tmp_path / "results.csv"), env={})
    assert tuple(capfd.readouterr()) == ("", "")
    assert (ROOT / "importer" / "py.typed").exists()


def test_what_make_is_said_to_do_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    told = set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", TEXT + TOUR))
    assert {"demo", "test", "messages"} <= told
    assert told <= set(re.findall(r"(?m)^([a-z-]+):.*##", makefile))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#h][^)]*)\)", TEXT):
        assert (ROOT / target).exists(), target
    headings = {h.lower().replace(" ", "-") for h in re.findall(r"(?m)^#+ (.+)$", TEXT)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


ROWS = table("| sheet | what becomes of it", TOUR)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_tour_of_samples(row: list[str], tmp_path: Path) -> None:
    name, *flags = " ".join(re.findall(r"`([^`]+)`", row[0])).split()
    given = commands.commands["check"].make_context(
        "check", [str(SAMPLES / name), *flags, "--results", str(tmp_path / "results.csv")]
    )
    result = check(SAMPLES / name, sheet_options(given.params), output(given.params))
    counts = [str(result.summary[status]) for status in ("ready", "invalid", "duplicate")]
    assert counts == row[-3:]


def test_every_sample_is_in_the_tour() -> None:
    told = {name.split()[0] for name in words(ROWS)}
    assert {path.name for path in SAMPLES.glob("*.*")} - {"README.md", "report.png"} <= told


def test_the_map_names_every_module() -> None:
    """…so that whoever is new finds each of them by the way of a row."""
    text = importer.__doc__ or ""
    told = {*re.findall(r"`([a-z0-9_]+)`", text), *re.findall(r"[a-z]+(?= →)|(?<=→ )[a-z]+", text)}
    files = {path.stem for path in (ROOT / "importer").glob("[a-z]*.py")}
    packages = {path.parent.name for path in (ROOT / "importer").glob("*/__init__.py")}
    assert told == files | packages
