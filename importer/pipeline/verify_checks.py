"""Sheet, results, journal and Clopos → where they differ, in words.

Shares no code with what wrote the results: a bug can't hide on both sides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.i18n import tr, trn
from importer.records import UNIQUE_FIELDS, Status
from importer.store.records import State
from importer.text import digits_of, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from importer.clopos import Existing
    from importer.records import Customer, Outcome, Sheet
    from importer.store.records import Entry

_NATIONAL = 9  # digits of a phone number without country code and zero
_THERE = frozenset({Status.CREATED, Status.EXISTS})
_OF_A_RUN = frozenset(Status) - {Status.READY}
_OPEN = frozenset({Status.PENDING, Status.FAILED, Status.REJECTED, Status.CONFLICT})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `row` is None when it concerns no row of the sheet."""

    row: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Line:
    """Columns of a results file about a row. Empty text for nothing."""

    status: str
    clopos_id: str
    field: str
    existing_id: str
    duplicate_of: str
    cells: tuple[str, ...]  # the sheet's own

    @property
    def existed(self) -> bool:
        """Return whether the results say that the row was at Clopos already."""
        return self.status == Status.EXISTS


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

    `own` are the positions of the columns that results have; `offline` says what the sheet itself
    shows of rows that aren't sent: invalid ones, duplicates and conflicts.
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
            words = (
                _status(line, offline.get(row)),
                _repeats(row, line, lines, offline),
                _cells(line, headers, texts),
            )
            yield from (Difference(row, text) for text in words if text)
        else:
            yield Difference(row, tr("is in the sheet and not in the results"))
    ids = Counter(line.clopos_id for line in lines.values() if line.status == Status.CREATED)
    for row, line in lines.items():
        if line.status == Status.CREATED and ids[line.clopos_id] > 1:
            text = tr("is not the only row that claims customer {id}", id=line.clopos_id)
            yield Difference(row, text)


def _status(line: Line, known: Outcome | None) -> str | None:
    """Say what is wrong with a status; `known` is what the sheet itself shows of the row."""
    if line.status not in _OF_A_RUN:
        return tr("«{status}» is not a status of a run", status=line.status)
    invalid = bool(known and known.status is Status.INVALID)
    if invalid and line.status != Status.INVALID:
        return tr(
            "is {known} in the sheet, and {status} in the results",
            known=Status.INVALID,
            status=line.status,
        )
    if line.status == Status.INVALID and not invalid:
        return tr("could be sent, and is {status} in the results", status=line.status)
    if line.existing_id and line.status != Status.CONFLICT:
        return tr("is {status} with the holder «{id}»", status=line.status, id=line.existing_id)
    if (line.status in _THERE) != bool(line.clopos_id):
        return tr("is {status} with the id «{id}»", status=line.status, id=line.clopos_id)
    return None


def _repeats(
    row: int, line: Line, lines: Mapping[int, Line], offline: Mapping[int, Outcome]
) -> str | None:
    """Say what is wrong with a row that repeats another, or doesn't and should.

    What Clopos says of the rows comes first in a run, so another of them may have been kept.
    """

    def first_row(number: int) -> int:
        found = offline.get(number)
        return found.duplicate_of or number if found else number

    repeated = first_row(row)
    if line.status == Status.DUPLICATE:
        of = int(line.duplicate_of) if line.duplicate_of.isdecimal() else row
        same = of != row and first_row(of) == repeated and of in lines
        if same and lines[of].status not in {Status.DUPLICATE, Status.INVALID}:
            return None
        return tr("is duplicate in the results, and of no row that it repeats in the sheet")
    known, first = offline.get(row), lines.get(repeated)
    if known is None or first is None or known.status is not Status.DUPLICATE:
        return None
    # Of rows that were not reached nothing is known.
    wrong = {Status.CREATED: _THERE, Status.PENDING: frozenset(Status) - {Status.PENDING}}
    if line.status in wrong and first.status in wrong[Status(line.status)]:
        return tr(
            "is {known} in the sheet, and {status} in the results",
            known=Status.DUPLICATE,
            status=line.status,
        )
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
    owners = _owners(lines)
    for customer in customers:
        line, entry = lines.get(customer.row), entries.get(customer.cid)
        if line is None or (
            entry and owners.get(entry.clopos_id or "", customer.row) != customer.row
        ):
            continue  # rows of one phone have one cid: it is the other row's
        state = str(entry.state) if entry and entry.state is not State.GONE else "nothing"
        if (
            (line.status == Status.CREATED and state != "created")
            or (line.status == Status.UNKNOWN and state != "sent")
            or (line.status in _OPEN and state not in {"nothing", "existed"})
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
    lines: Mapping[int, Line],
    customers: Iterable[Customer],
    everyone: Mapping[str, Existing],
    decided: Mapping[int, str] | None = None,
) -> Iterator[Difference]:
    """Yield where Clopos has something else; `everyone` is id → customer, as far as was read.

    Of a row with status created every field is compared; of one that existed that it is
    the same customer, for its message says where it differs; of a conflict that the holder has
    what the row wants. `decided` is row → id of the customer that it is by a person's decision.
    """
    decided = decided or {}
    by_cid: dict[str, list[str]] = {}
    for existing in everyone.values():
        if existing.cid:
            by_cid.setdefault(existing.cid, []).append(existing.id)
    owners = _owners(lines)
    for customer in customers:
        line = lines.get(customer.row)
        found = by_cid.get(customer.cid, [])
        mine = [id_ for id_ in found if owners.get(id_, customer.row) == customer.row]
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
            same = decided.get(customer.row) == line.clopos_id
            why = _wrong_customer(line, customer, everyone.get(line.clopos_id), decided=same)
        if why:
            yield Difference(customer.row, why)


def _owners(lines: Mapping[int, Line]) -> dict[str, int]:
    """Return customer id → the row that claims to be that customer."""
    return {line.clopos_id: row for row, line in lines.items() if line.clopos_id}


def _wrong_customer(
    line: Line, customer: Customer, there: Existing | None, *, decided: bool
) -> str | None:
    """Say why a row isn't the customer that its results name."""
    if line.status not in _THERE:
        return None
    if there is None:
        return tr(
            "is {status} as customer {id}, who is not at Clopos",
            status=line.status,
            id=line.clopos_id,
        )
    if line.status == Status.EXISTS:
        if decided or _same(customer, there):
            return None
        return tr(
            "is {status} as customer {id}, which is another customer",
            status=line.status,
            id=line.clopos_id,
        )
    if fields := _different(customer, there):
        return tr("customer {id} has another {fields}", id=line.clopos_id, fields=", ".join(fields))
    return None


def _no_holder(line: Line, customer: Customer, holder: Existing | None) -> str | None:
    """Say why the customer that the results name isn't in the way of a row."""
    if holder and (line.field in _shared(customer, holder) or line.field not in UNIQUE_FIELDS):
        return None
    return tr(
        "is {status} with customer {id}, who doesn't have its {field}",
        status=line.status,
        id=line.existing_id,
        field=line.field,
    )


def _same(customer: Customer, existing: Existing) -> bool:
    """Return whether this may be the row's customer: two values are the same, or one and the name.

    Independent of the rules of matching on purpose: a bug there isn't repeated here. Of names only
    initials count, for they may be spelt in another script.
    """
    shared = _shared(customer, existing)
    if "cid" in shared or len(shared) > 1:
        return True
    ours, theirs = _initials(customer.name), _initials(existing.name or "")
    if shared:
        return bool(ours & theirs)
    return bool(ours) and bool(theirs) and (ours <= theirs or theirs <= ours)


def _initials(name: str) -> set[str]:
    return {word[0] for word in fold(name).split()}


def _shared(customer: Customer, existing: Existing) -> set[str]:
    """Return the fields of the row that the customer holds, however they are spelt."""
    shared = {"cid"} if customer.cid.lower() == existing.cid else set()
    if customer.code and customer.code.lstrip("0") == (existing.code or "").lstrip("0"):
        shared.add("code")
    if customer.email and customer.email == (existing.email or "").lower():
        shared.add("email")
    digits = digits_of(customer.phone)[-_NATIONAL:]
    if digits and any(phone.endswith(digits) for phone in existing.phones):
        shared.add("phone")
    return shared


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
