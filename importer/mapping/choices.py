"""Choices of the user about columns: `--map FIELD=HEADER`, now or saved earlier."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.header_words import key
from importer.records import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.records import MappingChoices

_NTH = re.compile(r"(.*?)\s*\(([1-9]\d{0,4})\)")


class AmbiguousColumnsError(UsageError):
    """Several columns could make one field; only the user can say which."""

    def __init__(self, field: str, columns: Sequence[int], what: str, **parts: str) -> None:
        super().__init__(what, **parts)
        self.field = field
        self.columns = tuple(columns)


def given_columns(headers: Sequence[str], choices: MappingChoices) -> dict[str, list[int]]:
    """Return field → columns as chosen now or, without a choice, as saved."""
    now = _columns_chosen(headers, choices.given)
    try:
        earlier = (pair for pair in choices.saved if field_of(pair[0]) not in now)
        return _columns_chosen(headers, earlier) | now
    except UsageError as error:
        raise UsageError(
            tr("The saved mapping {path} doesn't fit this sheet", path=choices.saved_in),
            why=error.what,
            fix=tr("fix or delete it; --save-mapping writes a new one"),
        ) from error


def _columns_chosen(
    headers: Sequence[str], pairs: Iterable[tuple[str, str]]
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for field, header in pairs:
        name = field_of(field)
        if name not in FIELDS:
            raise UsageError(
                tr("--map {field}={header}: there is no field {field}", field=field, header=header),
                fix=tr("the fields are {fields}", fields=", ".join(FIELDS)),
            )
        columns = found.setdefault(name, [])
        if header:
            columns.append(column_of(headers, field, header))
    return found


def field_of(field: str) -> str:
    """Return the name of a field: `Date of birth` is date_of_birth."""
    return field.strip().lower().replace(" ", "_").replace("-", "_")


def address(headers: Sequence[str], column: int) -> str:
    """Return the name of a column in `--map`: its header, with "(2)" for the second such."""
    header = headers[column]
    if header and headers.count(header) == 1:
        return header
    return f"{header} ({headers[: column + 1].count(header)})".strip()


def column_of(headers: Sequence[str], field: str, header: str) -> int:
    """Return the column that a header, or an `address`, means. Raises UsageError."""
    if header in headers:
        return headers.index(header)
    wanted = key(header)
    if nth := _NTH.fullmatch(header):
        named = [number for number, text in enumerate(headers) if text == nth[1]]
        if int(nth[2]) <= len(named):
            return named[int(nth[2]) - 1]
        wanted = "" if named else key(header)
    for number, text in enumerate(headers):
        if wanted and key(text) == wanted:
            return number
    near = difflib.get_close_matches(header, headers, n=1)
    raise UsageError(
        tr(
            "--map {field}={header}: the sheet has no column «{header}»", field=field, header=header
        ),
        why=tr("its columns are {headers}", headers=listed(headers)),
        fix=tr('did you mean --map "{field}={near}"?', field=field, near=near[0])
        if near
        else tr("take one of these"),
    )


def listed(headers: Sequence[str]) -> str:
    """Return headers as messages show them, the first twelve."""
    shown = [f"«{header}»" for header in headers[:12] if header]
    return ", ".join(shown) + (" …" if len(headers) > 12 else "")
