"""A mutated sheet creates its intended customers, is asked about, or is held."""

from __future__ import annotations

from collections import Counter
from random import Random

import pandas as pd
import pytest

from importer.errors import UsageError
from importer.pipeline import Output, SheetOptions, check
from tests.questions.meanings import MUTATIONS, Drawn, draw

SHEETS = 4  # of each mutation; `python -m tests.questions.test_meanings 500` runs longer


def outcome(sheet: Drawn) -> tuple[str, str]:
    """Return "asked", "held", "right" or "wrong", and the differences of a wrong one."""
    try:
        prepared = check(sheet.csv(), SheetOptions(region="AZ"), Output()).prepared
    except UsageError as error:  # refused with an error
        return "asked", error.what
    if prepared.questions:
        return "asked", prepared.questions[0].code
    for row, values in prepared.values.iterrows():
        place = int(str(row)) - 2
        for field, column in sheet.meant.items():
            meant = column[place]
            found = None if pd.isna(values[field]) else values[field]
            if field == "code" and str(found).replace(".", "").replace(",", "") == meant:
                continue
            if found != meant:
                return "wrong", f"{field} of row {row} is {found!r}, not {meant!r}"
    return ("right" if len(prepared.values) else "held"), ""


@pytest.mark.parametrize("name", ["nothing", *MUTATIONS])
def test_customer_created_without_a_question_is_the_intended_one(name: str) -> None:
    for seed in range(SHEETS):
        random = Random(f"{name} {seed}")  # noqa: S311 - to be made again by its seed
        sheet = draw(random)
        mutated = MUTATIONS[name](sheet, random) if name in MUTATIONS else sheet
        became, what = outcome(mutated)
        assert became != "wrong", (what, mutated.csv().decode())
        if name == "nothing":
            assert became == "right", what


def _score(sheets: int) -> None:
    for name, mutate in MUTATIONS.items():
        found: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for seed in range(sheets):
            random = Random(f"{name} {seed}")  # noqa: S311 - to be made again by its seed
            became, what = outcome(mutate(draw(random), random))
            found[f"{became} {what}" if became == "asked" else became] += 1
            if became == "wrong":
                wrong[what] += 1
        print(f"{name:20}", dict(found), *wrong.most_common(1))  # noqa: T201 - a score by hand


if __name__ == "__main__":
    import sys

    _score(int(sys.argv[1]))
