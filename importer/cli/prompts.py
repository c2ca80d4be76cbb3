"""Prompts about which column makes which field."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from importer.cli.render import COLUMNS, percent_column
from importer.cli.render_sheet import understood_lines
from importer.cli.width import cut, pad, width, wrap
from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.choices import AmbiguousColumnsError, address, column_of
from importer.mapping.header_words import is_secret
from importer.mapping.preview import match_share, sample_values
from importer.mapping.saved import save_mapping
from importer.pipeline.prepare import understand
from importer.records import FIELDS, ColumnMapping, MappingChoices, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from importer.pipeline.prepare import Opened

_NUMBERS = re.compile(r"[\d\s,+;]+")
_WIDEST = 28  # letters of a header that are shown


def confirm_mapping(
    opened: Opened, *, tell: Callable[[list[str]], None], ask: Callable[[str], str]
) -> ColumnMapping:
    """Return the mapping that the person confirms; Enter accepts the one that was found.

    `ask` returns the line that answers a question, "" at the end of the input. A mapping that was
    saved earlier is shown, and only what is ambiguous is asked.

    Raises UsageError for choices that can't be followed, KeyboardInterrupt at the end of the input.
    """
    sheet, choices = opened.sheet, opened.choices

    def insist(question: str) -> str:
        answer = ask(question)
        if not answer:  # Ctrl-D
            raise KeyboardInterrupt
        return answer.strip()

    def save(mapping: ColumnMapping) -> str:
        place = opened.options.save_mapping or opened.saved_in
        save_mapping(place, mapping, sheet)
        return str(place)

    while True:
        try:
            mapping = understand(opened, choices)
        except AmbiguousColumnsError as ambiguous:
            columns = _column(
                sheet, ambiguous.field, ambiguous.columns, ambiguous.what, tell, insist
            )
            choices = _chosen(sheet, choices, ambiguous.field, columns)
            continue
        tell(understood_lines(sheet, mapping))
        if opened.agreed:
            return mapping
        field = _answer(mapping, tell, insist, save)
        if field is None:
            return mapping
        now = mapping.columns.get(field, ())
        what = tr("Which column is the {name}?", name=field)
        columns = _column(sheet, field, range(len(sheet.headers)), what, tell, insist, now)
        choices = _chosen(sheet, choices, field, columns)


def _answer(
    mapping: ColumnMapping,
    tell: Callable[[list[str]], None],
    ask: Callable[[str], str],
    save: Callable[[ColumnMapping], str],
) -> str | None:
    """Return the field to be changed, None when all is as it should be."""
    while True:
        typed = ask(
            tr(
                "Is this correct? [Y]es, [s]ave for next time, or the name of a field to change "
                "(e.g. phone):"
            )
        ).lower()
        if typed in ("", *tr("y yes").split()):
            return None
        if typed in tr("s save").split():
            tell(wrap(tr("saved in {path}", path=save(mapping)), COLUMNS, "  "))
            return None
        fields = [name for name in FIELDS if name == typed] or [
            name for name in FIELDS if name.startswith(typed.replace(" ", "_"))
        ]
        if len(fields) == 1:
            return fields[0]
        tell(wrap(tr("the fields are {fields}", fields=", ".join(FIELDS)), COLUMNS, "  "))


def _column(
    sheet: Sheet,
    field: str,
    columns: Sequence[int],
    what: str,
    tell: Callable[[list[str]], None],
    ask: Callable[[str], str],
    now: Sequence[int] | None = None,
) -> Sequence[int]:
    """Return the columns that the person says, none to leave the field out.

    `now` is what the field is made of as it stands, None when there is no answer yet.
    """
    tell([what, *_column_lines(sheet, field, columns, now or ())])
    question = tr("Column number (several: 2 3), 0 for none:")
    if now is not None:
        question = tr("Column number (several: 2 3), 0 for none, Enter to keep:")
    while True:
        typed = ask(question)
        if not typed:
            if now is not None:
                return now
            continue
        if typed == "0":
            return ()
        if not _NUMBERS.fullmatch(typed):
            try:
                return [column_of(sheet.headers, field, typed)]
            except UsageError:
                tell(["  " + tr("there is no column «{header}»", header=cut(typed, 40))])
            continue
        numbers = [int(number) - 1 for number in re.findall(r"\d+", typed)]
        if numbers and all(0 <= number < len(sheet.headers) for number in numbers):
            return list(dict.fromkeys(numbers))
        last = len(sheet.headers)
        tell(["  " + tr("the columns have the numbers 1 to {last}", last=last)])


def _column_lines(
    sheet: Sheet, field: str, columns: Iterable[int], now: Sequence[int]
) -> list[str]:
    """Return a line for each column that holds anything, with how well it fits and two values."""
    shown = [
        column for column in columns if sheet.headers[column] or sample_values(sheet, [column])
    ]
    names = min(max((width(sheet.headers[column]) for column in shown), default=0), _WIDEST)
    return [
        cut(
            f"  {'←' if column in now else ' '}{column + 1:>3}  "
            f"{pad(sheet.headers[column] or tr('(no header)'), names)}  "
            f"{percent_column(match_share(sheet, field, [column]))}  "
            f"{_values(sheet, column)}".rstrip(),
            COLUMNS,
        )
        for column in shown
    ]


def _values(sheet: Sheet, column: int) -> str:
    if is_secret(sheet.headers[column]):
        return tr("(secret, not shown)")
    return " · ".join(cut(text, 24) for text in sample_values(sheet, [column])) or tr("(empty)")


def _chosen(
    sheet: Sheet, choices: MappingChoices, field: str, columns: Sequence[int]
) -> MappingChoices:
    others = [pair for pair in choices.given if pair[0] != field]
    typed = [(field, address(sheet.headers, column)) for column in columns] or [(field, "")]
    return replace(choices, given=(*others, *typed))
