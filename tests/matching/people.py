"""Short notation of invented people, for tests of matching.

`Aysel Məmmədova p1 c00042 e1 b1` has a name, phone 1, code 00042, e-mail 1 and birthday 1; `i1` is
a cid of its own, `#3` a claim of customer 3.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter, defaultdict
from typing import Any

from importer.matching.customers import as_seen, by_look, first_keys
from importer.matching.evidence import (
    customer_evidence,
    index_keys,
    lookup_keys,
    row_evidence,
)
from importer.matching.keys import cid_of, row_key, scope_of
from importer.matching.verdicts import Decision, KnownCustomer, Row
from importer.records import FIELDS, Customer

KEY = b"k" * 32
SCOPE = scope_of("https://clopos.example", "demo")
_VALUES = re.compile(r"\s+([pcebi#])(\w+)")


def values(text: str) -> dict[str, Any]:
    """Return the fields of a person, and `claim`."""
    found = dict(_VALUES.findall(" " + text))
    fields: dict[str, Any] = dict.fromkeys((*FIELDS, "claim"))
    fields["name"] = _VALUES.sub("", " " + text).strip()
    if "p" in found:
        fields["phone"] = f"+99450{found['p']:>07}"
    if "c" in found:
        fields["code"] = found["c"]
    if "e" in found:
        fields["email"] = f"e{found['e']}@example.com"
    if "b" in found:
        fields["date_of_birth"] = f"19{found['b']:>02}-05-04"
    if "i" in found:
        fields["cid"] = str(uuid.UUID(int=int(found["i"])))
    return fields | {"claim": found.get("#")}


def rows(*texts: str, first: int = 2, decisions: dict[int, Decision] | None = None) -> list[Row]:
    """Return the rows of a sheet, numbered from `first`."""
    seen: Counter[str] = Counter()
    made = []
    for number, text in enumerate(texts, start=first):
        fields = values(text)
        decision = (decisions or {}).get(number)
        made.append(Row(number, evidence(fields, seen), fields["claim"], decision))
    return made


def evidence(fields: dict[str, Any], seen: Counter[str]) -> str:
    """Return the packed evidence of a row with these fields."""
    key = row_key(fields, seen)
    sent = {name: fields[name] for name in FIELDS} | {"cid": cid_of(key, SCOPE)}
    return row_evidence(Customer(row=0, **sent), key.made_of, KEY)


def holders_for(rows: list[Row], customers: dict[str, KnownCustomer]) -> dict[str, list[str]]:
    """Return key → ids for the keys of these rows, as the store looks them up."""
    indexed: defaultdict[str, list[str]] = defaultdict(list)
    for known in customers.values():
        looks = (*known.seen, *filter(None, [known.now]))
        for key in {key for packed in looks for key in index_keys(packed)}:
            indexed[key].append(known.id)
    wanted: set[str] = set()
    seen = by_look(customers.values())
    for row in rows:
        wanted.update(first_keys([row]))
        if not as_seen(row, seen, lambda key: indexed.get(key, [])):
            wanted.update(lookup_keys(row.evidence))
    return {key: ids for key, ids in indexed.items() if key in wanted}


def at_clopos(id_: str, text: str, **facts: Any) -> KnownCustomer:
    """Return a customer that is at Clopos and not in the journal."""
    return KnownCustomer(id_, now=customer_evidence(values(text), "AZ", KEY), **facts)


def in_journal(id_: str, text: str, **facts: Any) -> KnownCustomer:
    """Return a customer created by such a row, and not read from Clopos since."""
    return KnownCustomer(id_, seen=(rows(text)[0].evidence,), **facts)
