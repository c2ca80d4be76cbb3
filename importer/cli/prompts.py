"""The conversation about which column makes which field. Pure: it is given how to tell and ask.

Whoever is content answers with Enter, once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from importer.cli.render import COLUMNS, percent, understood_lines
from importer.cli.width import cut, pad, width, wrap
from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.columns import UnclearError, address, column_of
from importer.mapping.header_words import is_secret
from importer.mapping.preview import fit, samples
from importer.records import FIELDS, Mapping, MappingChoices, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_NUMBERS = re.compile(r"[\d\s,+;]+")
_WIDEST = 28  # letters of a header that are shown


def agree(
    sheet: Sheet,
    choices: MappingChoices,
    mapped: Callable[[MappingChoices], Mapping],
    *,
    tell: Callable[[list[str]], None],
    ask: Callable[[str], str],
    save: Callable[[Mapping], str] | None,
) -> Mapping:
    """Return the mapping that the person agrees to.

    `mapped` makes a mapping of choices; `ask` returns the line that answers a question, "" when
    nobody answers any more; `save` keeps a mapping for next time and returns where. Without `save`
    the mapping was agreed to earlier: it is shown, and only what is unclear is asked.

    Raises UsageError for choices that can't be followed, KeyboardInterrupt when nobody answers.
    """

    def insist(question: str) -> str:
        answer = ask(question)
        if not answer:  # Ctrl-D
            raise KeyboardInterrupt
        return answer.strip()

    while True:
        try:
            mapping = mapped(choices)
        except UnclearError as unclear:
            columns = _column(sheet, unclear.field, unclear.columns, unclear.what, tell, insist)
            choices = _chosen(sheet, choices, unclear.field, columns)
            continue
        tell(understood_lines(sheet, mapping))
        if save is None:
            return mapping
        field = _answer(mapping, tell, insist, save)
        if field is None:
            return mapping
        now = mapping.columns.get(field, ())
        what = tr("Which column is the {name}?", name=field)
        columns = _column(sheet, field, range(len(sheet.headers)), what, tell, insist, now)
        choices = _chosen(sheet, choices, field, columns)


def _answer(
    mapping: Mapping,
    tell: Callable[[list[str]], None],
    ask: Callable[[str], str],
    save: Callable[[Mapping], str],
) -> str | None:
    """Return the field to be changed, None when all is as it should be."""
    while True:
        said = ask(
            tr("Right? [Y]es, [s]ave it for next time, or a field to change, as phone:")
        ).lower()
        if said in ("", *tr("y yes").split()):
            return None
        if said in tr("s save").split():
            tell(wrap(tr("saved in {path}", path=save(mapping)), COLUMNS, "  "))
            return None
        fields = [name for name in FIELDS if name == said] or [
            name for name in FIELDS if name.startswith(said.replace(" ", "_"))
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
    question = tr("Its number (several: 2 3), 0 for none:")
    if now is not None:
        question = tr("Its number (several: 2 3), 0 for none, Enter to leave it as it is:")
    while True:
        said = ask(question)
        if not said:
            if now is not None:
                return now
            continue
        if said == "0":
            return ()
        if not _NUMBERS.fullmatch(said):
            try:
                return [column_of(sheet.headers, field, said)]
            except UsageError:
                tell(["  " + tr("there is no column «{header}»", header=cut(said, 40))])
            continue
        numbers = [int(number) - 1 for number in re.findall(r"\d+", said)]
        if numbers and all(0 <= number < len(sheet.headers) for number in numbers):
            return list(dict.fromkeys(numbers))
        last = len(sheet.headers)
        tell(["  " + tr("the columns have the numbers 1 to {last}", last=last)])


def _column_lines(
    sheet: Sheet, field: str, columns: Iterable[int], now: Sequence[int]
) -> list[str]:
    """Return a line for each column that holds anything, with how well it fits and two values."""
    shown = [column for column in columns if sheet.headers[column] or samples(sheet, [column])]
    names = min(max((width(sheet.headers[column]) for column in shown), default=0), _WIDEST)
    return [
        cut(
            f"  {'←' if column in now else ' '}{column + 1:>3}  "
            f"{pad(sheet.headers[column] or tr('(no header)'), names)}  "
            f"{percent(fit(sheet, field, [column]))}  {_values(sheet, column)}".rstrip(),
            COLUMNS,
        )
        for column in shown
    ]


def _values(sheet: Sheet, column: int) -> str:
    if is_secret(sheet.headers[column]):
        return tr("(secret, not shown)")
    return " · ".join(cut(text, 24) for text in samples(sheet, [column])) or tr("(empty)")


def _chosen(
    sheet: Sheet, choices: MappingChoices, field: str, columns: Sequence[int]
) -> MappingChoices:
    others = [pair for pair in choices.given if pair[0] != field]
    said = [(field, address(sheet.headers, column)) for column in columns] or [(field, "")]
    return replace(choices, given=(*others, *said))
