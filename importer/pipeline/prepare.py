"""The offline half: a sheet → rows that could be sent, and why others can't, in three steps.

`open_sheet` reads, `understand` finds the columns, `prepare_rows` cleans, validates and dedupes.
A caller that can ask about columns calls them one by one; `prepare` does all three.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pandas as pd
import pyarrow as pa

from importer.arrow import cells_of
from importer.clean.changes import Changes
from importer.clean.columns import clean
from importer.clean.dedupe import dedupe
from importer.clean.gender import stated_genders
from importer.clean.groups import Wanted, wanted_groups
from importer.clean.name_fallback import fill_names
from importer.clean.none_values import absent_notes, none_values
from importer.clean.phone import REGIONS, region_of
from importer.clean.shape import (
    map_groups,
    shape_values,
    with_replaced,
    with_sources,
    with_template,
)
from importer.clean.validate import validate
from importer.clean.where import conditions_of, unwanted
from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.mapping.saved import Saved, load_saved, saved_mapping_path
from importer.pipeline.answers import never_asked, open_questions, save_answers, with_saved
from importer.pipeline.fixes import Fixes, both, fix_notes, fix_remarks, load_fixes
from importer.pipeline.last_time import load_last
from importer.pipeline.options import SheetOptions
from importer.pipeline.sheet_outcomes import invalid_rows, remarks_of, repeated_rows
from importer.problems import NOT_WANTED, describe_rows
from importer.progress import NullReporter
from importer.questions.catalogue import find_questions
from importer.questions.drift import understood as understood_of
from importer.questions.evidence import Evidence
from importer.read import read
from importer.read.frame import sheet_of_frame
from importer.records import ColumnMapping, MappingChoices, Outcome, Problem, Reading, Sheet, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.progress import ProgressReporter
    from importer.questions.drift import Understood
    from importer.questions.question import Question

Source = Path | str | bytes | pd.DataFrame
"""A customer list: a path ("-" is standard input), a file's bytes, or a table."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A sheet as it was read, with what was chosen for it now and saved for it earlier."""

    path: Path  # as it was given; for a table or bytes a name that stands for them
    sheet: Sheet
    options: SheetOptions
    choices: MappingChoices
    saved_in: Path  # where the mapping of this sheet is or would be kept
    saved: Saved = field(default_factory=Saved)
    last: Understood | None = None  # by the last run of this sheet
    fixes: Fixes | None = None  # those that `sheet` has in it; None: there are none
    region: str | None = None  # of national phones, where nothing about the sheet says another

    @property
    def as_read(self) -> Sheet:
        """Return the sheet without fixes."""
        return self.fixes.as_read if self.fixes else self.sheet

    @property
    def agreed(self) -> bool:
        """Return whether a mapping of this sheet was saved earlier."""
        return self.saved_in.is_file()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sheet whose rows were cleaned, validated and compared with each other.

    `values` are the valid rows (a column for each of FIELDS, row number as index), `held` the
    invalid ones, with nothing where a value or the whole row couldn't be read. `outcomes` is
    row → why it wouldn't be sent, as far as the sheet itself shows: invalid rows, and valid ones
    that repeat or contradict an earlier one (in `run`, what Clopos says of these comes first).
    `remarks` is row → what a person may want to know of a valid row.
    """

    path: Path
    options: SheetOptions
    sheet: Sheet
    mapping: ColumnMapping
    reading: Reading
    values: pd.DataFrame
    held: pd.DataFrame
    problems: tuple[Problem, ...]
    outcomes: dict[int, Outcome]
    remarks: dict[int, str]
    changes: Changes | None = None  # how sent values differ from the texts of the sheet
    groups: Wanted = field(default_factory=Wanted)  # looked up at Clopos before they are sent
    questions: tuple[Question, ...] = ()  # open ones: nothing is sent before they are answered
    accepted: Mapping[str, str] = field(default_factory=dict)  # code of a settled one → evidence
    notes: tuple[str, ...] = ()  # about the sheet as a whole
    understood: Understood | None = None  # to be compared with the next run of this sheet
    without_phone: tuple[int, ...] = ()  # ready rows whose phone is another person's in the sheet
    fixes: Fixes | None = None  # those that `sheet` has in it; None: there are none

    @property
    def ready(self) -> pd.DataFrame:
        """Return the rows that would be sent, as far as the sheet itself shows."""
        values = self.values[~self.values.index.isin(list(self.outcomes))]
        return _without_phone(values, self.without_phone)

    @property
    def assumed_countries(self) -> Counter[str]:
        """Return country → ready rows whose phone was read with a plus it hasn't (R3)."""
        phones = self.ready["phone"]
        rows = {p.row for p in self.problems if p.code == "phone_country_assumed"}
        return Counter(map(region_of, cells_of(phones[phones.index.isin(rows)].dropna())))

    @property
    def invalid(self) -> dict[int, Outcome]:
        """Return row → outcome of the rows that are held back whatever Clopos says."""
        found = self.outcomes.items()
        return {row: outcome for row, outcome in found if outcome.status is Status.INVALID}


def open_sheet(
    source: Source,
    options: SheetOptions | None = None,
    *,
    region: str | None = None,
    stdin: BinaryIO | None = None,
    earlier: Opened | None = None,
) -> Opened:
    """Read a sheet, and the mapping that was saved for it.

    `region` is used where `options` name none; a path of "-" is read from `stdin`. `earlier` is the
    same file, unchanged since: it isn't read again where it would be read in the same way.

    Raises UsageError when the file, or the saved mapping, can't be read.
    """
    options = options or SheetOptions()
    path = Path("table" if isinstance(source, pd.DataFrame) else "-")
    if isinstance(source, str | Path):
        path = Path(source)
    saved_in = saved_mapping_path(path, options.mapping)
    saved, choices = Saved(), options.choices
    if options.mapping is not None or saved_in.is_file():
        saved = load_saved(saved_in)
        options = with_saved(options, saved)
        choices = replace(options.choices, saved=saved.pairs, saved_in=str(saved_in))
    if isinstance(source, pd.DataFrame):
        sheet = sheet_of_frame(source)
    elif earlier and earlier.options.read == options.read:
        sheet = earlier.as_read
    else:
        data = io.BytesIO(source) if isinstance(source, bytes) else stdin
        sheet = read(path, options.read, data)
    last = (
        None
        if isinstance(source, bytes | pd.DataFrame)
        else load_last(options.understood_in, options.known_as or path)
    )
    opened = Opened(path, sheet, options, choices, saved_in, saved, last, region=region)
    return with_fixes(opened, of_file=not isinstance(source, bytes | pd.DataFrame))


def with_fixes(opened: Opened, *, of_file: bool = True) -> Opened:
    """Return an opened sheet with the fixes in it that are kept of it by now.

    `of_file`: the sheet is a file, beside which they may lie.

    Raises UsageError when the fixes can't be read.
    """
    as_read = opened.as_read
    fixes = load_fixes(as_read, opened.path if of_file else None, opened.options)
    return replace(opened, sheet=fixes.applied.sheet if fixes else as_read, fixes=fixes)


def understand(opened: Opened, choices: MappingChoices | None = None) -> ColumnMapping:
    """Find out which columns make which field; `choices` replace those of the sheet.

    Raises AmbiguousColumnsError, which a caller may answer with other choices, and UsageError.
    """
    mapping = map_columns(opened.sheet, load_profiles(), choices or opened.choices)
    return with_template(mapping, opened.sheet, opened.options.shape)


def prepare_rows(
    opened: Opened,
    mapping: ColumnMapping,
    *,
    today: date | None = None,
    reporter: ProgressReporter | None = None,
) -> Prepared:
    """Clean, validate and dedupe the rows of a sheet whose columns are known.

    `today` (None: the day where the program runs) tells which dates of birth are possible.

    Raises UsageError for a region, group or value that can't be, ServiceError when the mapping
    can't be saved.
    """
    options, shape = opened.options, opened.options.shape
    reading = _reading(opened, mapping)
    sheet, where_notes = _wanted(opened, reading.dates)
    with (reporter or NullReporter()).step(tr("checking {path}", path=opened.path)) as progress:
        rows = len(sheet.table)
        progress(what=trn("cleaning {n} row", "cleaning {n} rows", rows))
        replaced, columns, replace_notes = with_replaced(sheet, shape)
        cleaned = with_sources(clean(replaced, mapping, reading), sheet, mapping, columns)
        settled = opened.saved.accepted.keys()
        seen = Evidence(replaced, mapping, reading, cleaned, settled, opened.last, options.read)
        asked = find_questions(seen)
        if options.name_from:
            cleaned = fill_names(cleaned, sheet, mapping, options.name_from)
        cleaned, value_notes = shape_values(cleaned, replaced, shape, reading.language)
        progress(what=trn("validating {n} row", "validating {n} rows", rows))
        validated = validate(
            cleaned,
            malformed=sheet.malformed,
            today=today or date.today(),  # noqa: DTZ011 - the day where the person is
            drop_bad_values=options.drop_bad_values,
        )
        progress(
            what=trn(
                "looking for duplicates in {n} row", "looking for duplicates in {n} rows", rows
            )
        )
        deduped = dedupe(
            validated.values, validated.held, share_phones=options.shared_phone == "without"
        )
    problems = (*validated.problems, *deduped.remarks)
    words = describe_rows(problems, sheet, mapping)
    kept = ~validated.values.index.isin(list(validated.held))
    values = validated.values[kept]
    sources = {name: of.filter(pa.array(kept)) for name, of in cleaned.sources.items()}
    groups, group_notes = map_groups(
        wanted_groups(
            sheet,
            values.index,
            column=options.group_column,
            group=options.group,
            optional=options.drop_bad_values,
        ),
        shape,
    )
    questions = open_questions(asked, options.accept, opened.saved.accepted)
    prepared = Prepared(
        opened.path,
        options,
        sheet,
        mapping,
        reading,
        values,
        validated.values.reindex(sorted(validated.held)),
        problems,
        outcomes=invalid_rows(validated.held, words, sheet) | repeated_rows(deduped.duplicates),
        remarks=both(
            remarks_of(words, validated.held, deduped.without_phone),
            fix_remarks(opened.fixes, mapping.secret),
        ),
        changes=Changes(values, sources),
        groups=groups,
        questions=questions,
        accepted={each.code: each.evidence for each in asked if each not in questions},
        notes=(
            *fix_notes(opened.fixes),
            *where_notes,
            *replace_notes,
            *value_notes,
            *group_notes,
            *absent_notes(
                cleaned.absent,
                none_values(opened.saved.reading.get("none_value", ()), reading.region),
            ),
            *never_asked(asked, options.accept),
        ),
        understood=understood_of(seen),
        without_phone=deduped.without_phone,
        fixes=opened.fixes,
    )
    if options.save_mapping:
        save_answers(opened, prepared)
    return prepared


def prepare(
    source: Source,
    options: SheetOptions | None = None,
    *,
    region: str | None = None,
    today: date | None = None,
    reporter: ProgressReporter | None = None,
    stdin: BinaryIO | None = None,
) -> Prepared:
    """Read, map, clean, validate and dedupe a sheet: the whole offline half, nothing asked.

    Raises UsageError when the sheet can't be read or its columns are ambiguous, ServiceError
    when the mapping can't be saved.
    """
    reporter = reporter or NullReporter()
    with reporter.step(tr("reading {path}", path=name_of(source))):
        opened = open_sheet(source, options, region=region, stdin=stdin)
    return prepare_rows(opened, understand(opened), today=today, reporter=reporter)


def without_fixes(prepared: Prepared) -> Prepared:
    """Return a sheet with fixes prepared as if it had none: so earlier runs may have sent it."""
    if prepared.fixes is None:
        return prepared
    options = replace(prepared.options, save_mapping=None)
    as_read = Opened(
        prepared.path,
        prepared.fixes.as_read,
        options,
        options.choices,
        prepared.path,
        region=prepared.reading.region,
    )
    return prepare_rows(as_read, prepared.mapping)


def name_of(source: Source) -> str:
    """Return the name of a source in messages."""
    return str(source) if isinstance(source, Path | str) else tr("the table")


def _wanted(opened: Opened, dates: str | None) -> tuple[Sheet, tuple[str, ...]]:
    """Return the sheet with the rows held back that its conditions leave out, and the counts."""
    sheet, options = opened.sheet, opened.options
    if not options.shape.where:
        return sheet, ()
    found = unwanted(sheet, conditions_of(options.shape.where, sheet), dates)
    malformed = {**dict.fromkeys(sorted(found.rows), NOT_WANTED), **sheet.malformed}
    return replace(sheet, malformed=malformed), found.notes


def _reading(opened: Opened, mapping: ColumnMapping) -> Reading:
    """Return how values are read: what was chosen, else what the sheet's columns say."""
    options, headers = opened.options, opened.sheet.headers
    stated = [
        pair for n in mapping.columns.get("gender", ()) for pair in stated_genders(headers[n])
    ]
    region = _region(options.region or opened.region or mapping.region or "AZ")
    return Reading(
        region=region,
        dates=options.dates or mapping.dates,
        language=options.language or mapping.language,
        genders=(*stated, *mapping.genders),
        dates_given=options.dates is not None,
        none_values=none_values(options.none_value, region),
    )


def _without_phone(values: pd.DataFrame, rows: Iterable[int]) -> pd.DataFrame:
    """Return the values without the phones of these rows."""
    listed = list(rows)
    if not listed:
        return values
    values = values.copy()
    values.loc[listed, "phone"] = None
    return values


def _region(region: str) -> str:
    """Return the region. Raises UsageError when it has no phone numbers: all would be invalid."""
    if region not in REGIONS:
        raise UsageError(
            tr("There is no country {region} of phone numbers", region=region),
            fix=tr("give its two letters, e.g. AZ, with --region or in CLOPOS_REGION"),
        )
    return region
