"""Questions about the worksheets of a workbook that weren't read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.i18n import tr, trn
from importer.questions.question import Question, as_it_is, quotable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.questions.evidence import Evidence


def other_worksheets(seen: Evidence) -> Iterator[Question]:
    """Ask where the workbook has another worksheet that lists customers."""
    others = [other for other in seen.sheet.others if other.lists_customers and other.rows]
    if seen.read.sheet is not None:
        return
    if not others:
        yield from _contacts_elsewhere(seen)
        return
    rows = sum(other.rows for other in others)
    names = tuple(other.name for other in others)
    yield Question(
        code="other_worksheets",
        field="sheet",
        message=trn(
            "«{worksheet}» was read; {names}, with {n} row, lists customers too",
            "«{worksheet}» was read; {names}, with {n} rows, list customers too",
            rows,
            worksheet=seen.sheet.worksheet or "",
            names=", ".join(f"«{name}»" for name in names),
        ),
        columns=names,
        rows=rows,
        assumed=tr("only «{worksheet}» is imported", worksheet=seen.sheet.worksheet or ""),
        answers=(
            *(f'--sheet "{quotable(name)}"' for name in (seen.sheet.worksheet or "", *names)),
            as_it_is("other_worksheets"),
        ),
    )


def _contacts_elsewhere(seen: Evidence) -> Iterator[Question]:
    """Ask where another worksheet has phones, addresses or birthdays, and this one has none."""
    for name in ("phone", "email", "date_of_birth"):
        others = [other for other in seen.sheet.others if name in other.fields]
        if not others or seen.columns(name) or seen.chosen(name):
            continue
        yield Question(
            code="other_worksheets",
            field=name,
            message=tr(
                "«{worksheet}» has no column for {field}, but the worksheet «{name}» has one",
                worksheet=seen.sheet.worksheet or "",
                field=name,
                name=others[0].name,
            ),
            columns=tuple(other.name for other in others),
            rows=others[0].rows,
            assumed=tr("customers are created without {field}", field=name),
            answers=(as_it_is("other_worksheets"),),
        )
        return
