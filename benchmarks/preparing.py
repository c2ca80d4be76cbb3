"""`check` beside pandas' own reader, python-calamine and frictionless; and how soon it answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Command, Timed, alternating, timed
from benchmarks.table import Line, Target

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
_PANDAS = "import sys, pandas; pandas.read_csv(sys.argv[1], dtype=str)"
CALAMINE = (
    "import sys, python_calamine as c; "
    "c.CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).to_python()"
)
OUR_READING = (
    "import sys, pathlib, importer.read as r, importer.records as o; "
    "r.read(pathlib.Path(sys.argv[1]), o.ReadOptions())"
)
# What starting Python with these imports takes is measured apart and subtracted.
IMPORTS = {
    "calamine": "import python_calamine",
    "reading": "import importer.read, importer.read.workbook",
}


def check(sheet: Path, results: Path, python_there: Path = Path(sys.executable)) -> Timed:
    """Time the whole command."""
    command = (python_there, "-m", "importer", "check", sheet, "--results", results, "--quiet")
    return timed(command, ok=(0, 1))


def python(code: str, *arguments: object) -> Timed:
    """Time a line of Python."""
    return timed((sys.executable, "-c", code, *arguments))


def frictionless(python_there: Path, sheet: Path) -> Timed:
    """Time `frictionless validate` with rules like ours."""
    program = python_there.with_name("frictionless")
    schema = HERE / "frictionless.schema.json"
    once = timed((program, "validate", sheet, "--schema", schema, "--json", "--trusted"))
    if json.loads(once.output)["tasks"][0]["stats"].get("rows", 0) == 0:
        raise RuntimeError("frictionless read nothing")
    return once


def prepare(
    folder: Path,
    rows: int,
    small: int,
    rounds: int,
    yardsticks: Path | None,
    say: Callable[[str], None],
) -> tuple[list[Line], list[Target]]:
    """Compare `check` of `rows` rows, clean and 10 % bad, and of `small` rows."""
    sheets = {name: folder / f"{name}.csv" for name in ("clean", "bad", "small")}
    workbook, results = folder / "small.xlsx", folder / "results.csv"
    timed((sys.executable, "-m", "benchmarks.data", folder, rows, small))
    contenders: dict[str, Callable[[], Timed]] = {
        "pandas.read_csv(dtype=str)": partial(python, _PANDAS, sheets["clean"]),
        "check": partial(check, sheets["clean"], results),
        "check, 10 % bad": partial(check, sheets["bad"], results),
        "check, fewer rows": partial(check, sheets["small"], results),
        "start": partial(python, IMPORTS["calamine"]),
        "calamine": partial(python, CALAMINE, workbook),
        "start reading": partial(python, IMPORTS["reading"]),
        "reading": partial(python, OUR_READING, workbook),
        "check XLSX": partial(check, workbook, results),
    }
    if yardsticks:
        contenders["frictionless validate"] = partial(frictionless, yardsticks, sheets["small"])
    found = alternating(contenders, rounds, say)
    lines = [
        Line("pandas.read_csv(dtype=str)", rows, found["pandas.read_csv(dtype=str)"], "only reads"),
        Line("**check**, clean", rows, found["check"], ""),
        Line("**check**, 10 % bad rows", rows, found["check, 10 % bad"], ""),
        Line("**check**, clean", small, found["check, fewer rows"], ""),
        Line("python-calamine, XLSX", small, found["calamine"], "only reads"),
        Line("**check**, XLSX", small, found["check XLSX"], ""),
    ]
    bare = found["pandas.read_csv(dtype=str)"].seconds
    start = found["start"].seconds
    per_row = found["check"].seconds / rows, found["check, fewer rows"].seconds / small
    cells = found["calamine"].seconds - start
    targets = [
        Target("check, clean, against read_csv", found["check"].seconds / bare, 4),
        Target("check, 10 % bad, against read_csv", found["check, 10 % bad"].seconds / bare, 6),
        Target("peak memory of check, MB", found["check"].megabytes, 900),
        Target("time a row, against that of fewer rows", per_row[0] / per_row[1], 1.15),
        Target(
            "reading XLSX, against python-calamine",
            (found["reading"].seconds - found["start reading"].seconds) / cells,
            # It leaves out errors, formats and limits, which our reader needs a parser for.
            3.5,
        ),
    ]
    if yardsticks:
        theirs = found["frictionless validate"]
        lacks = "no cleaning, no mapping, no results file; reports a list of errors"
        lines.append(Line("frictionless validate", small, theirs, lacks))
        # Of fewer rows: each costs it the same, and a million would take all the time there is.
        ratio = (theirs.seconds / small) / per_row[0]
        name = "check, rows a second against frictionless"
        targets.append(Target(name, ratio, 5, at_least=True))
    return lines, targets


def few(folder: Path) -> None:
    """Write a sheet of 100 rows."""
    timed((sys.executable, "-m", "benchmarks.data", folder, "--send", 100))


def start(
    folder: Path, python_there: Path, rounds: int, say: Callable[[str], None]
) -> tuple[list[Line], list[Target]]:
    """Time how soon the program answers, by a Python that has what users have and no more.

    Pandera imports hypothesis where that is installed, as it is for development.
    """
    sheet = folder / "send-100.csv"
    us = (python_there, "-m", "importer")
    found = alternating(
        {
            "--help": lambda: timed((*us, "--help")),
            "--version": lambda: timed((*us, "--version")),
            "check of 100 rows": lambda: check(sheet, folder / "results.csv", python_there),
            "first line of run": lambda: _first_line((*us, "run", sheet, "--sandbox", "--dry-run")),
        },
        rounds,
        say,
    )
    most = {"--help": 0.12, "--version": 0.12, "check of 100 rows": 1.2, "first line of run": 1.5}
    lines = [Line(f"**{name}**", None, once, "") for name, once in found.items()]
    return lines, [Target(f"{name}, s", found[name].seconds, most[name]) for name in found]


def _first_line(command: Command) -> Timed:
    """Time until the command says something."""
    started = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        process.stderr.readline()
        seconds = time.perf_counter() - started
        process.stderr.read()
    return Timed(seconds, 0, 0)
