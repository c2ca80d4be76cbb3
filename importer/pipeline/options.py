"""Options of a caller: for reading the sheet, for the files to write, and for sending."""

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
    """Options for reading a sheet and its values. Every default leaves it to the sheet."""

    read: ReadOptions = field(default_factory=ReadOptions)
    choices: MappingChoices = field(default_factory=MappingChoices)
    region: str | None = None  # of national phone numbers; None: the profile's, else AZ
    dates: str | None = None  # DMY, MDY or YMD; None: only what a column proves
    language: str | None = None  # of words, e.g. K: az, ru, tr, en
    drop_bad_values: bool = False  # send a row without its bad optional values
    shared_phone: str = "hold"  # a row with the phone of another: hold it, or send it without
    none_value: tuple[str, ...] = ()  # "FIELD=VALUE", as it is sent: such a value is nothing
    name_from: tuple[str, ...] = ()  # names for rows without one: phone, email, company
    group: str | None = None  # of all rows: its name or id at Clopos
    group_column: str | None = None  # the header of the column that names each row's group
    mapping: Path | None = None  # a saved mapping; None: FILE.mapping.toml if it exists
    save_mapping: Path | None = None  # where to save which columns were taken; None: nowhere
    fixes: Path | None = None  # a file of fixes; None: FILE.fixes.jsonl if it exists
    no_fixes: bool = False  # ignore all fixes
    accept: tuple[str, ...] = ()  # codes of questions to answer with "it is right as it is"
    shape: Shape = field(default_factory=Shape)  # changes to the values
    known_as: Path | None = None  # lasting name of a sheet whose file name changes; None: its path
    understood_in: Path | None = None  # folder that remembers how sheets were read; None: none


@dataclass(frozen=True, slots=True)
class Output:
    """Files to write. None: that file isn't written."""

    results: Path | None = None  # its suffix is the format: .xlsx, .csv, .jsonl, .parquet
    payloads: Path | None = None  # the bodies that are or would be sent, as JSON lines
    report: Path | None = None  # an HTML page for the person in charge of the run
    report_private: bool = False  # without names, phones and values
    keep: int | None = None  # number of runs whose results are kept, this one included; None: 1


@dataclass(frozen=True, slots=True)
class SendOptions:
    """Options for sending. Times are in seconds."""

    sandbox: bool = False  # send to a temporary Clopos on this machine; no credentials needed
    dry_run: bool = False  # do everything except create customers
    limit: int | None = None  # send at most so many rows; None: all
    rate: str | None = None  # e.g. "100/min,1000/hour" or "none"; None: the API's quota
    reserve: float = 0.1  # share of the quota left for the tills
    timeout: float = 20.0  # per request
    match: str = "auto"  # auto, always or never: compare with Clopos (who-is-this-customer §3)
    recreate: int | None = None  # create deleted customers again: so many; 0: a few
    max_new: float | None = None  # send nothing if it would be more: rows (int), share
    windows: tuple[SendingHours, ...] = ()  # hours in which to send; empty: at any time
    finish_by: dt.time | None = None  # stop by this time of the day; None: run to the end
    tuning: SendTuning = field(default_factory=SendTuning)
    known_problems: bool = False  # ignore, for the exit code, rows that the last run reported
    flags: tuple[str, ...] = ()  # of the command line, recorded with the run
