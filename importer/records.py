"""The frozen values that pass between stages, and the words of the contract.

Tables until plan: a pandas frame whose index is the row number that a spreadsheet shows.
Small frozen records after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingOf

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
"""What a customer can be created with (API facts §4.1)."""

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
"""Stand before the sheet's own columns in a results file; ignored when one is read back."""

RESULTS_WORKSHEET = "results"
"""The worksheet of a results file: its texts are as they were, nothing is made harmless in it."""


class Status(StrEnum):
    """What became of a row. `READY` is only ever said by `check`."""

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
    """What the person says about the file. None: find it."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None  # the worksheet's name
    header_row: int | None = None  # as a spreadsheet shows it, from 1


@dataclass(frozen=True, slots=True)
class MappingChoices:
    """What the person says about the columns."""

    profile: str | None = None
    given: tuple[tuple[str, str], ...] = ()  # (field, header), in the order they were given
    saved: tuple[tuple[str, str], ...] = ()  # the same, from earlier, of fields not given now
    saved_in: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sheet can't prove about its values."""

    region: str  # ISO 3166 code of the country that national phone numbers belong to
    dates: str | None = None  # DMY, MDY, YMD; None: only what the column proves
    language: str | None = None  # az, ru, tr, en; None: what headers and column prove
    genders: tuple[tuple[str, int], ...] = ()  # words of the old system and what they mean


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text as it was found in a file.

    `table` has one text column for each header, labelled 0, 1, 2 … by position (headers may
    repeat or be empty), "" for an empty cell, and as index the row number a spreadsheet shows:
    the header's own row and blank rows are counted, a cell with line breaks is one row.
    Rows without any content are not in it.
    """

    name: str  # the file's name, "-" for standard input
    kind: str  # csv, xlsx, xls, ods, jsonl, parquet
    headers: tuple[str, ...]
    table: pd.DataFrame
    header_row: int
    encoding: str | None = None  # None where the format has none of its own
    delimiter: str | None = None
    worksheet: str | None = None
    malformed: MappingOf[int, str] = field(default_factory=dict)  # row → what is wrong with it
    blank_rows: int = 0
    notes: tuple[str, ...] = ()  # what the reader did that the person should know
    serial_dates: int | None = None  # year of day serials, 1900 or 1904; None: not a workbook


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which columns of a sheet make which field.

    Several columns of `name` are joined by a space; of any other field they are tried in order.
    """

    columns: MappingOf[str, tuple[int, ...]]  # field → positions
    profile: str | None = None  # the old system that was recognised
    language: str | None = None  # az, ru, tr or en: for words such as K; None: not known
    dates: str | None = None  # DMY, MDY or YMD when the profile knows it
    region: str | None = None  # the country the profile's phone numbers are from
    genders: tuple[tuple[str, int], ...] = ()  # the profile's own words: 1 male, 2 female, 0 none
    unused: tuple[int, ...] = ()
    secret: tuple[int, ...] = ()  # passwords and tokens: never used, never copied
    reasons: MappingOf[str, str] = field(default_factory=dict)  # field → why these columns
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
    sources: MappingOf[str, pa.Array] = field(default_factory=dict)  # field → texts they are from


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that repeats an earlier, kept row, and in which field."""

    row: int
    field: str
    of: int


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as it is sent. None is left out of the body (API facts §4.1)."""

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

    def body(self) -> dict[str, Any]:
        """Return the JSON object of `POST /customers`."""
        pairs = ((name, getattr(self, name)) for name in FIELDS)
        return {name: value for name, value in pairs if value is not None}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row, as the results file says it."""

    row: int
    status: Status
    clopos_id: str | None = None
    field: str | None = None  # phone, code or cid: the one that clashed
    existing_id: str | None = None  # the customer that holds it, where it could be found
    duplicate_of: int | None = None
    message: str = ""
