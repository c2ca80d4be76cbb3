"""Questions about the alignment of columns: one that slipped by a row, a list beside another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from importer.i18n import tr, trn
from importer.mapping.content import Content, content
from importer.questions.question import Question, as_it_is, take
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.questions.evidence import Evidence

SLIPPED = 0.8
"""Share of the rows between the first and the last that have a value of a column that slipped."""
FEWEST_NAMES = 3
"""Names that make a list."""
MOVED = 2
"""Rows whose phone, or address, stands in the column beside."""
NAMED = 0.5
"""Share of the e-mail addresses that have a name of the row above, or below, in them."""
_LOOKED_AT, _SHORT = 400, 3  # rows, letters of a word that many addresses have
_EXAMPLES = 3
_FEWEST = 4  # rows
_NUMBER = re.compile(r"[+(]?\d[\d ()./-]{5,24}")


def shifted_column(seen: Evidence) -> Iterator[Question]:
    """Ask where a column seems to stand a row too low: each value is the next person's then.

    The first row has none, and the last row has nothing else.
    """
    table, names = seen.sheet.table, seen.columns("name")
    if len(table) < _FEWEST or not names:
        return
    mapped = [column for columns in seen.mapping.columns.values() for column in columns]
    last = [column for column in dict.fromkeys(mapped) if table[column].iloc[-1] != ""]
    if len(last) != 1 or last[0] in names:
        return
    [column] = last
    cells = table[column]
    people = (table[names[0]] != "").iloc[:-1]
    if cells.iloc[0] != "" or not people.all() or (cells.iloc[1:] != "").mean() < SLIPPED:
        return
    header = seen.named(column)
    field = next(name for name, columns in seen.mapping.columns.items() if column in columns)
    yield Question(
        code="shifted_column",
        field=field,
        message=tr(
            "«{header}» seems to stand a row too low: the first row has none, and the last row "
            "has nothing else",
            header=header,
        ),
        columns=(header,),
        rows=seen.filled(column),
        examples=tuple(cells.iloc[[-1]]),
        assumed=tr("each value belongs to the row that it stands in"),
        answers=(take(field, ""), as_it_is("shifted_column")),
    )


def moved_cells(seen: Evidence) -> Iterator[Question]:
    """Ask where phones, or addresses, of some rows stand in the column beside that of the field.

    The field is empty in these rows, and the column, which isn't used or is one of notes, holds
    something else in the others: a cell was left out, or put in, and those behind it have moved.
    """
    for name, wanted in (("phone", Content.PHONES), ("email", Content.EMAILS)):
        columns = seen.columns(name)
        if len(columns) != 1 or seen.chosen(name, "moved_cells"):
            continue
        cells = seen.sheet.table[columns[0]]
        gaps = cells.index[cells == ""].difference(list(seen.sheet.malformed))[:_LOOKED_AT]
        others_beside = (*seen.mapping.unused, *seen.columns("description"))
        for column in {columns[0] - 1, columns[0] + 1}.intersection(others_beside):
            if seen.content(column) is wanted:
                continue  # other phones: of the home, of a spouse
            texts = seen.sheet.table[column].loc[gaps]
            moved = [text for text in texts if _holds(text, wanted, seen)]
            others = [text for text in seen.sample(column) if not _holds(text, wanted, seen)]
            if len(moved) < MOVED or len(others) <= len(moved):
                continue
            header, field = seen.named(column), seen.named(columns[0])
            yield Question(
                code="moved_cells",
                field=name,
                message=trn(
                    "in {n} row «{header}» holds what belongs into «{field}» beside it, which is "
                    "empty: the cells may have moved",
                    "in {n} rows «{header}» holds what belongs into «{field}» beside it, which is "
                    "empty: the cells may have moved",
                    len(moved),
                    header=header,
                    field=field,
                ),
                columns=(header, field),
                rows=len(moved),
                examples=tuple(moved[:_EXAMPLES]),
                assumed=tr("each cell is in its own column"),
                answers=(as_it_is("moved_cells"),),
            )
            return


def _holds(text: str, wanted: Content, seen: Evidence) -> bool:
    """Return whether a whole cell is a phone of the region, or an e-mail address."""
    if wanted is Content.EMAILS:
        return "@" in text and content([text]) is wanted
    return _NUMBER.fullmatch(text) is not None and content([text], seen.reading.region) is wanted


def emails_of_others(seen: Evidence) -> Iterator[Question]:
    """Ask where the e-mail addresses have the names of the rows above or below, not their own."""
    values = seen.cleaned.values[["name", "email"]].head(_LOOKED_AT)
    names = [_long_words(name) for name in values["name"].fillna("")]
    addresses = [fold(str(email).partition("@")[0]) for email in values["email"].fillna("")]
    own = _named(names, addresses)
    others = max(_named(names, addresses[1:]), _named(names[1:], addresses))
    if seen.chosen("email", "emails_of_others") or others < _FEWEST or own * 4 > others:
        return
    if others < NAMED * sum(map(bool, addresses)):
        return
    header = " + ".join(seen.headers("email"))
    yield Question(
        code="emails_of_others",
        field="email",
        message=tr(
            "the addresses in «{header}» have the names of the rows above or below: the column "
            "slipped by a row",
            header=header,
        ),
        columns=seen.headers("email"),
        rows=len(seen.values("email")),
        examples=tuple(seen.values("email").head(_EXAMPLES)),
        assumed=tr("each value belongs to the row that it stands in"),
        answers=(take("email", ""), as_it_is("emails_of_others")),
    )


def _named(names: list[list[str]], addresses: list[str]) -> int:
    """Return how many addresses have a word of the name in the same place; ends may differ."""
    pairs = zip(names, addresses, strict=False)
    return sum(any(word in address for word in name) for name, address in pairs)


def _long_words(name: str) -> list[str]:
    return [word for word in fold(name).split() if len(word) > _SHORT]


def list_beside(seen: Evidence) -> Iterator[Question]:
    """Ask where another list of customers stands right of an empty column without a header."""
    headers, names = seen.sheet.headers, seen.columns("name")
    gaps = [n for n, header in enumerate(headers) if not header and not seen.filled(n)]
    gap = next((n for n in gaps if n > max(names, default=n)), None)
    if gap is None:
        return
    beside = [column for column in seen.mapping.unused if column > gap]
    others = [column for column in beside if seen.content(column) is Content.NAMES]
    reached = any(
        seen.content(column) in {Content.PHONES, Content.EMAILS}
        for column in range(gap + 1, len(headers))
    )
    if not reached or not others or seen.filled(others[0]) < FEWEST_NAMES:
        return
    header = seen.named(others[0])
    yield Question(
        code="list_beside",
        field="sheet",
        message=tr(
            "right of an empty column «{header}» and its neighbours seem to be another list of "
            "customers",
            header=header,
        ),
        columns=(header,),
        rows=seen.filled(others[0]),
        examples=tuple(seen.sample(others[0])[:_EXAMPLES]),
        assumed=tr("only the list on the left is imported"),
        answers=(as_it_is("list_beside"),),
    )
