"""Return whether evidence is of one person, of whom one value is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.matching.comparable import comparable_phones
from importer.matching.evidence import customer_evidence, loosely, unpack
from importer.matching.layout3 import digest, unpacked
from importer.store.records import LEGACY

if TYPE_CHECKING:
    from collections.abc import Callable


def person_test(text: str, region: str, key: bytes) -> Callable[[str], bool]:
    """Return a test whether packed evidence has this phone, e-mail, code or whole name.

    National phone numbers belong to `region`; `key` is that of the digests.
    """
    fields = ("phone", "email", "code", "name")
    wanted = unpack(customer_evidence(dict.fromkeys(fields, text.strip()), region, key))
    codes = {loosely(code) for code in wanted.codes}
    earlier = {(name, digest(name, text.strip(), key)) for name in fields}
    earlier |= {("phone", digest("phone", phone, key)) for phone in comparable_phones(text, region)}

    def is_person(packed: str) -> bool:
        if packed.startswith(LEGACY):
            return bool(earlier & unpacked(packed.removeprefix(LEGACY)).items())
        if not packed:
            return False
        evidence = unpack(packed)
        return bool(
            {*evidence.phones} & {*wanted.phones}
            or {*evidence.emails} & {*wanted.emails}
            or {loosely(code) for code in evidence.codes} & codes
            or (wanted.name and evidence.name == wanted.name)
        )

    return is_person
