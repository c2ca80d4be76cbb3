"""README, docs and the tour of samples agree with the program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click import Command, Group, Option

import importer
from importer.cli.commands import commands
from importer.cli.option_values import output, sheet_options
from importer.errors import Exit, UsageError
from importer.pipeline import Output, check, run
from importer.problems import CATALOGUE
from importer.records import RESULT_COLUMNS, Status
from importer.store.records import Kind
from tools.pages import PAGES, README, ROOT, blocks, generated, language_of, run_anew, steady

SAMPLES = ROOT / "samples"
TOUR = (SAMPLES / "README.md").read_text("utf-8")
ALL_PAGES = [
    *PAGES,
    *(ROOT / page for page in ("CONTRIBUTING.md", "SECURITY.md", "tests/README.md")),
]
TEXT = {page: page.read_text("utf-8") for page in PAGES}
REFERENCE = ROOT / "docs" / "reference"
OTHERS = {"--help", "--million", "--rm"}  # of click, the benchmarks and podman


def table(heading: str, text: str) -> list[list[str]]:
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


def reference(name: str) -> str:
    return TEXT[REFERENCE / name]


SHOWING = [page for page in PAGES if blocks(TEXT[page])]
SLOW = pytest.mark.slow(reason="each of its commands is run")
LONG = {ROOT / "docs" / "tutorial" / "first-migration.md"}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=SLOW if language_of(page) != "en" or page in LONG else ())
        for page in SHOWING
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_page_shows_the_current_output(page: Path) -> None:
    """`make pages` writes it anew."""
    assert steady(run_anew(TEXT[page], language_of(page))) == steady(TEXT[page])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_part_of_a_page_is_current(page: Path) -> None:
    """`make pages` writes it anew."""
    assert generated(TEXT[page]) == TEXT[page]


def test_pages_with_generated_parts_and_with_commands_are_found() -> None:
    assert {"rules.md", "questions.md", "commands.md"} <= {
        page.name for page in PAGES if "<!-- generated:" in TEXT[page]
    }
    assert README in SHOWING


def test_page_of_exit_codes_equals_the_code() -> None:
    codes = [int(row[0]) for row in table("# Exit codes\n", reference("exit-codes.md"))]
    assert codes == [int(code) for code in Exit]
    help_text = commands.help or ""
    assert [int(code) for code in re.findall(r"(?m)^ *(\d+) {2,}", help_text)] == list(Exit)


def test_page_of_results_has_every_status_and_column() -> None:
    text = reference("results.md")
    columns, statuses = table("# Results\n", text), table("| `import_status` | meaning |", text)
    assert words(columns) == list(RESULT_COLUMNS)
    assert sorted(words(statuses)) == sorted(Status)


def test_page_of_the_environment_has_every_variable() -> None:
    settings = (ROOT / "importer" / "settings.py").read_text("utf-8")
    read = set(re.findall(r'text\("([A-Z_]+)"', settings)) | set(
        re.findall(r"CLOPOS_([A-Z_]+)", settings)
    )
    rows = table("# Environment\n", reference("environment.md"))
    told = {name.removeprefix("CLOPOS_") for name in words(rows)}
    assert read <= told
    source = "".join(path.read_text("utf-8") for path in (ROOT / "importer").glob("*.py"))
    for name in told:
        assert f'"{name}"' in source or f"CLOPOS_{name}" in source


def test_every_extra_is_documented() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = words(table("# Extras\n", reference("extras.md")))
    assert sorted(told) == sorted(project["optional-dependencies"])


def every_command(command: Command) -> list[Command]:
    """Return a command and its subcommands."""
    below = command.commands.values() if isinstance(command, Group) else ()
    return [command, *(each for inner in below for each in every_command(inner))]


def test_commands_and_flags_on_pages_exist() -> None:
    assert isinstance(commands, Group)
    text = "\n".join([*TEXT.values(), TOUR])
    for name in re.findall(r"(?m)^ *\$? ?clopos-import ([a-z]+(?:-[a-z]+)*)", text):
        assert name in commands.commands
    known = {
        opt
        for command in every_command(commands)
        for parameter in command.params
        if isinstance(parameter, Option)
        for opt in parameter.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - known <= OTHERS


def test_every_problem_names_a_rule() -> None:
    """The rules are the table; R1, R12 and R13 are about more than one value, and have no code."""
    rules = {row[0] for row in table("# How values are read\n", reference("rules.md"))}
    assert rules == {f"R{number}" for number in range(1, 15)}
    assert {entry.rule for entry in CATALOGUE.values()} == rules - {"R1", "R12", "R13"}


def test_python_call_prints_nothing_and_raises_errors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A caller gets results and errors as values; the command prints the same ones."""
    result = check(SAMPLES / "customers.csv", output=Output(tmp_path / "results.csv"))
    assert list(result.rows.index) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert (result.summary.as_dict()["ready"], result.exit_code, result.error) == (4, 1, None)
    with pytest.raises(UsageError, match="No credentials"):
        run(SAMPLES / "customers.csv", output=Output(tmp_path / "results.csv"), env={})
    assert tuple(capfd.readouterr()) == ("", "")
    assert (ROOT / "importer" / "py.typed").exists()


def test_targets_of_make_that_pages_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    text = "\n".join([*TEXT.values(), TOUR])
    told = set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", text))
    assert {"demo", "test"} <= told
    assert told <= set(re.findall(r"(?m)^([a-z-]+):.*##", makefile))


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_work(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#h][^)#]*)[^)]*\)", text):
        assert (page.parent / target).exists(), target
    headings = {h.lower().replace(" ", "-") for h in re.findall(r"(?m)^#+ (.+)$", text)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_a_page_names_exist(page: Path) -> None:
    places = [ROOT, ROOT / "importer", ROOT / "importer" / "mapping", ROOT / "tests"]
    for name in re.findall(r"`((?:\w+/)+\w+\.(?:py|toml|csv|md|html))`", page.read_text("utf-8")):
        assert any((place / name).exists() for place in places), name


def test_every_test_file_is_listed_with_the_fault_that_it_finds() -> None:
    text = (ROOT / "tests" / "README.md").read_text("utf-8")
    files = {str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py")}
    assert {name for name in files if f"`{name}`" not in text} == set()


def test_site_is_built_and_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    """The builder checks every link (`--strict`)."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    command = (Path(sys.executable).with_name("zensical"), "build", "--strict")
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted((tmp_path / "build" / "site").rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))  # a page of errors as well
    for page in pages:
        text = page.read_text("utf-8")
        assert re.findall(r"(?:src=|<link [^>]*href=)[\"']?https?://[^\"' >]+", text) == []


ROWS = table("| sheet | what becomes of it", TOUR)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_tour_of_samples_shows_the_counts_of_check(row: list[str], tmp_path: Path) -> None:
    name, *flags = " ".join(re.findall(r"`([^`]+)`", row[0])).split()
    given = commands.commands["check"].make_context(
        "check", [str(SAMPLES / name), *flags, "--results", str(tmp_path / "results.csv")]
    )
    result = check(SAMPLES / name, sheet_options(given.params), output(given.params, Kind.CHECK))
    counts = [str(result.summary.as_dict()[status]) for status in ("ready", "invalid", "duplicate")]
    assert counts == row[-3:]


def test_tour_has_every_sample() -> None:
    told = {name.split()[0] for name in words(ROWS)}
    assert {path.name for path in SAMPLES.glob("*.*")} - {"README.md"} <= told


def test_package_docstring_names_every_room() -> None:
    """Its tree equals the list of folders."""
    text = importer.__doc__ or ""
    rooms = set(re.findall(r"^    ([a-z]+)/ ", text, re.MULTILINE))
    assert rooms == {path.parent.name for path in (ROOT / "importer").glob("*/__init__.py")}
    beside = {path.stem for path in (ROOT / "importer").glob("[a-z]*.py")}
    assert beside <= set(re.findall(r"`([a-z0-9_]+)`", text))
