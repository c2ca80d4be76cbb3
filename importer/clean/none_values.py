"""Values that a person says stand for none: `--none-value phone=+994500000000`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from importer.clean.email import parse_email
from importer.clean.phone import parse_phone
from importer.errors import UsageError
from importer.i18n import tr
from importer.problems import field_word
from importer.text import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NoneValues = dict[str, frozenset[str]]
"""Field → values as they are sent."""


def none_values(given: Iterable[str], region: str) -> NoneValues:
    """Return the values of texts like `phone=+994500000000`; a code is taken as it is.

    `region` is that of national phone numbers.

    Raises UsageError for another field, and for a value that the field can't have.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text in given:
        field, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise _wrong(text, tr("it isn't FIELD=VALUE"))
        read = {
            "phone": lambda text: parse_phone(text, region).value,
            "email": lambda text: parse_email(text).value,
            "code": bare,
        }.get(field)
        if read is None:
            raise _wrong(text, tr("only values of phone, email and code can"))
        meant = read(value)
        if not meant:
            raise _wrong(
                text, tr("«{value}» can't be read as {field}", value=value, field=field_word(field))
            )
        found[field].add(meant)
    return {field: frozenset(values) for field, values in found.items()}


def absent_notes(absent: Mapping[str, Iterable[str]], saved: NoneValues) -> tuple[str, ...]:
    """Return a note for each value that no row has; one saved earlier may be gone by now."""
    return tuple(
        tr("--none-value {value}: no row has it", value=f"{field}={value}")
        for field, values in absent.items()
        for value in sorted(values)
        if value not in saved.get(field, ())
    )


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        tr("--none-value {text}: this can't stand for none", text=text),
        why=why,
        fix=tr(
            "write it like --none-value phone=+994500000000; to empty other cells, use "
            '--replace "HEADER: TEXT="'
        ),
    )
