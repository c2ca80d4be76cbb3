"""Rows of one sheet that repeat each other, as `check` reports them (R9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from importer.clean.dedupe import Deduped, dedupe
from importer.records import FIELDS, Duplicate
from tests.matching.people import values

if TYPE_CHECKING:
    from collections.abc import Collection


def dedupe_result(*texts: str, held: Collection[int] = (), share_phones: bool = False) -> Deduped:
    cells = [values(text) for text in texts]
    frame = pd.DataFrame(cells, columns=list(FIELDS), index=range(2, len(texts) + 2), dtype=object)
    return dedupe(frame, held, share_phones=share_phones)


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ("Sevda p1", (Duplicate(3, "phone", 2),)),
        ("Севда p1", (Duplicate(3, "phone", 2),)),
        ("Nigar p1", (Duplicate(3, "phone", 2, conflict=True),)),
        ("Nigar c7", (Duplicate(3, "code", 2, conflict=True),)),
        ("Sevda p1 c7", (Duplicate(3, "phone", 2), Duplicate(3, "code", 2))),
        ("Sevda p2 e1", (Duplicate(3, "email", 2),)),
        ("Sevda b80", (Duplicate(3, "date_of_birth", 2),)),
        ("Sevda p2 b80", (Duplicate(3, "date_of_birth", 2, conflict=True),)),
        ("Sevda p2", ()),
        ("Nigar p2 e1", ()),
    ],
)
def test_second_row_is_a_duplicate_or_a_conflict_of_the_first_or_is_sent(
    second: str, found: tuple[Duplicate, ...]
) -> None:
    assert dedupe_result("Sevda p1 c7 e1 b80", second).duplicates == found


def test_held_row_is_no_original_of_a_duplicate() -> None:
    assert dedupe_result("Sevda p1", "Nigar p1", held=[2]).duplicates == ()


def test_email_of_another_person_in_the_sheet_is_a_remark() -> None:
    [remark] = dedupe_result("Sevda e1", "Nigar e1").remarks
    assert (remark.row, remark.code) == (3, "duplicate_email")


def test_shared_phone_is_left_out_if_a_flag_says_so() -> None:
    found = dedupe_result("Əli p1", "Vəli p1", "Vəli p1 c7", share_phones=True)
    assert found.without_phone == (3,)
    assert [duplicate.row for duplicate in found.duplicates] == [4]
