"""The verdict on each row: *same* before *clash* before *maybe* before create.

Clopos and the journal come first: a row that exists there claims its values, wherever it is in the
sheet. A row that is held back claims nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from importer.matching.clashes import customer_clashes, shared_fields, sheet_clashes, summary
from importer.matching.customers import CustomerMatch, Holder, Matched, decided_customer, differing
from importer.matching.evidence import keys_as_sent, unpack
from importer.matching.fast_path import unseen
from importer.matching.fit import Person, differs, fit, held_before, same
from importer.matching.maybes import MAYBE_RULES, may_have_new_phone, same_birthday
from importer.matching.sheet import SheetPerson, are_apart, best_fitting, joined
from importer.matching.verdicts import (
    MAYBES,
    Answer,
    Kind,
    KnownCustomer,
    MatchOptions,
    Presence,
    Reason,
    Row,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from importer.matching.customers import Candidate, Index
    from importer.matching.evidence import Evidence

_MOST_NAMED = 5  # customers of one name that a verdict names


class Judge:
    """Gives every row its verdict; `verdicts` is row → verdict."""

    def __init__(
        self,
        rows: Sequence[Row],
        index: Index,
        options: MatchOptions,
        with_row: Collection[str] = frozenset(),
    ) -> None:
        """Take the rows to judge; `with_row` are customers whose row was judged before."""
        self.options = options
        self._with_row = with_row
        self.verdicts: dict[int, Verdict] = {}
        self.index = index
        skipped = [row for row in rows if row.decision and row.decision.answer is Answer.SKIP]
        for row in skipped:
            self.verdicts[row.number] = Verdict(row.number, Kind.SKIP, "decided")
        self.rows = {row.number: row for row in rows if row.number not in self.verdicts}
        self.customers = CustomerMatch(tuple(self.rows.values()), index)
        self.two_codes: list[int] = []

    def judge(self) -> None:
        """Give every row its verdict."""
        self.customers.match()
        self._take_decisions()
        self.customers.count_names()
        self.customers.with_new_phone()
        self.taken = self.customers.taken().union(self._with_row)
        self._left = self._left_by_name()
        self.shared = self.customers.shared
        gone = self._gone()
        self._judge_existing()
        rest = [row for row in self.rows.values() if row.number not in self.verdicts]
        keys = {row.number: self.shared.of(row) for row in rest}
        for group in joined(rest, keys):
            if len(group) == 1 and not keys[number := group[0]]:
                # Most rows share no value with another.
                self.verdicts[number] = self._alone(self.rows[number], [], gone.get(number))
                continue
            self._judge_group([self.rows[number] for number in group], gone)

    # --- rows that are a customer

    def _take_decisions(self) -> None:
        for number, row in self.rows.items():
            if id_ := decided_customer(row):
                holder = self._holder(id_)
                if holder.gone and number in self.customers.matched:
                    continue  # it is at Clopos once more
                self.customers.conflicts.pop(number, None)
                self.customers.matched[number] = Matched(holder, "decided", None)

    def _gone(self) -> dict[int, Matched]:
        """Take the rows whose customer is gone from those that exist, and return them."""
        matched = self.customers.matched
        gone = {number: found for number, found in matched.items() if found.holder.gone}
        for number in gone:
            del matched[number]
        return gone

    def _judge_existing(self) -> None:
        people: dict[str, SheetPerson] = {}
        counts = Counter(found.holder.id for found in self.customers.matched.values())
        for number, row in self.rows.items():
            found = self.customers.matched.get(number)
            if found is None:
                continue
            id_ = found.holder.id
            verdict = self.verdicts[number] = self._exists(row, found, found.rule)
            if counts[id_] == 1 and number not in self.shared.rows:
                continue  # the only row of this customer, and of these values
            evidence = unpack(row.evidence)
            person = people.get(id_)
            if person is None:
                person = people[id_] = SheetPerson(number, [evidence], id_)
            else:
                if found.rule != "decided" and (rule := _repeated_by(evidence, person)):
                    self.verdicts[number] = verdict._replace(
                        kind=Kind.DUPLICATE, rule=rule, rows=(person.kept,)
                    )
                    self._note_two_codes(row, evidence, person)
                person.add(evidence)
            self.shared.add(person, self.shared.of(row))

    def _holder(self, id_: str) -> Holder:
        return self.index.get(id_) or Holder(KnownCustomer(id_, presence=Presence.UNSEEN))

    def _exists(self, row: Row, found: Matched, rule: str) -> Verdict:
        holder = found.holder
        candidates = self.customers.candidates.get(row.number, ())
        return Verdict(
            row.number,
            Kind.EXISTS,
            rule,
            customers=(holder.id,),
            differs=differing(row, holder.known),
            remarks=tuple(
                candidate.holder.id
                for candidate in candidates
                if candidate.holder is not holder
                and not candidate.holder.gone
                and (candidate.fit.phone or candidate.fit.code)
            ),
            confirmed=holder.known.presence is Presence.HERE,
        )

    # --- rows that are no customer

    def _judge_group(self, rows: list[Row], gone: dict[int, Matched]) -> None:
        """Judge rows that are one person: they repeat one, stand between several, or are new."""
        evidences = {row.number: unpack(row.evidence) for row in rows}
        people = self.shared.find(
            dict.fromkeys(key for row in rows for key in self.shared.of(row)),
            dict.fromkeys(text for each in evidences.values() for text in each.outlines),
        )
        if len(rows) > 1 and are_apart(evidences.values(), people):
            for row in rows:
                self._judge_group([row], gone)
            return
        fitting = best_fitting(list(evidences.values()), people)
        if len(fitting) == 1:
            for row in rows:
                self._repeat(row, evidences[row.number], fitting[0])
            return
        if fitting:
            kept = tuple(person.kept for person in fitting)
            ids = tuple(person.customer for person in fitting if person.customer)
            for row in rows:
                self.verdicts[row.number] = self._decided(
                    row, self._conflict(row, "M9", "phone", Reason.TWO_CUSTOMERS, ids, kept)
                )
            return
        self._judge_new(rows, people, gone)

    def _judge_new(
        self, rows: list[Row], people: list[SheetPerson], gone: dict[int, Matched]
    ) -> None:
        """Judge rows that are one person and repeat no other: one is sent, or all are held."""
        alone = {row.number: self._alone(row, people, gone.get(row.number)) for row in rows}
        chosen = _chosen(alone)
        if chosen.kind is not Kind.CONFLICT:
            chosen = self._hidden_maybe(rows, alone, people) or chosen
        first = self.rows[chosen.row]
        self.verdicts[chosen.row] = chosen
        sent = chosen.kind in {Kind.CREATE, Kind.SETTLE, Kind.EXISTS}
        customer = chosen.customers[0] if chosen.kind is Kind.EXISTS else None
        look = _without(unpack(first.evidence), chosen.without if sent else ())
        person = SheetPerson(chosen.row, [look], customer)
        for row in rows:
            if row is not first:
                self._repeat(row, unpack(row.evidence), person)
        if sent:
            keys = [key for row in rows for key in self.shared.of(row)]
            self.shared.add(person, keys_as_sent(keys, chosen.without))

    def _hidden_maybe(
        self, rows: list[Row], alone: dict[int, Verdict], people: list[SheetPerson]
    ) -> Verdict | None:
        """Return the maybe of a row that clashes: it holds all rows of the person."""
        for row in rows:
            if alone[row.number].kind is Kind.CONFLICT:
                maybe = self._maybe(row, unpack(row.evidence), people)
                if maybe:
                    return self._decided(row, maybe)
        return None

    def _repeat(self, row: Row, evidence: Evidence, person: SheetPerson) -> None:
        rule = _repeated_by(evidence, person) or "M5"
        self._note_two_codes(row, evidence, person)
        ids = (person.customer,) if person.customer else ()
        self.verdicts[row.number] = Verdict(
            row.number, Kind.DUPLICATE, rule, customers=ids, rows=(person.kept,)
        )
        person.add(evidence)
        self.shared.add(person, self.shared.of(row))

    def _note_two_codes(self, row: Row, evidence: Evidence, person: Person) -> None:
        if differs(evidence.codes, person.codes):
            self.two_codes.append(row.number)

    def _alone(self, row: Row, people: list[SheetPerson], gone: Matched | None) -> Verdict:
        """Return the verdict about a row that repeats no other."""
        evidence = unpack(row.evidence)
        if row.number in self.customers.conflicts:
            reason, ids, rows = self.customers.conflicts[row.number]
            rule = "M9" if reason is Reason.TWO_CUSTOMERS else "one customer"
            field, without = self._shared_with(evidence, ids)
            held = self._conflict(row, rule, field, reason, ids, rows, without)
            return self._decided(row, held, gone)
        candidates = self.customers.candidates.get(row.number, ())
        clashes = [
            *customer_clashes(evidence, candidates, self.taken),
            *sheet_clashes(evidence, people),
        ]
        left_out: tuple[str, ...] = ()
        if self.options.share_phones and any(found.shareable for found in clashes):
            clashes = [found for found in clashes if not found.shareable]
            if not any("phone" in found.without for found in clashes):
                left_out = ("phone",)
        if clashes:
            return self._decided(row, self._conflict(row, *summary(clashes)), gone)
        if gone and not self.options.recreate:
            held = self._conflict(row, "gone", None, Reason.GONE, (gone.holder.id,), ())
            return self._decided(row, held, gone)
        if not gone and (maybe := self._maybe(row, evidence, people)):
            return self._decided(row, maybe)
        return self._create(row, left_out, gone)

    def _create(
        self,
        row: Row,
        without: tuple[str, ...],
        gone: Matched | None = None,
    ) -> Verdict:
        rule = "M6b" if without else "gone" if gone else "M14"
        return Verdict(
            row.number,
            Kind.SETTLE if row.doubtful and not _is_another(row) else Kind.CREATE,
            rule,
            customers=(gone.holder.id,) if gone else (),
            without=without,
            unseen=unseen(row.evidence, self.options.visible),
            anew=gone is not None,
        )

    def _decided(self, row: Row, verdict: Verdict, gone: Matched | None = None) -> Verdict:
        """Return a conflict, or what a person or `--accept` made of it."""
        if _is_another(row):
            return self._create(row, verdict.without, gone)._replace(rule="decided")
        accepted = verdict.reason in MAYBES and verdict.reason in self.options.accepted
        if accepted and len(verdict.customers) == 1 and not verdict.rows:
            holder = self._holder(verdict.customers[0])
            self.taken.add(holder.id)
            return self._exists(row, Matched(holder, verdict.rule, None), verdict.rule)
        return verdict

    # --- clashes

    def _conflict(
        self,
        row: Row,
        rule: str,
        field: str | None,
        reason: Reason,
        ids: Sequence[str],
        rows: Sequence[int],
        without: tuple[str, ...] = (),
    ) -> Verdict:
        return Verdict(
            row.number,
            Kind.CONFLICT,
            rule,
            customers=tuple(ids[:_MOST_NAMED]),
            rows=tuple(rows[:_MOST_NAMED]),
            field=field,
            reason=reason,
            without=without,
        )

    def _shared_with(
        self, evidence: Evidence, ids: Sequence[str]
    ) -> tuple[str | None, tuple[str, ...]]:
        fits = [fit(evidence, self._holder(id_).person) for id_ in ids]
        fields = tuple(
            dict.fromkeys(field for found in fits for field in shared_fields(found, evidence))
        )
        return (fields[0] if fields else "email" if any(f.email for f in fits) else None), fields

    # --- maybes

    def _maybe(self, row: Row, evidence: Evidence, people: list[SheetPerson]) -> Verdict | None:
        """Return the conflict of a row that may be a customer; None if there is no evidence."""
        found = self.customers.candidates.get(row.number, ())
        candidates = [candidate for candidate in found if not candidate.holder.gone]
        for maybe in MAYBE_RULES if candidates else ():
            ids = [
                candidate.holder.id
                for candidate in candidates
                if maybe.test(evidence, candidate, candidate.holder.id in self.taken)
            ]
            if ids:
                return self._conflict(row, maybe.rule, maybe.field, maybe.reason, ids, ())
        rows = [person.kept for person in people if same_birthday(fit(evidence, person))]
        if rows:
            ids = [person.customer for person in people if person.customer and person.kept in rows]
            field = "date_of_birth"
            return self._conflict(row, "M11b", field, Reason.SAME_BIRTHDAY, ids, rows)
        left = [
            holder.id
            for holder in self._left_of(evidence, candidates)
            if may_have_new_phone(evidence, holder)
        ]
        if left:
            return self._conflict(row, "M12b", None, Reason.SAME_NAME, left, ())
        # A conflict holds, also where its evidence wasn't looked at.
        ids = [each.holder.id for each in candidates if _is_held_by(evidence, each.holder)]
        return self._conflict(row, "held", None, Reason.HELD, ids, ()) if ids else None

    def _left_by_name(self) -> dict[str, list[Holder]]:
        """Return the customers whose row left the sheet, by the outlines of their names."""
        left: defaultdict[str, list[Holder]] = defaultdict(list)
        for known in self.index.customers.values():
            if known.had_row and known.id not in self.taken:
                holder = self._holder(known.id)
                looks = [] if holder.gone else holder.person.looks
                for outline in {outline for look in looks for outline in look.outlines}:
                    left[outline].append(holder)
        return left

    def _left_of(self, evidence: Evidence, candidates: Iterable[Candidate]) -> list[Holder]:
        """Return customers without a row of their own that the row may be, with a new phone.

        Those whose row left the sheet, and those that held this row before: a conflict holds.
        """
        found = [holder for outline in evidence.outlines for holder in self._left.get(outline, ())]
        found += [
            candidate.holder
            for candidate in candidates
            if held_before(evidence, candidate.holder.person)
        ]
        return list({h.id: h for h in found if h.id not in self.taken}.values())


def _repeated_by(evidence: Evidence, person: Person) -> str | None:
    return same(evidence, person, fit(evidence, person), in_sheet=True)


def _is_another(row: Row) -> bool:
    """Return whether a person decided that the row is none of these customers."""
    return row.decision is not None and row.decision.answer is Answer.OTHER


def _is_held_by(evidence: Evidence, holder: Holder) -> bool:
    """Return whether nothing is known of a customer but that it held this row back before."""
    return not holder.person.looks and held_before(evidence, holder.person)


def _chosen(alone: dict[int, Verdict]) -> Verdict:
    """Return the verdict that stands for rows that are one person.

    A maybe or a lost customer holds them all; else the first that can be sent is; else the first.
    """
    verdicts = list(alone.values())
    for verdict in verdicts:
        if verdict.reason in MAYBES or verdict.reason is Reason.GONE:
            return verdict
    sent = [verdict for verdict in verdicts if verdict.kind is not Kind.CONFLICT]
    whole = [verdict for verdict in sent if not verdict.without]
    return (whole or sent or verdicts)[0]


def _without(evidence: Evidence, fields: tuple[str, ...]) -> Evidence:
    """Return the evidence of a row as it is sent, without these fields."""
    return evidence._replace(
        phones=() if "phone" in fields else evidence.phones,
        codes=() if "code" in fields else evidence.codes,
        cid="" if fields else evidence.cid,
    )
