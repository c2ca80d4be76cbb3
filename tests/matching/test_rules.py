"""The table of who-is-this-customer §2, one case a line, against Clopos, journal and sheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.matching.match import match
from importer.matching.verdicts import Answer, Decision, KnownCustomer, MatchOptions, Presence
from tests.matching.people import at_clopos, in_journal, rows

if TYPE_CHECKING:
    from importer.matching.verdicts import Verdict

CASES = list(
    csv.DictReader((Path(__file__).parent / "rules.csv").read_text(encoding="utf-8").splitlines())
)
MAYBES = ("claim", "same_email", "same_birthday", "same_name")
SOURCES = {"clopos": at_clopos, "journal": in_journal}


def cells() -> list[Any]:
    return [
        pytest.param(case, source, id=f"{case['rule']} / {source}")
        for case in CASES
        for source in ("clopos", "journal", "sheet")
        if case[source]
    ]


@pytest.mark.parametrize(("case", "source"), cells())
def test_evidence_leads_to_the_verdict_of_the_table(case: dict[str, str], source: str) -> None:
    kind, rule, *more = case[source].split()
    verdict = judged(case, source)
    assert (verdict.kind, verdict.rule) == (kind, rule), verdict
    if kind == "exists":
        assert verdict.customers == (more[0] if more and more[0].isdigit() else "1",)
    if "differs" in more:
        assert verdict.differs == (more[-1],)


def judged(case: dict[str, str], source: str) -> Verdict:
    """Return the verdict on the row of a case."""
    known = [text for text in case["known"].split(" / ") if text.strip()]
    facts, words = case["facts"], case["facts"].split()
    sheet = [case["row"]]
    if source == "sheet":
        sheet = [*known, *sheet]
        known = []
    if facts.startswith("row "):
        sheet.append(facts.removeprefix("row "))
    customers = [SOURCES[source](str(id_), text) for id_, text in enumerate(known, start=1)]
    if customers:
        customers[0] = with_facts(customers[0], facts)
    number = 2 + len(sheet) - 1 - facts.startswith("row ")
    decisions = {}
    if facts.startswith("decide "):
        decisions[number] = Decision(Answer(words[1]), "1" if words[1] == "same" else None)
    options = MatchOptions(
        share_phones="without" in words,
        recreate="recreate" in words,
        accepted=frozenset(words) & frozenset(MAYBES),
    )
    found = match(
        rows(*sheet, decisions=decisions), {known.id: known for known in customers}, options
    )
    return next(verdict for verdict in found.verdicts if verdict.row == number)


def with_facts(customer: KnownCustomer, facts: str) -> KnownCustomer:
    """Return a customer with the facts of a case."""
    words = facts.split()
    customer = customer._replace(had_row="left" in words, decided="decided" in words)
    if "gone" in words:
        customer = customer._replace(presence=Presence.GONE)
    if "held" in words:
        customer = customer._replace(held=(look(facts, "held"),))
    if "seen" in words:
        customer = customer._replace(seen=(*customer.seen, look(facts, "seen")))
    return customer


def look(facts: str, word: str) -> str:
    """Return the evidence of the row written after a word."""
    return rows(facts.partition(f"{word} ")[2])[0].evidence
