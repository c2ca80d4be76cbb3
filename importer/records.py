"""The frozen values that pass between stages, and the words of the contract.

Tables until plan: a pandas frame whose index is the row number that a spreadsheet shows.
Small frozen records after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pyarrow as pa

FIELDS = (
    "name",
    "phone",
    "email",
    "code",
    "cid",
    "gender",
    "date_of_birth",
    "description",
    "group_id",
)
"""Fields that a customer can be created with (API facts §4.1)."""

UNIQUE_FIELDS = ("phone", "code", "cid")
"""No two customers share a value of these (API facts §0.2), in the order they are compared."""

RESULT_COLUMNS = (
    "import_row",
    "import_status",
    "clopos_id",
    "import_field",
    "import_existing_id",
    "import_duplicate_of",
    "import_message",
)
"""Stand before the sheet's own columns in a results file."""

DECISION_COLUMN = "import_decision"
"""A column that a person may add to a results file, with one of DECISIONS for a conflict."""
DECISIONS = ("same", "other", "skip")

RESULTS_WORKSHEET = "results"
"""The worksheet of a results file: its texts are as they were, nothing is made harmless in it."""
SENT_WORKSHEET = "sent"
"""The worksheet beside it: values as Clopos gets them. It is never read back."""


class Status(StrEnum):
    """Status of a row at the end. Only `check` uses `READY`."""

    CREATED = "created"
    EXISTS = "exists"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    INVALID = "invalid"
    REJECTED = "rejected"
    FAILED = "failed"
    UNKNOWN = "unknown"
    PENDING = "pending"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Choices of the user about the file. None: detect it."""

    encoding: str | None = None  # e.g. utf-8, windows-1251
    delimiter: str | None = None  # one character
    sheet: str | None = None  # the worksheet's name
    header_row: int | None = None  # as a spreadsheet shows it, from 1


@dataclass(frozen=True, slots=True)
class MappingChoices:
    """Choices of the user about the columns."""

    profile: str | None = None  # name of the old system; None: recognise it
    given: tuple[tuple[str, str], ...] = ()  # (field, header), in the order of the flags
    saved: tuple[tuple[str, str], ...] = ()  # the same from a saved mapping, for other fields
    saved_in: str | None = None  # path of that mapping
    language: str | None = None  # az, ru, tr or en, of words in the sheet; None: find out


@dataclass(frozen=True, slots=True)
class Shape:
    """Changes to make to the values of a sheet. Empty: none."""

    where: tuple[str, ...] = ()  # take only rows for which all these conditions hold
    replace: tuple[str, ...] = ()  # "HEADER: FROM=TO"
    description: str | None = None  # "{HEADER}; bonus {HEADER}"
    name_case: str | None = None  # "title": ƏLİ becomes Əli
    code_prefix: str | None = None
    group_map: tuple[str, ...] = ()  # "FROM=TO", "*=TO" for all others


@dataclass(frozen=True, slots=True)
class Reading:
    """Assumptions that a sheet can't prove about its values."""

    region: str  # ISO 3166 code of the country that national phone numbers belong to
    dates: str | None = None  # DMY, MDY, YMD; None: only what the column proves
    language: str | None = None  # az, ru, tr, en; None: what headers and column prove
    genders: tuple[tuple[str, int], ...] = ()  # words of the old system and what they mean
    dates_given: bool = False  # the order of dates is what a person says, not a profile or header
    # Field → values, as they are sent, that a person says stand for none.
    none_values: Mapping[str, frozenset[str]] = field(default_factory=dict)


class CellKind(StrEnum):
    """Type of a workbook cell that was no text and no plain number."""

    BOOLEAN = "boolean"
    DATE = "date"  # with or without a time of day
    TIME = "time"  # of a day, or a duration
    ERROR = "error"  # a formula that failed, or was never calculated


@dataclass(frozen=True, slots=True)
class OtherWorksheet:
    """A worksheet that wasn't read, though its file holds it."""

    name: str
    rows: int  # below its header, blank ones not counted
    lists_customers: bool  # its header has a name and something else we know
    hidden: bool = False
    fields: tuple[str, ...] = ()  # what its header has


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text as it was found in a file.

    `table` has one text column for each header, labelled 0, 1, 2 … by position (headers may
    repeat or be empty), "" for an empty cell, and as index the row number a spreadsheet shows:
    the header's own row and blank rows are counted, a cell with line breaks is one row.
    Rows without any content are not in it. Of a results file it is the sheet that the results are
    about, with its row numbers.
    """

    name: str  # the file's name, "-" for standard input
    kind: str  # csv, xlsx, xls, ods, jsonl, parquet
    headers: tuple[str, ...]
    table: pd.DataFrame
    header_row: int
    encoding: str | None = None  # None where the format has none of its own
    delimiter: str | None = None
    worksheet: str | None = None
    malformed: Mapping[int, str] = field(default_factory=dict)  # row → what is wrong with it
    blank_rows: int = 0
    notes: tuple[str, ...] = ()  # what the reader did that the person should know
    # What a results file says of its rows, by row: `clopos_id`, and (decision, id it is about).
    claims: Mapping[int, str] = field(default_factory=dict)
    decisions: Mapping[int, tuple[str, str | None]] = field(default_factory=dict)
    serial_dates: int | None = None  # year of day serials, 1900 or 1904; None: not a workbook
    kinds: Mapping[int, Mapping[int, CellKind]] = field(default_factory=dict)  # column → row →
    hidden_rows: tuple[int, ...] = ()  # of the table; they are read as all others
    hidden_columns: tuple[int, ...] = ()  # positions; they are read as all others
    others: tuple[OtherWorksheet, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which columns of a sheet make which field.

    Several columns of `name` are joined by a space, of `description` by a semicolon; of any other
    field they are tried in order.
    """

    columns: Mapping[str, tuple[int, ...]]  # field → positions
    profile: str | None = None  # the old system that was recognised
    language: str | None = None  # az, ru, tr or en: for words, e.g. K; None: not known
    dates: str | None = None  # DMY, MDY or YMD when the profile knows it
    region: str | None = None  # the country the profile's phone numbers are from
    genders: tuple[tuple[str, int], ...] = ()  # the profile's own words: 1 male, 2 female, 0 none
    unused: tuple[int, ...] = ()
    secret: tuple[int, ...] = ()  # passwords and tokens: never used, never copied
    country: int | None = None  # the column that says of each row whose country its phones are of
    phone_regions: Mapping[int, str] = field(default_factory=dict)  # column → what its header says
    reasons: Mapping[str, str] = field(default_factory=dict)  # field → why these columns
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about one value of one row, by a stable code of `problems.CATALOGUE`.

    `value` is the text as the sheet has it. Whether it holds the row back, leaves the field empty
    or is only a remark is the catalogue's to say.
    """

    row: int
    field: str  # one of FIELDS, or "row" when it is about the row as a whole
    code: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Typed values of every row, and what was noticed on the way.

    `values` has a column for each of FIELDS and the index of the sheet's table; None for nothing.
    `gender` and `group_id` are int, everything else is text (dates as YYYY-MM-DD).
    """

    values: pd.DataFrame
    problems: tuple[Problem, ...] = ()
    sources: Mapping[str, pa.Array] = field(default_factory=dict)  # field → texts they are from
    absent: Mapping[str, frozenset[str]] = field(default_factory=dict)  # none_values of no row


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that repeats an earlier, kept row, and in which field; or holds a value of it.

    `conflict`: they are two people, or may be.
    """

    row: int
    field: str
    of: int
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as it is sent. None is left out of the body (API facts §4.1).

    `made_of` is what its cid is made of: one of `matching.evidence.KINDS`.
    """

    row: int
    cid: str
    name: str
    phone: str | None = None
    email: str | None = None
    code: str | None = None
    gender: int | None = None
    date_of_birth: str | None = None
    description: str | None = None
    group_id: int | None = None
    made_of: str = "own"

    def body(self) -> dict[str, Any]:
        """Return the JSON object of `POST /customers`."""
        pairs = ((name, getattr(self, name)) for name in FIELDS)
        return {name: value for name, value in pairs if value is not None}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one row, as the results file has it."""

    row: int
    status: Status
    clopos_id: str | None = None
    field: str | None = None  # phone, code or cid: the one that clashed
    existing_id: str | None = None  # the customer that holds it, where it could be found
    duplicate_of: int | None = None
    message: str = ""
    decided: bool = False  # a person decided: no further attention is needed
