"""Sheet, results, journal and Clopos → where they don't agree, in words. Pure.

Shares nothing with what wrote the results: a mistake can't hide on both sides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.i18n import tr, trn
from importer.matching.keys import digits_of
from importer.records import Status
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from importer.clopos import Existing
    from importer.records import Customer, Outcome, Sheet
    from importer.store.sqlite_journal import Entry

_THERE = frozenset({Status.CREATED, Status.EXISTS})
_OF_A_RUN = frozenset(Status) - {Status.READY}
_OPEN = frozenset({Status.PENDING, Status.FAILED, Status.REJECTED, Status.CONFLICT})


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that doesn't agree; `row` is None when it is about no row of the sheet."""

    row: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Line:
    """What a results file says of a row. Empty text for nothing."""

    status: str
    clopos_id: str
    field: str
    existing_id: str
    duplicate_of: str
    cells: tuple[str, ...]  # the sheet's own


def lines_of(columns: Sequence[Sequence[str]]) -> tuple[dict[int, Line], list[Difference]]:
    """Return row → line of a results file's columns, and what isn't a line of its own."""
    lines: dict[int, Line] = {}
    differences = []
    for number, status, clopos_id, field, existing_id, of, _, *cells in zip(*columns, strict=True):
        if not (number.isascii() and number.isdecimal()):
            differences.append(
                Difference(None, tr("a line of the results has no row: «{text}»", text=number))
            )
        elif int(number) in lines:
            differences.append(Difference(int(number), tr("is in the results twice")))
        else:
            lines[int(number)] = Line(status, clopos_id, field, existing_id, of, tuple(cells))
    return lines, differences


def with_sheet(
    lines: Mapping[int, Line],
    sheet: Sheet,
    own: Sequence[int],
    offline: Mapping[int, Outcome],
) -> Iterator[Difference]:
    """Yield where the results don't account for the sheet, row by row.

    `own` are the positions of the columns that results have; `offline` says of every row that
    isn't to be sent why not.
    """
    rows = sheet.table.index.tolist()
    for row in sorted(lines.keys() - set(rows)):
        yield Difference(row, tr("is in the results and not in the sheet"))
    cells = zip(*(sheet.table[position].tolist() for position in own), strict=True)
    headers = [
        sheet.headers[position] or tr("column {number}", number=position + 1) for position in own
    ]
    for row, texts in zip(rows, cells, strict=True):
        if line := lines.get(row):
            words = (_status(line, offline.get(row)), _cells(line, headers, texts))
            yield from (Difference(row, text) for text in words if text)
        else:
            yield Difference(row, tr("is in the sheet and not in the results"))
    ids = Counter(line.clopos_id for line in lines.values() if line.status == Status.CREATED)
    for row, line in lines.items():
        if line.status == Status.CREATED and ids[line.clopos_id] > 1:
            text = tr("is not the only row said to be customer {id}", id=line.clopos_id)
            yield Difference(row, text)


def _status(line: Line, known: Outcome | None) -> str | None:
    """Say what is wrong with a status; `known` is why the row isn't to be sent, None: it is."""
    if line.status not in _OF_A_RUN:
        return tr("«{status}» is no status of a run", status=line.status)
    meant = known and (known.status, str(known.duplicate_of or ""), known.field or "")
    if known and meant != (line.status, line.duplicate_of, line.field):
        return tr(
            "is {known} in the sheet, and {status} in the results",
            known=known.status,
            status=line.status,
        )
    if not known and line.status in {Status.INVALID, Status.DUPLICATE}:
        return tr("could be sent, and is {status} in the results", status=line.status)
    if line.existing_id and line.status != Status.CONFLICT:
        return tr("is {status} with the holder «{id}»", status=line.status, id=line.existing_id)
    if (line.status in _THERE) != bool(line.clopos_id):
        return tr("is {status} with the id «{id}»", status=line.status, id=line.clopos_id)
    return None


def _cells(line: Line, headers: Sequence[str], texts: Sequence[str]) -> str | None:
    """Say which of the sheet's own cells the results have otherwise."""
    if len(line.cells) != len(texts):
        return trn(
            "has {n} cell in the results, not {wanted}",
            "has {n} cells in the results, not {wanted}",
            len(line.cells),
            wanted=len(texts),
        )
    changed = [
        header
        for header, text, there in zip(headers, texts, line.cells, strict=True)
        # An apostrophe keeps a spreadsheet from running a text.
        if there not in {text, f"'{text}"}
    ]
    return tr("the sheet has another {columns}", columns=", ".join(changed)) if changed else None


def with_journal(
    lines: Mapping[int, Line], customers: Iterable[Customer], entries: Mapping[str, Entry]
) -> Iterator[Difference]:
    """Yield where the results say something else than the journal; `entries` is by cid."""
    for customer in customers:
        line, entry = lines.get(customer.row), entries.get(customer.cid)
        if line is None:
            continue
        state = entry.state if entry else "nothing"
        if (
            (line.status == Status.CREATED and state != "created")
            or (line.status == Status.UNKNOWN and state != "sent")
            or (line.status in _OPEN and state != "nothing")
        ):
            what = tr(
                "is {status}, and the journal has {state} of it", status=line.status, state=state
            )
            yield Difference(customer.row, what)
        elif entry and line.status in _THERE and entry.clopos_id not in {None, line.clopos_id}:
            what = tr(
                "is customer {id}, and {other} in the journal",
                id=line.clopos_id,
                other=entry.clopos_id,
            )
            yield Difference(customer.row, what)


def with_clopos(
    lines: Mapping[int, Line], customers: Iterable[Customer], everyone: Mapping[str, Existing]
) -> Iterator[Difference]:
    """Yield where Clopos has something else; `everyone` is id → customer, as far as was read.

    Of a row that is said to be created every field is compared; of one that existed that it is
    the same customer, for its message says where it differs; of a conflict that the holder has
    what the row wants.
    """
    by_cid: dict[str, list[str]] = {}
    for existing in everyone.values():
        if existing.cid:
            by_cid.setdefault(existing.cid, []).append(existing.id)
    for customer in customers:
        line, mine = lines.get(customer.row), by_cid.get(customer.cid, [])
        if line is None:
            continue
        if len(mine) > 1:
            what = tr("is at Clopos more than once: {ids}", ids=", ".join(mine))
            yield Difference(customer.row, what)
        if line.status in _OPEN and mine:
            what = tr("is {status}, and at Clopos as customer {id}", status=line.status, id=mine[0])
            yield Difference(customer.row, what)
        if line.existing_id:
            why = _no_holder(line, customer, everyone.get(line.existing_id))
        else:
            why = _nobody(line, customer, everyone.get(line.clopos_id))
        if why:
            yield Difference(customer.row, why)


def _nobody(line: Line, customer: Customer, there: Existing | None) -> str | None:
    """Say why the customer that a row is said to be isn't."""
    if line.status not in _THERE:
        return None
    if there is None:
        return tr(
            "is {status} as customer {id}, who is not at Clopos",
            status=line.status,
            id=line.clopos_id,
        )
    if line.status == Status.EXISTS:
        if _same(customer, there):
            return None
        return tr(
            "is {status} as customer {id}, who is somebody else",
            status=line.status,
            id=line.clopos_id,
        )
    if fields := _different(customer, there):
        return tr("customer {id} has another {fields}", id=line.clopos_id, fields=", ".join(fields))
    return None


def _no_holder(line: Line, customer: Customer, holder: Existing | None) -> str | None:
    """Say why the customer that is said to be in the way of a row isn't."""
    if holder and line.field in _shared(customer, holder):
        return None
    return tr(
        "is {status} with customer {id}, who doesn't have its {field}",
        status=line.status,
        id=line.existing_id,
        field=line.field,
    )


def _same(customer: Customer, existing: Existing) -> bool:
    """Tell whether this is the row's customer: by its cid, or by a unique value and the name."""
    shared = _shared(customer, existing)
    names = {" ".join(fold(name).split()) for name in (customer.name, existing.name or "")}
    return "cid" in shared or (bool(shared) and len(names) == 1)


def _shared(customer: Customer, existing: Existing) -> set[str]:
    """Return the unique fields of the row that the customer holds."""
    shared = {n for n in ("cid", "code") if getattr(customer, n) == getattr(existing, n)}
    if customer.code is None:
        shared.discard("code")
    return shared | ({"phone"} if digits_of(customer.phone) in existing.phones else set())


def _different(customer: Customer, existing: Existing) -> list[str]:
    """Return the fields of the row that the customer doesn't have just so."""
    return [
        name
        for name, value in customer.body().items()
        if (
            digits_of(str(value)) not in existing.phones
            if name == "phone"
            else getattr(existing, name) != value
        )
    ]
