"""Forms of the problem pages → acts, held against the sheet as it is now.

A form names a text by its mark, a digest: a browser changes line breaks on the way.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

from importer.arrow import arrow
from importer.errors import UsageError
from importer.fixes.acts import LeaveOut, SetText, TakeBack, TakeIn, standing
from importer.fixes.apply import apply_acts, row_texts
from importer.i18n import number as shown
from importer.i18n import tr
from importer.mapping.choices import address
from importer.pipeline.prepare import with_fixes
from importer.ui.fix_words import quoted
from importer.ui.kinds import bad_values_of, count_texts, find_kind, values_of
from importer.ui.paging import number_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importer.fixes.acts import Act
    from importer.pipeline.prepare import Opened, Prepared
    from importer.records import Sheet
    from importer.ui.kinds import Value

OF_A_KIND = frozenset({"empty-all", "empty-bad", "leave-out-all", "replace-all"})
"""Acts about all that is left of a kind: they are held against the newest judgement."""
_LONGEST = 10_000  # letters that are typed


class OutdatedError(UsageError):
    """Another tab or program was faster; `now` is what the cell holds instead, None: no cell."""

    code = "outdated"

    def __init__(self, what: str, now: str | None = None) -> None:
        super().__init__(what, fix=tr("look at it again, then decide"))
        self.now = now


class Change(NamedTuple):
    """Acts that a form asks for, and how many cells or rows they set.

    `text` is the new one of a cell or of all cells with a text.
    """

    acts: list[Act]
    number: int
    column: int | None = None
    row: int | None = None
    text: str | None = None


def mark(text: str) -> str:
    """Return the digest by which a form names a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def change_of(opened: Opened, prepared: Prepared, form: Mapping[str, str]) -> Change:
    """Return what a form asks for.

    `prepared` is the newest judgement; the fixes beside the sheet are read anew.

    Raises OutdatedError where the page showed something else than there is now, UsageError for a
    form that no page has.
    """
    opened = with_fixes(opened)
    do = form.get("do", "")
    if do in {"leave-out", "take-in"}:
        return _one_row(opened, do, _number(form, "row"), form.get("mark", ""))
    if do in {"set", "empty"}:
        text = "" if do == "empty" else _typed(form, "is")
        if form.get("row"):
            return _one_cell(opened, prepared, form, text)
        return _one_value(opened, prepared, form, text)
    if do == "empty-bad":
        bad, _ = bad_values_of(prepared)
        return _many_values(opened.sheet, [(value, "") for value in bad], form)
    try:
        kind = find_kind(prepared, form.get("kind", ""))
    except KeyError:
        raise _no_form() from None
    if do == "leave-out-all":
        texts = row_texts(_as_read(opened), kind.rows)
        _check_number(form, len(texts))
        return Change([LeaveOut(tuple(texts), tuple(texts.values()))], len(texts))
    values = values_of(prepared, kind)
    if do == "empty-all":
        pairs = [(value, "") for value in values if value.text]
    elif do == "replace-all":
        pairs = replaced(values, _typed(form, "find"), _typed(form, "replace"))
    else:
        raise _no_form()
    return _many_values(opened.sheet, pairs, form)


def replaced(values: Iterable[Value], find: str, text: str) -> list[tuple[Value, str]]:
    """Return the values that hold a text, each with what it becomes."""
    if not find:
        return []
    pairs = [(value, value.text.replace(find, text)) for value in values]
    return [(value, new) for value, new in pairs if new != value.text]


def _one_cell(opened: Opened, prepared: Prepared, form: Mapping[str, str], text: str) -> Change:
    sheet, row, column = opened.sheet, _number(form, "row"), _column(prepared, form)
    if row not in sheet.table.index:
        raise OutdatedError(tr("The list has no row {row} any more", row=row))
    now = str(sheet.table.loc[row, column])
    if mark(now) != form.get("mark", ""):
        raise OutdatedError(
            tr("This cell was changed meanwhile: it holds {text}", text=quoted(now)), now
        )
    if now == text:
        raise _nothing_new(text)
    act = SetText(address(sheet.headers, column), (now,), (text,), row)
    return Change([act], 1, column, row, text)


def _one_value(opened: Opened, prepared: Prepared, form: Mapping[str, str], text: str) -> Change:
    """Return the act that gives all cells with one text another.

    A second thought (`instead`: the act of the first) is about the same cells again. Others that
    had the first text all along stay as they are.
    """
    column = _column(prepared, form)
    first = _first_thought(opened, column, form)
    sheet = _without(opened, first)
    was = _marked(sheet, column, form.get("mark", ""))
    if was is None:
        raise OutdatedError(tr("No cell holds this text any more: it was changed meanwhile"))
    number = count_texts(sheet, column, [was])[was]
    _check_number(form, number)
    if text == (first.texts[0] if first else was):
        raise _nothing_new(text)
    held = sheet.table.index[(sheet.table[column] == was).to_numpy(bool)]
    row = next((row for row in held if row in prepared.sheet.table.index), None)
    acts: list[Act] = [TakeBack(first.n)] if first else []
    if text != was:
        acts.append(SetText(address(sheet.headers, column), (was,), (text,)))
    return Change(acts, number, column, None if row is None else int(row), text)


def _first_thought(opened: Opened, column: int, form: Mapping[str, str]) -> SetText | None:
    """Return the act that a form gives up, None unless it holds and is about the same text."""
    if not form.get("instead") or opened.fixes is None:
        return None
    n, wanted = _number(form, "instead"), form.get("mark", "")
    found = next((act for act in standing(opened.fixes.log.acts) if act.n == n), None)
    if not isinstance(found, SetText) or found.row is not None:
        return None
    if found.column != address(opened.sheet.headers, column):
        return None
    return found if [mark(text) for text in found.was] == [wanted] else None


def _without(opened: Opened, act: SetText | None) -> Sheet:
    """Return the sheet as it would be without an act."""
    if act is None or opened.fixes is None:
        return opened.sheet
    acts = [*opened.fixes.log.acts, TakeBack(act.n, n=opened.fixes.log.acts[-1].n + 1)]
    return apply_acts(opened.fixes.as_read, acts).sheet


def _marked(sheet: Sheet, column: int, wanted: str) -> str | None:
    """Return the text of a column that has a mark, None where no cell holds it."""
    texts: list[str] = pc.unique(arrow(sheet.table[column])).to_pylist()
    return next((text for text in texts if mark(text) == wanted), None)


def _many_values(
    sheet: Sheet, pairs: Sequence[tuple[Value, str]], form: Mapping[str, str]
) -> Change:
    number = sum(value.cells for value, _ in pairs)
    _check_number(form, number)
    acts: list[Act] = []
    for column in sorted({value.column for value, _ in pairs}):
        own = [(value.text, new) for value, new in pairs if value.column == column]
        was, texts = zip(*own, strict=True)
        acts.append(SetText(address(sheet.headers, column), was, texts))
    return Change(acts, number)


def _one_row(opened: Opened, do: str, row: int, wanted: str) -> Change:
    text = row_texts(_as_read(opened), [row]).get(row)
    if text is None or mark(text) != wanted:
        raise OutdatedError(tr("The list has another row {row} now", row=row))
    kind = LeaveOut if do == "leave-out" else TakeIn
    return Change([kind((row,), (text,))], 1)


def _as_read(opened: Opened) -> Sheet:
    return opened.fixes.as_read if opened.fixes else opened.sheet


def _check_number(form: Mapping[str, str], number: int) -> None:
    """Raise OutdatedError where the page showed another number than the act would be about."""
    if not number:
        raise OutdatedError(tr("Nothing of this is left"))
    if _number(form, "number") != number:
        raise OutdatedError(
            tr("The number on the button was right a moment ago; now it is {n}", n=shown(number))
        )


def _column(prepared: Prepared, form: Mapping[str, str]) -> int:
    """Return a column that makes a field. Others, secret ones among them, aren't changed here."""
    column = _number(form, "column")
    if not any(column in columns for columns in prepared.mapping.columns.values()):
        raise OutdatedError(tr("The list has other columns now"))
    return column


def _number(form: Mapping[str, str], name: str) -> int:
    number = number_in(form.get(name, ""))
    if number is None:
        raise _no_form()
    return number


def _typed(form: Mapping[str, str], name: str) -> str:
    text = form.get(name, "")
    if len(text) > _LONGEST:
        raise UsageError(
            tr("This text is too long"),
            why=tr("a cell may have {n} characters", n=shown(_LONGEST)),
            fix=tr("shorten it"),
        )
    return text


def _nothing_new(text: str) -> UsageError:
    return UsageError(
        tr("{text} is what stands there already", text=quoted(text)), fix=tr("type another text")
    )


def _no_form() -> UsageError:
    return UsageError(tr("This is not a form of this page"), fix=tr("load the page again"))
