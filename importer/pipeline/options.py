"""Options of a caller: about the sheet, the files to write, and sending."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.records import MappingChoices, ReadOptions, Shape
from importer.send.circuit_breaker import SendTuning

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from importer.plan.schedule import SendingHours


@dataclass(frozen=True, slots=True)
class SheetOptions:
    """Options of reading a sheet, and of how strictly its values are taken."""

    read: ReadOptions = field(default_factory=ReadOptions)
    choices: MappingChoices = field(default_factory=MappingChoices)
    region: str | None = None  # of national phone numbers; None: the profile's, else AZ
    dates: str | None = None  # DMY, MDY or YMD; None: only what a column proves
    language: str | None = None  # of words, e.g. K: az, ru, tr, en
    drop_bad_values: bool = False  # send a row without its bad optional values
    shared_phone: str = "hold"  # a row with the phone of another: hold it, or send it without
    name_from: tuple[str, ...] = ()  # names for rows without one: phone, email, company
    group: str | None = None  # of all rows: its name or id at Clopos
    group_column: str | None = None  # the header of the column that names each row's group
    mapping: Path | None = None  # a saved mapping; None: FILE.mapping.toml if it is there
    save_mapping: Path | None = None
    fixes: Path | None = None  # a file of fixes; None: FILE.fixes.jsonl if it is there
    no_fixes: bool = False  # use none
    accept: tuple[str, ...] = ()  # codes of questions: it is right as it is
    shape: Shape = field(default_factory=Shape)  # what is to be made of values
    known_as: Path | None = None  # of a sheet whose name is another each night; None: its path
    understood_in: Path | None = None  # where how sheets were read is kept; None: not compared


@dataclass(frozen=True, slots=True)
class Output:
    """Files to write. None: none."""

    results: Path | None = None  # the format is that of the suffix: .xlsx, .csv, .jsonl, .parquet
    payloads: Path | None = None  # the bodies that are or would be sent, as JSON lines
    report: Path | None = None  # a page for the person who answers for the run
    report_private: bool = False  # without names, phones and values
    keep: int | None = None  # results of so many runs are kept, the newest included


@dataclass(frozen=True, slots=True)
class SendOptions:
    """Options of sending. Times in seconds."""

    sandbox: bool = False
    dry_run: bool = False  # everything but POSTs of customers
    limit: int | None = None  # send no more rows than this
    rate: str | None = None  # e.g. "100/min,1000/hour" or "none"; None: the API's own
    reserve: float = 0.1  # share of the quota that is left for the tills
    timeout: float = 20.0  # of one request
    match: str = "auto"  # auto, always, never: compare with Clopos (who-is-this-customer §3)
    recreate: int | None = None  # create deleted customers anew: so many; 0: a few
    max_new: float | None = None  # create nothing where it would be more: rows (int), or a share
    windows: tuple[SendingHours, ...] = ()  # hours in which to send; none: always
    finish_by: dt.time | None = None  # be done by then, or stop in time
    tuning: SendTuning = field(default_factory=SendTuning)
    known_problems: bool = False  # rows that the last run reported need no attention again
    flags: tuple[str, ...] = ()  # of the command, kept with the run
