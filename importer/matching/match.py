"""Match the rows of a sheet to customers, in one function (who-is-this-customer §2).

Used alike for what is at Clopos, what the journal created or matched, and the rows among
themselves: without customers it is what `check` can say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.collector import no_collecting
from importer.matching.customers import Index
from importer.matching.evidence import has_code, without_codes
from importer.matching.fast_path import Usual, decide_usual
from importer.matching.judge import Judge
from importer.matching.verdicts import Kind, Matches, MatchOptions, Reason, SheetQuestion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from importer.matching.verdicts import KnownCustomer, Row

_FEW_CODES = 5
_FEW_GONE = 10


def match(
    rows: Sequence[Row],
    customers: Mapping[str, KnownCustomer],
    options: MatchOptions | None = None,
    holders: Mapping[str, Collection[str]] | None = None,
) -> Matches:
    """Decide which customer each row is, or why that is unclear, or that it is new.

    `rows` in the order of the sheet. `customers` are, by id, at least: those found by the
    `lookup_keys` of the rows (under the `index_keys` of all their evidence, `held` included),
    those that rows claim, and those that had a row in the last finished run of this sheet.
    `holders` is key → ids of those that have it, where a store has found that already: first by
    the `first_keys` of every row, then by the `lookup_keys` of those that aren't `as_seen`.

    | rule | evidence | verdict |
    |---|---|---|
    | M1 | claims an id, and another value agrees, or the name and the journal | exists |
    | M1b | claims an id, only the name is alike, nothing differs | maybe |
    | M2 | claims an id, and nothing agrees | the claim is dropped |
    | M3 | same cid, names alike | exists |
    | M4 | same cid made of the code, other name and phone | conflict |
    | M5 | same phone, names alike | exists |
    | M6, M6b | same phone, other name | conflict; M6b create without the phone |
    | M7 | same code and name, or two values | exists |
    | M8 | same code, other name, nothing else | conflict |
    | M9 | phone of one, code of another | the one whose name is alike; else conflict |
    | M10 | same e-mail, names alike | exists |
    | M10b | same e-mail, other name, the holder has no row here | maybe |
    | M11 | name and birthday, nothing else that both have | exists |
    | M11b | name and birthday, another phone | exists if its row left the sheet, else maybe |
    | M12 | a name only | exists by count; a namesake without a row here: maybe; else create |
    | M12b | same name as a customer whose row left the sheet | maybe |
    | M13 | M3, M5, M7, M10 or M12, and birthdays differ | conflict |
    | M14 | nothing | create |
    | M15 | five codes and over 30 % of those known are others' | question `shared_codes` |
    | M16 | same name and phone, two codes, in one sheet | duplicate; from five `two_codes` |
    """
    with no_collecting():
        return judged(rows, Index(customers, holders), options or MatchOptions())


def judged(
    rows: Sequence[Row], index: Index, options: MatchOptions, *, at_once: bool = True
) -> Matches:
    """Match as `match`; without `at_once` every row is judged, with the same result."""
    usual, judge = _judge(rows, index, options, at_once=at_once)
    questions = []
    if "shared_codes" not in options.accepted and (foreign := _with_foreign_code(usual, judge)):
        questions.append(SheetQuestion("shared_codes", foreign))
        rows = [row._replace(evidence=without_codes(row.evidence)) for row in rows]
        usual, judge = _judge(rows, index, options, at_once=at_once)
    if len(judge.two_codes) >= _FEW_CODES and "two_codes" not in options.accepted:
        questions.append(SheetQuestion("two_codes", tuple(judge.two_codes)))
    found = usual.verdicts | judge.verdicts
    verdicts = tuple([found[row.number] for row in rows])
    weighed = (found[row.number] for row in usual.rest)  # no customer of the others is gone
    gone = tuple(v.row for v in weighed if v.anew or v.reason is Reason.GONE)
    if len(gone) > _FEW_GONE:
        looked_for = len(gone) + sum(v.kind is Kind.EXISTS for v in verdicts)
        if len(gone) * 20 > looked_for:
            questions.append(SheetQuestion("gone", gone))
    return Matches(verdicts, tuple(questions), tuple(judge.customers.dropped_claims))


def _judge(
    rows: Sequence[Row], index: Index, options: MatchOptions, *, at_once: bool
) -> tuple[Usual, Judge]:
    usual = decide_usual(rows, index, options) if at_once else Usual({}, {}, list(rows))
    judge = Judge(usual.rest, index, options, usual.existing)
    judge.judge()
    return usual, judge


def _with_foreign_code(usual: Usual, judge: Judge) -> tuple[int, ...]:
    """Return the rows whose code is another customer's, if they are too many for chance (M15)."""
    foreign, known = [], 0
    for number, row in judge.rows.items():
        found = judge.customers.candidates.get(number)
        if found is None:  # new, or as it was seen: then its code is its own
            known += number in judge.customers.matched and has_code(row.evidence)
            continue
        with_code = [candidate for candidate in found if candidate.fit.code]
        if with_code:
            known += 1
            if not any(candidate.rule for candidate in with_code):
                foreign.append(number)
    if len(foreign) < _FEW_CODES:
        return ()
    known += sum(has_code(row.evidence) for row in usual.existing.values())
    return tuple(foreign) if len(foreign) * 10 > known * 3 else ()
