"""Row → outcome, which stores only outcomes other than the default."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.records import Outcome, Status
from importer.results.outcomes import Outcomes

SAID = st.builds(
    Outcome,
    row=st.integers(2, 20),
    status=st.sampled_from(Status),
    clopos_id=st.none() | st.just("17"),
    field=st.none() | st.just("phone"),
    existing_id=st.none() | st.just("4"),
    duplicate_of=st.none() | st.integers(2, 20),
    message=st.text("abc", max_size=3),
)


@given(
    st.lists(SAID, unique_by=lambda outcome: outcome.row), st.integers(0, 19), st.integers(0, 19)
)
def test_outcomes_behave_like_a_complete_dict(said: list[Outcome], start: int, stop: int) -> None:
    whole = {row: Outcome(row, Status.PENDING, message="not yet") for row in range(2, 21)}
    told = {outcome.row: outcome for outcome in said}
    outcomes = Outcomes(pd.RangeIndex(2, 21), told, Status.PENDING, "not yet")
    whole |= told
    assert dict(outcomes) == whole
    assert list(outcomes) == list(range(2, 21))
    assert (
        outcomes.counts() == pd.Series([o.status for o in whole.values()]).value_counts().to_dict()
    )
    lines = [
        (
            str(outcome.row),
            str(outcome.status),
            outcome.clopos_id or "",
            outcome.field or "",
            outcome.existing_id or "",
            str(outcome.duplicate_of or ""),
            outcome.message,
        )
        for outcome in list(whole.values())[start:stop]
    ]
    found = zip(*(column.to_pylist() for column in outcomes.columns(start, stop)), strict=True)
    assert list(found) == lines


def test_outcomes_have_no_unknown_row() -> None:
    outcomes = Outcomes(pd.Index([2, 5]), {}, Status.READY)
    with pytest.raises(KeyError):
        outcomes[3]
    assert 5 in outcomes
    assert 3 not in outcomes
