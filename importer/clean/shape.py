"""Changes to values that a person asks for, because nothing can be changed at Clopos later.

A template for the description, texts that stand for others, the case of names, a prefix for codes,
other names for groups. Each change is counted and shown.
"""

from __future__ import annotations

import difflib
import re
import string
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow, cells_of, frame
from importer.clean.code import parse_note
from importer.clean.name_case import title_case
from importer.errors import UsageError
from importer.i18n import number, tr, trn
from importer.mapping.choices import address, listed
from importer.mapping.header_words import key
from importer.records import FIELDS, Cleaned, ColumnMapping
from importer.text import fold, is_nothing, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.clean.groups import Wanted
    from importer.records import Shape, Sheet

_Note = TypeVar("_Note", bound=tuple[Any, ...])  # begins with its number of rows
_ANY = "*"
_NAMED = 10  # replaced texts or groups named in a message
_PARTS = re.compile(r"(?<=;)\s*")


def column_named(sheet: Sheet, header: str, flag: str) -> int:
    """Return the column of a header. Raises UsageError, with the nearest one, if there is none."""
    for place in range(len(sheet.headers)):
        if header == address(sheet.headers, place):
            return place
    wanted = key(header)
    for place, text in enumerate(sheet.headers):
        if header and (text == header or (wanted and key(text) == wanted)):
            return place
    near = difflib.get_close_matches(header, [text for text in sheet.headers if text], n=1)
    raise UsageError(
        tr("{flag}: the sheet has no column «{header}»", flag=flag, header=header),
        why=tr("its columns are {headers}", headers=listed(sheet.headers)),
        fix=tr("did you mean «{near}»?", near=near[0]) if near else tr("take one of these"),
    )


def with_template(mapping: ColumnMapping, sheet: Sheet, shape: Shape) -> ColumnMapping:
    """Return a mapping whose description is made of the columns that the template names.

    Raises UsageError for a template that can't be read, or that names a column of passwords.
    """
    if shape.description is None:
        return mapping
    places = tuple(dict.fromkeys(_columns(shape.description, sheet)))
    if secret := set(places) & set(mapping.secret):
        raise UsageError(
            tr("--description: «{header}» holds secrets", header=sheet.headers[min(secret)]),
            fix=tr("leave it out"),
        )
    columns = {**mapping.columns, "description": places}
    unused = tuple(place for place in mapping.unused if place not in places)
    return replace(mapping, columns=columns, unused=unused)


def with_replaced(sheet: Sheet, shape: Shape) -> tuple[Sheet, frozenset[int], tuple[str, ...]]:
    """Return a sheet with texts replaced, the columns in which some were, and how many of each.

    Raises UsageError for a rule that can't be read.
    """
    if not shape.replace:
        return sheet, frozenset(), ()
    rules: dict[int, dict[str, str]] = {}
    for text in shape.replace:
        column, old, new = _rule(text, sheet)
        rules.setdefault(column, {})[_folded(old)] = new
    columns = {n: arrow(values) for n, values in sheet.table.items()}
    notes: list[tuple[int, int, str, str]] = []  # rows, column, old and new text
    for column, meanings in rules.items():
        cells = columns[column].dictionary_encode()
        counts = Counter(cells_of(sheet.table[column]))
        texts: dict[str, str] = {}
        for text in cells.dictionary.to_pylist():
            folded = _folded(text)
            new = meanings.get(folded, meanings.get(_ANY, text) if folded else text)
            texts[text] = new
            if new != text:
                notes.append((counts[text], column, text, new))
        changed = pa.array([texts[text] for text in cells.dictionary.to_pylist()], pa.string())
        columns[column] = changed.take(cells.indices)
    words = (
        trn(
            "{header}: «{old}» is taken as «{new}» ({n} row)",
            "{header}: «{old}» is taken as «{new}» ({n} rows)",
            rows,
            header=sheet.headers[column],
            old=one_line(old),
            new=new,
        )
        for rows, column, old, new in _most(notes)
    )
    shaped = replace(sheet, table=frame(columns, sheet.table.index))
    return shaped, frozenset(rules), (*words, *_others(notes))


def with_sources(
    cleaned: Cleaned, sheet: Sheet, mapping: ColumnMapping, replaced: frozenset[int]
) -> Cleaned:
    """Return values whose source is what the sheet has, also where texts were replaced."""
    if not replaced:
        return cleaned
    sources = dict(cleaned.sources)
    for name, places in mapping.columns.items():
        if replaced & set(places) and name in sources and len(places) == 1:
            sources[name] = arrow(sheet.table.loc[cleaned.values.index, places[0]])
    return replace(cleaned, sources=sources)


def shape_values(
    cleaned: Cleaned, sheet: Sheet, shape: Shape, language: str | None
) -> tuple[Cleaned, tuple[str, ...]]:
    """Change description, name and code as asked; return also how many of each.

    `sheet` is the one that was cleaned.

    Raises UsageError for a template that can't be read.
    """
    if (shape.description, shape.name_case, shape.code_prefix) == (None, None, None):
        return cleaned, ()
    values = {name: arrow(cleaned.values[name]) for name in FIELDS}
    sources = dict(cleaned.sources)
    notes: list[str] = []
    if shape.description is not None:
        made = _described(shape.description, sheet, cleaned)
        values["description"] = made
        sources.pop("description", None)  # the template says what it is made of
        filled = len(made) - made.null_count
        notes.append(
            trn(
                "description: made by the template {template} ({n} row)",
                "description: made by the template {template} ({n} rows)",
                filled,
                template=shape.description,
            )
        )
    if shape.name_case == "title":
        texts = values["name"].dictionary_encode()
        titled = [title_case(text, language) for text in texts.dictionary.to_pylist()]
        values["name"] = pa.array(titled, pa.string()).take(texts.indices)
        changed = pc.sum(pc.not_equal(values["name"], texts.cast(pa.string()))).as_py() or 0
        notes.append(trn("name: {n} in title case", "name: {n} in title case", changed))
    if shape.code_prefix:
        prefix = pa.scalar(shape.code_prefix, pa.string())
        values["code"] = pc.binary_join_element_wise(prefix, values["code"], "")
        notes.append(
            trn(
                "code: {prefix} put in front ({n} row)",
                "code: {prefix} put in front ({n} rows)",
                len(values["code"]) - values["code"].null_count,
                prefix=shape.code_prefix,
            )
        )
    shaped = replace(cleaned, values=frame(values, cleaned.values.index), sources=sources)
    return shaped, tuple(notes)


def map_groups(wanted: Wanted, shape: Shape) -> tuple[Wanted, tuple[str, ...]]:
    """Return the groups by the names that they have at Clopos, and remarks about it.

    Raises UsageError for a rule that can't be read.
    """
    if not shape.group_map:
        return wanted, ()
    names: dict[str, str] = {}
    for text in shape.group_map:
        old, equals, new = text.partition("=")
        if not equals or not old.strip() or not new.strip():
            raise UsageError(
                tr("--group-map {text} is not a rule", text=text),
                fix=tr(
                    "write it like {example}", example='--group-map "VIP=Gold", --group-map "*=All"'
                ),
            )
        names[_folded(old)] = new.strip()
    rows: dict[str, list[int]] = {}
    notes: Counter[tuple[str, str]] = Counter()
    for name, of in wanted.rows.items():
        new = names.get(_folded(name), names.get(_ANY, name))
        rows.setdefault(new, []).extend(of)
        if new != name:
            notes[name, new] += len(of)
    groups = [(n, old, new) for (old, new), n in notes.items()]
    words = (
        trn(
            "group «{old}» is «{new}» ({n} row)",
            "group «{old}» is «{new}» ({n} rows)",
            n,
            old=old,
            new=new,
        )
        for n, old, new in _most(groups)
    )
    mapped = replace(wanted, rows={name: tuple(sorted(of)) for name, of in rows.items()})
    return mapped, (*words, *_others(groups))


def _most(notes: list[_Note]) -> list[_Note]:
    """Return the notes to show: all, or of many those about the most rows."""
    if len(notes) <= _NAMED:
        return notes
    return sorted(notes, key=lambda note: note[0], reverse=True)[:_NAMED]


def _others(notes: Sequence[object]) -> tuple[str, ...]:
    """Return how many notes `_most` leaves out, in words, if any."""
    more = len(notes) - _NAMED
    return (tr("and {n} more", n=number(more)),) if more > 0 else ()


def _described(template: str, sheet: Sheet, cleaned: Cleaned) -> pa.Array:
    """Return the description of each row: parts between semicolons whose columns hold something."""
    table = sheet.table.loc[cleaned.values.index]
    cells = {
        place: [parse_note(text).value or "" for text in arrow(table[place]).to_pylist()]
        for place in set(_columns(template, sheet))
    }
    parts = [
        [
            (text, None if header is None else column_named(sheet, header, "--description"))
            for text, header, _, _ in string.Formatter().parse(part)
        ]
        for part in _PARTS.split(template)
    ]
    texts: list[str | None] = []
    for row in range(len(table)):
        shown = []
        for part in parts:
            values = [cells[place][row] for _, place in part if place is not None]
            if values and not any(values):
                continue
            shown.append("".join(t + ("" if p is None else cells[p][row]) for t, p in part))
        text = " ".join(each.strip() for each in shown).strip().rstrip(";").strip()
        texts.append(text or None)
    return pa.array(texts, pa.string())


def _columns(template: str, sheet: Sheet) -> list[int]:
    """Return the columns of a template, in its order. Raises UsageError where it can't be read."""
    try:
        named = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError:
        named = []
    if not named or any(spec or conversion or not header for _, header, spec, conversion in named):
        raise UsageError(
            tr("--description {template} is not a template", template=template),
            why=tr("it names columns in braces; a brace itself is written twice"),
            fix=tr('write it like --description "{example}"', example="{Qeyd}; bonus {Bonus}"),
        )
    return [column_named(sheet, header or "", "--description") for _, header, _, _ in named]


def _rule(text: str, sheet: Sheet) -> tuple[int, str, str]:
    """Return column, old and new text of a rule "HEADER: FROM=TO"."""
    error = None
    for found in re.finditer(":", text):  # a header may hold a colon, too
        old, equals, new = text[found.end() :].partition("=")
        if not equals:
            continue
        try:
            column = column_named(sheet, text[: found.start()].strip(), "--replace")
        except UsageError as unknown:
            error = error or unknown
        else:
            return column, old.strip(), new.strip()
    raise error or UsageError(
        tr("--replace {text} is not a rule", text=text),
        fix=tr("write it like {example}", example='--replace "Cins: Q=female"'),
    )


def _folded(text: str) -> str:
    plain = one_line(text)
    return "" if is_nothing(plain) else fold(plain)
