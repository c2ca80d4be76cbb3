"""Outcomes of rows, as far as the sheet itself shows them, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.problems import LEFT_OUT, NOT_WANTED, field_word
from importer.records import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from importer.records import Duplicate, Sheet


def invalid_rows(held: Iterable[int], words: Mapping[int, str], sheet: Sheet) -> dict[int, Outcome]:
    """Return row → outcome of the rows that are held back; `words` say what is wrong with each."""
    return {
        row: Outcome(
            row,
            Status.INVALID,
            message=words.get(row, ""),
            decided=sheet.malformed.get(row) in {LEFT_OUT, NOT_WANTED},
        )
        for row in held
    }


def remarks_of(
    words: Mapping[int, str], held: Collection[int], without_phone: Iterable[int]
) -> dict[int, str]:
    """Return row → what a person may want to know of a row that isn't held back."""
    remarks = {row: text for row, text in words.items() if row not in held}
    shared = tr("sent without its phone, which is another person's in this sheet")
    for row in without_phone:
        remarks[row] = f"{remarks[row]}; {shared}" if row in remarks else shared
    return remarks


def repeated_rows(duplicates: Iterable[Duplicate]) -> dict[int, Outcome]:
    """Return row → outcome; of a row that repeats several, the first one names it."""
    outcomes: dict[int, Outcome] = {}
    for duplicate in duplicates:
        first = outcomes.get(duplicate.row)
        message = _wording(duplicate)
        outcomes[duplicate.row] = (
            replace(first, message=f"{first.message}; {message}")
            if first
            else Outcome(
                duplicate.row,
                Status.CONFLICT if duplicate.conflict else Status.DUPLICATE,
                field=duplicate.field,
                duplicate_of=duplicate.of,
                message=message,
            )
        )
    return outcomes


def _wording(duplicate: Duplicate) -> str:
    field = field_word(duplicate.field)
    if not duplicate.conflict:
        return tr("the same {field} as row {of}", field=field, of=duplicate.of)
    return tr(
        "the same {field} as row {of}, which may be another person",
        field=field,
        of=duplicate.of,
    )
