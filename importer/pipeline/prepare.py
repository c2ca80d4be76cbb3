"""The first half of the route, offline: a file → rows that could be sent, and why others can't."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from importer.clean.changes import Changes
from importer.clean.columns import clean
from importer.clean.dedupe import dedupe
from importer.clean.groups import Wanted, wanted_groups
from importer.clean.name_fallback import fill_names
from importer.clean.phone import REGIONS
from importer.clean.validate import validate
from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.mapping.saved import load_mapping, save_mapping
from importer.problems import CATALOGUE, Level
from importer.read.sheet import read
from importer.records import (
    Mapping,
    MappingChoices,
    Outcome,
    Problem,
    Reading,
    ReadOptions,
    Sheet,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    import pandas as pd


_OF_RESULTS = re.compile(r"(?<=.)\.results\.\w+$")


@dataclass(frozen=True, slots=True)
class SheetOptions:
    """What the person says about a sheet and how strictly it is taken."""

    read: ReadOptions = field(default_factory=ReadOptions)
    choices: MappingChoices = field(default_factory=MappingChoices)
    region: str | None = None  # of national phone numbers; None: the profile's, else AZ
    dates: str | None = None
    language: str | None = None
    drop_bad_values: bool = False  # send a row without its bad optional values
    name_from: tuple[str, ...] = ()  # what gives a name to who has none: phone, email, company
    group: str | None = None  # of all rows: its name or id at Clopos
    group_column: str | None = None  # the header of the column that names each row's group
    mapping: Path | None = None  # a saved mapping; None: FILE.mapping.toml if it is there
    save_mapping: Path | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sheet, understood and judged.

    `values` are the rows to be sent (a column for each of FIELDS, row number as index);
    `outcomes` says of every other row why it isn't; `remarks` is row → what a person may want to
    know of a row that goes.
    """

    sheet: Sheet
    mapping: Mapping
    reading: Reading
    values: pd.DataFrame
    problems: tuple[Problem, ...]
    outcomes: dict[int, Outcome]
    remarks: dict[int, str]
    changes: Changes | None = None  # what was made of the values that are sent
    groups: Wanted = field(default_factory=Wanted)  # looked up at Clopos before they are sent


def prepare(
    path: Path,
    options: SheetOptions,
    *,
    today: date,
    stdin: BinaryIO | None = None,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Read, map, clean, validate and dedupe a file. `on_stage` is told what begins, in words.

    Raises UsageError when the file can't be read or its columns can't be told apart, ServiceError
    when the mapping can't be saved.
    """
    on_stage(tr("reading {path}", path=path))
    sheet = read(path, options.read, stdin)
    mapping = map_columns(sheet, load_profiles(), said(path, options))
    return judge(sheet, mapping, options, today=today, on_stage=on_stage)


def judge(
    sheet: Sheet,
    mapping: Mapping,
    options: SheetOptions,
    *,
    today: date,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Clean, validate and dedupe a sheet whose columns are known.

    Raises ServiceError when the mapping can't be saved.
    """
    if options.save_mapping:
        save_mapping(options.save_mapping, mapping, sheet)
    reading = Reading(
        region=_region(options.region or mapping.region or "AZ"),
        dates=options.dates or mapping.dates,
        language=options.language or mapping.language,
        genders=mapping.genders,
    )
    rows = len(sheet.table)
    on_stage(trn("cleaning {n} row", "cleaning {n} rows", rows))
    cleaned = clean(sheet, mapping, reading)
    if options.name_from:
        cleaned = fill_names(cleaned, sheet, mapping, options.name_from)
    on_stage(trn("validating {n} row", "validating {n} rows", rows))
    validated = validate(
        cleaned,
        malformed=sheet.malformed,
        today=today,
        drop_bad_values=options.drop_bad_values,
    )
    on_stage(trn("looking for duplicates in {n} row", "looking for duplicates in {n} rows", rows))
    duplicates, remarks = dedupe(validated.values, validated.held)
    problems = (*validated.problems, *remarks)
    words = _by_row(problems, sheet, mapping)
    outcomes = {
        row: Outcome(row, Status.INVALID, message=words.get(row, "")) for row in validated.held
    }
    for duplicate in duplicates:
        first = outcomes.get(duplicate.row)
        message = tr("the same {field} as row {of}", field=duplicate.field, of=duplicate.of)
        if first:  # repeats rows in several fields: the first of them names the row
            message = f"{first.message}; {message}"
        outcomes[duplicate.row] = Outcome(
            duplicate.row,
            Status.DUPLICATE,
            field=first.field if first else duplicate.field,
            duplicate_of=first.duplicate_of if first else duplicate.of,
            message=message,
        )
    kept = ~validated.values.index.isin(list(outcomes))
    values = validated.values[kept]
    groups = wanted_groups(
        sheet,
        values.index,
        column=options.group_column,
        group=options.group,
        optional=options.drop_bad_values,
    )
    return Prepared(
        sheet,
        mapping,
        reading,
        values,
        problems,
        outcomes,
        {row: text for row, text in words.items() if row not in outcomes},
        Changes(values, {name: of.filter(pa.array(kept)) for name, of in cleaned.sources.items()}),
        groups,
    )


def _region(region: str) -> str:
    """Return the region. Raises UsageError when it has no phone numbers: all would be invalid."""
    if region not in REGIONS:
        raise UsageError(
            tr("There is no country {region} of phone numbers", region=region),
            todo=tr("give its two letters, such as AZ, with --region or in CLOPOS_REGION"),
        )
    return region


def mapping_path(path: Path, options: SheetOptions) -> Path:
    """Return where the mapping of a sheet is kept; its results are mapped as the sheet itself."""
    own = path.with_name(f"{path.name}.mapping.toml")
    names = [path.name]
    while (shorter := _OF_RESULTS.sub("", names[-1])) != names[-1]:
        names.append(shorter)
    saved = (path.with_name(f"{name}.mapping.toml") for name in names)
    return options.mapping or next((place for place in saved if place.is_file()), own)


def said(path: Path, options: SheetOptions) -> MappingChoices:
    """Return what the person says now, and what was saved earlier. Raises UsageError."""
    saved = mapping_path(path, options)
    if options.mapping is None and not saved.is_file():
        return options.choices
    return replace(options.choices, saved=load_mapping(saved), saved_in=str(saved))


def _by_row(problems: Iterable[Problem], sheet: Sheet, mapping: Mapping) -> dict[int, str]:
    """Return row → everything that was noticed about it, in words."""
    words: dict[int, list[str]] = {}
    for problem in problems:
        words.setdefault(problem.row, []).append(describe(problem, sheet, mapping))
    return {row: "; ".join(parts) for row, parts in words.items()}


def describe(problem: Problem, sheet: Sheet, mapping: Mapping) -> str:
    """Say what is wrong with one value, where, and what to do."""
    entry = CATALOGUE[problem.code]
    if problem.field == "row":
        return f"{tr(sheet.malformed.get(problem.row, entry.title))}: {tr(entry.hint)}"
    positions = mapping.columns.get(problem.field, ())
    header = sheet.headers[positions[0]] if positions else problem.field
    value = f" «{_short(problem.value)}»" if problem.value else ""
    text = f"{header}{value}: {tr(entry.title)}"
    return text if entry.level is Level.REMARK or not entry.hint else f"{text} ({tr(entry.hint)})"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "…"
