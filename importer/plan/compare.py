"""Compare the rows of a sheet with journal and Clopos, and decide what is to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.matching.evidence import cid_key, customer_evidence
from importer.matching.match import match
from importer.matching.verdicts import (
    EVIDENCE,
    Answer,
    Kind,
    MatchOptions,
    Reason,
    SheetQuestion,
)
from importer.plan.cost import price_of
from importer.plan.decide import Approach, Compared, Plan, decide
from importer.plan.earlier import keeps_cids, settle_earlier, until_landed
from importer.plan.gather import Statements, as_seen, find_others, gather, variants_of
from importer.plan.presence import MOST_NAMED, find_gone, see_holders, wrong_decisions
from importer.plan.questions import as_question
from importer.plan.read_back import cid_not_kept
from importer.plan.sync import Synced, sync
from importer.records import Status
from importer.store.records import Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from importer.clopos import Clopos, Existing, RateLimiter
    from importer.matching.verdicts import Matches
    from importer.plan.gather import Gathered
    from importer.plan.rows import Rows
    from importer.progress import ProgressReporter
    from importer.questions.question import Question
    from importer.records import Outcome
    from importer.store.base import Store
    from importer.store.records import Seen

MOST_MINUTES = 10.0  # of quota for reading all customers; beyond it each row is looked up
_EVIDENCE_VERSION = 2  # of matching: a snapshot with other evidence is read anew
_LOOKED_UP = frozenset({"phone", "name"})  # what the filters of the API see (API facts §5.1)


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """Options of a comparison.

    `match` is auto, always or never; `limit` how many rows may be sent (None: all); `accepted`
    are codes of questions; `recreate` creates deleted customers anew (a number: exactly
    so many); `settle` is in seconds.
    """

    match: str = "auto"
    limit: int | None = None
    share_phones: bool = False
    accepted: frozenset[str] = frozenset()
    recreate: int | None = None  # 0: as many as are no question; None: none
    settle: float = 10.0


@dataclass(slots=True)
class Comparison:
    """Result of a comparison; kept while rows are sent, for customers that appear meanwhile.

    `doubts` is digest of a cid that is in doubt → the highest id known before it was sent.
    """

    plan: Plan
    gathered: Gathered
    matches: Matches
    options: MatchOptions
    statements: Statements
    newest_id: int | None = None
    doubts: Mapping[str, int] = field(default_factory=dict)
    to_name: tuple[str, ...] = ()  # customers that are asked for by id to name them


async def compare(
    rows: Rows,
    store: Store,
    api: Clopos,
    limiter: RateLimiter,
    options: CompareOptions,
    *,
    statements: Statements,
    run: int,
    sheet: str,
    region: str,
    venue: str,
    reporter: ProgressReporter,
    now: Callable[[], float],
) -> Comparison:
    """Decide about every row, with what is known and what is worth reading.

    `run` is the number of this run (0: a dry run), `sheet` the name earlier runs know it by,
    `region` that of national phone numbers at Clopos, `now` the wall clock (epoch seconds).

    Raises ServiceError when Clopos can't be reached.
    """
    doubts = await store.journal.in_doubt()
    await until_landed(doubts, options.settle, now)
    listed = dict.fromkeys((entry.digest for entry in doubts), "")
    synced, minutes = await _read(store, api, limiter, options, region, venue, listed, reporter)
    complete = synced is not None and synced.complete
    newest = await store.snapshot.newest_id()
    if newest is None and complete and synced and synced.total == 0:
        newest = 0  # no customer is there: all that appear are new
    without_cids = "cid_not_kept" in options.accepted
    if doubts and not without_cids:
        without_cids = not await keeps_cids(api, store)
        if without_cids and not complete:
            raise cid_not_kept()
    found = listed if complete else None
    waiting = await settle_earlier(
        api, store, doubts, found, newest, region, now(), without_cids=without_cids
    )
    with reporter.step(tr("planning")):
        gathered = await gather(rows, store, run, sheet, statements, waiting)
        wrong = await wrong_decisions(gathered, statements, api)
        if wrong:
            decisions = {
                row: each for row, each in statements.decisions.items() if row not in wrong
            }
            statements = replace(statements, decisions=decisions)
            gathered = await gather(rows, store, run, sheet, statements, waiting)
        if store.must_rebuild and complete:
            await store.journal.rebuild(_ours(rows, gathered))
        if complete and await _same_venue(store, venue):
            every = options.recreate is not None
            complete = await find_gone(gathered, api, every=every)
            if complete and await find_others(gathered, store):
                complete = await find_gone(gathered, api, every=every)
        approach = _approach(options.match, complete=complete)
        if approach is not Approach.BLIND:
            await see_holders(gathered, api, region, store.key)
        match_options = MatchOptions(
            share_phones=options.share_phones,
            accepted=options.accepted,
            visible={
                Approach.LIST: EVIDENCE,
                Approach.LOOK_UP: _LOOKED_UP,
                Approach.BLIND: frozenset[str](),
            }[approach],
            recreate=options.recreate is not None,
        )
        matches = match(gathered.rows, gathered.customers, match_options, gathered.holders)
        decided = decide(matches, gathered.generations, gathered.created, options.limit)
    reads = 0
    if approach is Approach.LOOK_UP:
        reads = 2 * len(decided.to_send)
    to_name = _holders_to_name(decided.outcomes, gathered)
    reads += len(to_name)
    plan = Plan(
        decided,
        price_of(
            len(decided.to_send),
            reads,
            limiter.seconds_of,
            signed_in=api.requests.auths > 0,
            reserve=limiter.reserve if limiter.windows else None,
        ),
        Compared(approach, synced.total if synced else None, minutes),
        _open_questions(matches, options),
        (*matches.dropped_claims, *sorted(wrong)),
    )
    open_ = await store.journal.in_doubt() if doubts else ()
    after = {entry.digest: entry.after_id or 0 for entry in open_}
    return Comparison(plan, gathered, matches, match_options, statements, newest, after, to_name)


def _holders_to_name(outcomes: Iterable[Outcome], gathered: Gathered) -> tuple[str, ...]:
    """Return the ids of customers that new conflicts name: asked for, so that people see who.

    A conflict that was reported before isn't paid for every night.
    """
    evidence = {row.number: row.evidence for row in gathered.rows}
    ids: dict[str, None] = {}
    for outcome in outcomes:
        id_ = outcome.existing_id
        if outcome.status is Status.CONFLICT and not outcome.decided and id_:
            known = gathered.customers.get(id_)
            if known is None or evidence[outcome.row] not in known.held:
                ids[id_] = None
    return tuple(ids)[:MOST_NAMED]


async def remember(comparison: Comparison, store: Store, run: int) -> None:
    """Keep what was decided now: rows that exist, decisions, names held against customers."""
    gathered = comparison.gathered
    evidence = {row.number: row.evidence for row in gathered.rows}
    looks = []
    for verdict in comparison.matches.verdicts:
        if verdict.kind is Kind.EXISTS and verdict.customers:
            known = gathered.customers.get(verdict.customers[0])
            if known is None or evidence[verdict.row] not in known.seen:
                looks.append(as_seen(verdict.customers[0], evidence[verdict.row]))
        if verdict.rule == "decided" and (entry := gathered.doubts.get(verdict.row)):
            store.journal.settled(entry, next(iter(verdict.customers), None))
    await store.people.remember(looks, run)
    followed = {row.number: row.decision for row in gathered.rows if row.decision}
    await store.people.decide(
        Decision(gathered.digests[row], Answer(answer), id_, evidence[row])
        for row, (answer, id_) in comparison.statements.decisions.items()
        if row in followed and followed[row].answer == answer and not followed[row].became
    )


async def remember_sent(
    comparison: Comparison, outcomes: Mapping[int, Outcome], store: Store, run: int
) -> None:
    """Keep what is certain once rows were sent: repeats and shared values of who was created.

    A row that was sent without a value looks as the sheet has it all the same, and one that
    repeats another is the same customer; names are held against the customers they clash with. A
    row that was decided about and created is the customer it became.
    """
    evidence = {row.number: row.evidence for row in comparison.gathered.rows}
    ids = {row: outcome.clopos_id for row, outcome in outcomes.items() if outcome.clopos_id}
    without = comparison.plan.decided.variants
    decided = {row.number for row in comparison.gathered.rows if row.decision}
    digests = comparison.gathered.digests
    looks, marks, followed = [], [], []
    for verdict in comparison.matches.verdicts:
        packed, others = evidence[verdict.row], [ids[row] for row in verdict.rows if row in ids]
        if verdict.kind is Kind.DUPLICATE:
            looks += [as_seen(id_, packed) for id_ in others[:1]]
        elif verdict.kind is Kind.CONFLICT:
            if verdict.reason is not Reason.GONE:  # the row is that customer's own
                marks += [(id_, packed) for id_ in (*verdict.customers, *others)]
        elif verdict.row in ids:
            if verdict.kind is Kind.CREATE and verdict.row in without:
                looks.append(as_seen(ids[verdict.row], packed))
            if verdict.kind is Kind.CREATE and verdict.row in decided:
                followed.append(
                    Decision(digests[verdict.row], Answer.SAME, ids[verdict.row], packed)
                )
            if before := comparison.gathered.before_fixes.get(verdict.row):
                looks.append(as_seen(ids[verdict.row], before))  # it may be fixed once more
        elif (outcome := outcomes.get(verdict.row)) and outcome.existing_id:
            marks.append((outcome.existing_id, packed))  # found out while rows were sent
    await store.people.remember(looks, run)
    await store.people.mark(marks)
    await store.people.decide(followed)


def seen_at_clopos(existing: Existing, region: str, key: bytes) -> Seen:
    """Return a customer at Clopos as evidence; national phones belong to `region`."""
    return as_seen(existing.id, customer_evidence(existing.fields(), region, key))


async def _read(
    store: Store,
    api: Clopos,
    limiter: RateLimiter,
    options: CompareOptions,
    region: str,
    venue: str,
    listed: dict[str, str],
    reporter: ProgressReporter,
) -> tuple[Synced | None, float | None]:
    """Read what is at Clopos, if that is wanted and pays; else tell the minutes it would take.

    `listed` is digest of a cid → "", which becomes the id of the customer that has it.
    """
    if options.match == "never" and not store.must_rebuild:
        return None, None
    forced = options.match == "always" or store.must_rebuild
    minutes: float | None = None
    scope = f"{venue}:{region}:{_EVIDENCE_VERSION}"

    def seen(existing: Existing) -> Seen:
        if listed and existing.cid and (mark := store.digest(existing.cid)) in listed:
            listed[mark] = existing.id
        return seen_at_clopos(existing, region, store.key)

    with reporter.step(tr("reading what is at Clopos")) as progress:

        def pays(pages: int, total: int) -> bool:
            nonlocal minutes
            progress(max(0, total - pages * api.page_size), of=total)
            seconds = limiter.seconds_of(pages) or 0.0
            if forced or seconds <= MOST_MINUTES * 60:
                return True
            minutes = seconds / 60
            return False

        synced = await sync(api, store.snapshot, seen, pays, scope, anew=options.match == "always")
    return synced, minutes


def _approach(wanted: str, *, complete: bool) -> Approach:
    if wanted == "never":
        return Approach.BLIND
    return Approach.LIST if complete else Approach.LOOK_UP


async def _same_venue(store: Store, venue: str) -> bool:
    """Return whether all runs of the journal were of this venue: else a list proves nothing."""
    return all(run.venue in {"", venue} for run in await store.journal.runs())


def _open_questions(matches: Matches, options: CompareOptions) -> tuple[Question, ...]:
    """Return the questions that the options don't answer."""
    asked = {question.code: question for question in matches.questions}
    answered = set(options.accepted)
    gone = tuple(verdict.row for verdict in matches.verdicts if verdict.anew)
    if options.recreate == len(gone):
        answered.add("gone")
    elif options.recreate and gone:  # other than that number of customers would be created anew
        answered.discard("gone")
        asked["gone"] = SheetQuestion("gone", gone)
    return tuple(as_question(each) for code, each in asked.items() if code not in answered)


def _ours(rows: Rows, gathered: Gathered) -> list[tuple[str, Seen]]:
    """Return (cid, look) of the rows whose own cid is at Clopos: what a lost journal had."""
    by_cid = {
        key: customer
        for customer in gathered.customers.values()
        if customer.now is not None
        for key in [cid_key(customer.now)]
        if key
    }
    found = []
    evidence = {row.number: row.evidence for row in gathered.rows}
    for customer in rows.customers(variants=variants_of(gathered)):
        packed = evidence[customer.row]
        if there := by_cid.get(cid_key(packed)):
            found.append((customer.cid, as_seen(there.id, packed)))
    return found
