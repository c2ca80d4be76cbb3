"""The same rows and customers given to Splink, as a data team would do it: `benchmarks.people`.

Names in Latin letters and sorted words, phones by their last nine digits; a model that is trained
on the town itself; for each row the likeliest customer.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections import Counter
from typing import Any

_PHONE = 9  # digits of a national number
LEVELS = ((0.5, 0.5), (0.95, 0.5), (0.99, 0.05))
"""(sure from, asked from): probabilities of a match."""


def comparable(place: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a row or customer as it is compared."""
    latin = importlib.import_module("anyascii").anyascii(fields.get("name") or "")
    words = sorted(re.sub(r"[^a-z ]", " ", latin.lower()).split())
    digits = re.sub(r"\D", "", fields.get("phone") or "")
    return {
        "unique_id": place,
        "name": " ".join(words) or None,
        "first": words[0] if words else None,
        "last": words[-1] if words else None,
        "phone": digits[-_PHONE:] if len(digits) >= _PHONE else None,
        "email": (fields.get("email") or "").lower() or None,
        "code": fields.get("code") or None,
        "born": fields.get("date_of_birth") or None,
    }


def matches(rows: Any, customers: Any) -> dict[str, list[tuple[float, str]]]:
    """Return row → (probability, customer), the likeliest first; both are tables."""
    splink: Any = importlib.import_module("splink")
    compare: Any = importlib.import_module("splink.comparison_library")
    by = splink.block_on
    settings = splink.SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[
            *(by("phone"), by("email"), by("code"), by("name")),
            *(by("first", "born"), by("last", "born")),
        ],
        comparisons=[
            compare.JaroWinklerAtThresholds("name", [0.92, 0.85]),
            *(compare.ExactMatch(name) for name in ("phone", "email", "code", "born")),
        ],
    )
    engine = splink.DuckDBAPI()
    linker = splink.Linker([engine.register(rows), engine.register(customers)], settings)
    training = linker.training
    training.estimate_probability_two_random_records_match([by("phone")], recall=0.7)
    training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in (by("phone"), by("name")):
        training.estimate_parameters_using_expectation_maximisation(rule)
    pairs = linker.inference.predict(threshold_match_probability=LEVELS[-1][1])
    found: dict[str, list[tuple[float, str]]] = {}
    for pair in pairs.as_pandas_dataframe().to_dict("records"):
        ids = sorted((pair["unique_id_l"], pair["unique_id_r"]), reverse=True)
        found.setdefault(ids[0], []).append((pair["match_probability"], ids[1]))
    return {row: sorted(each, reverse=True) for row, each in found.items()}


def main() -> None:
    """Read a town from standard input; print level → kind → number of rows."""
    frame: Any = importlib.import_module("pandas").DataFrame
    town = json.load(sys.stdin)
    rows = {f"row {n}": each for n, each in enumerate(town["rows"])}
    customers = {f"customer {n}": each for n, each in enumerate(town["customers"])}
    found = matches(
        *(frame([comparable(*each) for each in side.items()]) for side in (rows, customers))
    )
    there = {each["person"] for each in customers.values()}
    counts: dict[str, Counter[str]] = {}
    for sure, asked in LEVELS:
        level = counts[f"Splink, sure {sure:g}, asked {asked:g}"] = Counter()
        for row, fields in rows.items():
            probability, customer = found.get(row, [(0.0, "")])[0]
            if probability >= sure:
                right = customers[customer]["person"] == fields["person"]
                level["right" if right else "wrong"] += 1
            elif probability >= asked:
                level["left to a person"] += 1
            elif fields["person"] in there:
                level["missed"] += 1
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    main()
