"""Matching of customers, by our rules and by Splink: `python -m benchmarks.people PYTHON [SEED …]`.

A town of 2,000 invented people (`tests/population.py`): a first sheet, and a Clopos into which
cashiers typed a third of it. PYTHON is an interpreter that has splink, pandas and anyascii, in an
environment of its own. Each row is taken for the right customer, for a wrong one, left to a person,
or missed: its customer is there and wasn't found.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

from importer.matching.evidence import customer_evidence
from importer.matching.match import match
from importer.matching.verdicts import Kind, KnownCustomer, MatchOptions, Row
from importer.records import FIELDS
from tests.matching.people import KEY, evidence, holders_for
from tests.population import Population

SIZE = 2000
SEEDS = (5501, 5502, 5503)


def main(python: str, *seeds: int) -> None:
    """Print what becomes of the rows of each town, by both."""
    for seed in seeds or SEEDS:
        people = Population(Random(seed), SIZE)  # noqa: S311 - no secret
        records = {record.id: record for record in people.typed_by_cashiers()}
        seen: Counter[str] = Counter()
        rows = [
            Row(number, evidence({name: line.fields.get(name) for name in FIELDS}, seen))
            for number, line in enumerate(people.lines)
        ]
        known = {
            id_: KnownCustomer(id_, now=customer_evidence({"id": id_, **each.fields}, "AZ", KEY))
            for id_, each in records.items()
        }
        options = MatchOptions(accepted=frozenset(["two_codes"]))
        found = match(rows, known, options, holders_for(rows, known))
        there = {each.person for each in records.values()}
        counts: Counter[str] = Counter()
        for verdict in found.verdicts:
            person = people.lines[verdict.row].person
            if verdict.kind is Kind.EXISTS:
                right = records[verdict.customers[0]].person == person
                counts["right" if right else "wrong"] += 1
            elif verdict.kind is Kind.CONFLICT:
                counts["left to a person"] += 1
            elif verdict.kind is Kind.CREATE and person in there:
                counts["missed"] += 1
        _say(seed, "ours", counts)
        town = {
            "rows": [{"person": line.person, **line.fields} for line in people.lines],
            "customers": [{"person": each.person, **each.fields} for each in records.values()],
        }
        script = Path(__file__).with_name("splink_beside.py")
        done = subprocess.run(
            [python, script], input=json.dumps(town), capture_output=True, text=True, check=True
        )
        for name, theirs in json.loads(done.stdout.splitlines()[-1]).items():
            _say(seed, name, Counter(theirs))


def _say(seed: int, name: str, counts: Counter[str]) -> None:
    kinds = ("right", "wrong", "left to a person", "missed")
    sys.stdout.write(f"{seed} {name:<36} {', '.join(f'{kind} {counts[kind]}' for kind in kinds)}\n")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
