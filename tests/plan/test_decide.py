"""Verdicts on rows → rows to send, known outcomes, rows held back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from importer.matching.verdicts import Kind, Matches, Reason, Verdict
from importer.plan.decide import decide
from importer.plan.rows import Variant
from importer.records import Status

KINDS = {
    Kind.CREATE: None,
    Kind.SETTLE: Status.UNKNOWN,
    Kind.EXISTS: Status.EXISTS,
    Kind.CONFLICT: Status.CONFLICT,
    Kind.DUPLICATE: Status.DUPLICATE,
    Kind.SKIP: Status.CONFLICT,
}


def verdicts(kinds: list[Kind]) -> Matches:
    """Return a verdict of each kind, rows counted from 2."""
    return Matches(
        tuple(
            Verdict(
                row,
                kind,
                "M0",
                customers=("17",) if kind in {Kind.EXISTS, Kind.CONFLICT} else (),
                rows=(2,) if kind is Kind.DUPLICATE else (),
                reason=Reason.OTHER_NAME if kind is Kind.CONFLICT else None,
                field="phone" if kind is Kind.CONFLICT else None,
            )
            for row, kind in enumerate(kinds, start=2)
        )
    )


@given(st.lists(st.sampled_from(list(KINDS))), st.none() | st.integers(0, 5))
def test_every_row_is_sent_or_held_back_or_has_an_outcome(
    kinds: list[Kind], limit: int | None
) -> None:
    decided = decide(verdicts(kinds), {}, limit=limit)
    creates = kinds.count(Kind.CREATE)
    assert len(decided.to_send) + decided.held_back == creates
    assert limit is None or len(decided.to_send) <= limit
    assert list(decided.to_send) == sorted(decided.to_send)
    found = {outcome.row: outcome.status for outcome in decided.outcomes}
    assert found == {
        row: KINDS[kind] for row, kind in enumerate(kinds, start=2) if kind is not Kind.CREATE
    }


def test_row_created_earlier_in_this_run_is_reported_as_created() -> None:
    matches = verdicts([Kind.EXISTS, Kind.EXISTS])
    statuses = [outcome.status for outcome in decide(matches, {}, created={3}).outcomes]
    assert statuses == [Status.EXISTS, Status.CREATED]


def test_decided_conflict_needs_no_person() -> None:
    outcomes = decide(verdicts([Kind.CONFLICT, Kind.SKIP]), {}).outcomes
    assert [outcome.decided for outcome in outcomes] == [False, True]


def test_row_of_a_deleted_customer_is_sent_with_the_next_generation() -> None:
    verdict = Verdict(2, Kind.CREATE, "gone", customers=("17",), anew=True, without=("phone",))
    decided = decide(Matches((verdict,)), {2: 1})
    assert decided.variants == {2: Variant(2, ("phone",))}
    assert decided.anew == {2: "17"}


def test_clashes_are_counted_by_field_and_reason_with_a_few_rows() -> None:
    decided = decide(verdicts([Kind.CONFLICT] * 9), {})
    [clash] = decided.clashes
    assert (clash.field, clash.count, clash.rows) == ("phone", 9, (2, 3, 4, 5, 6))
    assert clash.text == "the phone belongs to another customer, with another name"
