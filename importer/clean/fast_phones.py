"""Phone numbers as they are usually written, a whole column at a time.

libphonenumber needs 15 µs for a number, which is 15 seconds for a million of them. Here its own
metadata is turned into a few patterns for the plain mobile and fixed numbers of the countries that
are frequent in a column. Every other number is left to `clean.phone`, which is the reference: tests
compare the two.

These results follow from how libphonenumber works: a national significant number
that no national prefix can be taken off, and that matches its country's patterns, is valid, and
its E.164 form is the plus sign, the country code and itself.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from importer.arrow import data_of, offsets_of

_SHAPE = r"^[+(]?[0-9][0-9 ()-]*$"
_WORTH_IT = 200  # numbers of a country for which patterns are made; making them takes a while
_MANY = 4  # regions of a country code (+1 has 25) of which only the first is looked at


def read_phones_fast(texts: pa.Array, region: str) -> tuple[pa.Array, pa.BooleanArray]:
    """Return the numbers in E.164 and where that is certain; null where it isn't."""
    shaped = pc.match_substring_regex(texts, _SHAPE)
    if b"(" in bytes(data_of(texts)):
        shaped = pc.and_not(shaped, pc.match_substring(texts, "(0)"))
    places = np.flatnonzero(shaped)
    found = texts.take(pa.array(places))
    digits = _digits(found)
    plus = np.asarray(pc.starts_with(found, "+"))
    zeros = ~plus & np.asarray(pc.starts_with(digits, "00"))
    fits = np.asarray(pc.less_equal(pc.binary_length(digits), 17))
    numbers: list[pa.Array] = []
    where: list[np.ndarray] = []
    for kind, drop in ((plus, 0), (zeros, 2)):
        chosen = np.flatnonzero(kind & fits)
        if len(chosen):
            whole = pc.utf8_slice_codeunits(digits.take(pa.array(chosen)), drop, 99)
            sure = _international(whole)
            numbers.append(whole.filter(pa.array(sure)))
            where.append(chosen[sure])
    chosen = np.flatnonzero(~plus & ~zeros & fits)
    if len(chosen):
        whole, sure = _national(digits.take(pa.array(chosen)), region)
        numbers.append(whole.filter(pa.array(sure)))
        where.append(chosen[sure])
    if not numbers:
        return pa.nulls(len(texts), pa.string()), pa.repeat(False, len(texts))
    at = places[np.concatenate(where)]
    order = np.argsort(at)
    mask = np.zeros(len(texts), bool)
    mask[at] = True
    e164 = pc.binary_join_element_wise("+", pa.concat_arrays(numbers).take(pa.array(order)), "")
    values = pc.replace_with_mask(pa.nulls(len(texts), pa.string()), mask, e164)
    return values, pa.array(mask)


class _Region(NamedTuple):
    """Patterns of libphonenumber for one region; None where it has no such pattern."""

    leading: str | None  # digits that say a number of a shared country code is this region's
    general: str
    kinds: tuple[tuple[str, tuple[int, ...]], ...]  # of mobile and fixed: pattern, lengths
    prefix: str | None  # what may stand before a number inside the country
    zero: str | None  # the preferred one of these prefixes, None if there is no preference
    abroad: str | None  # what is dialled for other countries
    code: int


@cache
def _region(name: str) -> _Region | None:
    known = PhoneMetadata.metadata_for_region(name, None)
    if known is None or known.general_desc is None or known.country_code is None:
        return None
    kinds = tuple(
        (f"^(?:{desc.national_number_pattern})$", tuple(desc.possible_length))
        for desc in (known.mobile, known.fixed_line)
        if desc and desc.national_number_pattern
    )
    prefix = known.national_prefix_for_parsing
    rewritten = known.national_prefix_transform_rule
    # Of alternatives the first that fits is taken off.
    zero = prefix.split("|")[0] if prefix and prefix.replace("|", "").isdecimal() else ""
    return _Region(
        leading=f"^(?:{known.leading_digits})" if known.leading_digits else None,
        general=f"^(?:{known.general_desc.national_number_pattern})$",
        kinds=kinds,
        prefix=f"^(?:{prefix})" if prefix else None,
        zero=zero if zero.isdecimal() and not rewritten else None,
        abroad=f"^(?:{known.international_prefix})" if known.international_prefix else None,
        code=known.country_code,
    )


def _international(digits: pa.Array) -> np.ndarray:
    """Return which digits are a country code and a valid number that needs no change."""
    sure = np.zeros(len(digits), bool)
    heads = pc.value_counts(pc.utf8_slice_codeunits(digits, 0, 3))
    counts: dict[int, int] = {}
    for head in heads.to_pylist():
        for length in (1, 2, 3):
            code = int(head["values"][:length] or 0)
            if code in COUNTRY_CODE_TO_REGION_CODE:
                counts[code] = counts.get(code, 0) + head["counts"]
                break
    for code, count in counts.items():
        if count >= _WORTH_IT:
            of_country = np.flatnonzero(pc.starts_with(digits, str(code)))
            nsn = pc.utf8_slice_codeunits(digits.take(pa.array(of_country)), len(str(code)), 99)
            main = _region(COUNTRY_CODE_TO_REGION_CODE[code][0])
            sure[of_country] = _valid(nsn, code) & ~_matches(nsn, main and main.prefix)
    return sure


def _national(digits: pa.Array, name: str) -> tuple[pa.Array, np.ndarray]:
    """Return the digits with the country code, and which of them are certain."""
    sure = np.zeros(len(digits), bool)
    region = _region(name)
    if region is None:
        return digits, sure
    code = str(region.code)
    plain = ~_matches(digits, region.abroad)
    with_code = np.asarray(pc.starts_with(digits, code))
    with_prefix = _matches(digits, region.prefix)
    nsn = digits

    def take(mask: np.ndarray, drop: int, *, code_counts: bool = False) -> None:
        """Note which of the numbers without their first digits are certain."""
        nonlocal nsn
        places = np.flatnonzero(mask)
        whole = digits.take(pa.array(places))
        rest = pc.utf8_slice_codeunits(whole, drop, 99)
        good = _valid(rest, region.code) & _matches(rest, region.general)
        if code_counts:
            # Digits are read with a country code only if they aren't a national number as they are.
            good &= ~_matches(whole, region.general) & ~_matches(rest, region.prefix)
        added = np.zeros(len(digits), bool)
        added[places[good]] = True
        nsn = pc.replace_with_mask(nsn, added, rest.filter(pa.array(good)))
        sure[added] = True

    take(plain & ~with_code & ~with_prefix, 0)
    take(plain & with_code, len(code), code_counts=True)
    if region.zero:
        with_zero = np.asarray(pc.starts_with(digits, region.zero))
        take(plain & ~with_code & with_zero, len(region.zero))
    return pc.binary_join_element_wise(code, nsn, ""), sure


def _valid(nsn: pa.Array, code: int) -> np.ndarray:
    """Return which are valid mobile or fixed numbers of a country code, region by region."""
    names = COUNTRY_CODE_TO_REGION_CODE[code]
    valid = np.zeros(len(nsn), bool)
    undecided = np.ones(len(nsn), bool)
    lengths = np.asarray(pc.binary_length(nsn))
    for name in names if len(names) <= _MANY else names[:1]:
        region = _region(name)
        if region is None:
            break
        known = np.zeros(len(nsn), bool)
        for pattern, possible in region.kinds:
            kind = _matches(nsn, pattern)
            known |= kind & np.isin(lengths, possible) if possible else kind
        known &= _matches(nsn, region.general)
        chosen = _matches(nsn, region.leading) if region.leading else known
        valid |= undecided & chosen & known
        undecided &= ~chosen
    return valid


def _matches(texts: pa.Array, pattern: str | None) -> np.ndarray:
    if pattern is None:
        return np.zeros(len(texts), bool)
    return np.asarray(pc.match_substring_regex(texts, pattern))


def _digits(texts: pa.Array) -> pa.Array:
    """Return only the digits of the texts."""
    data = np.frombuffer(data_of(texts), np.uint8)
    keep = (data >= ord("0")) & (data <= ord("9"))
    if keep.all():
        return texts
    before = np.concatenate(([0], np.cumsum(keep, dtype=np.int32)))
    offsets = offsets_of(texts)
    ends = before[offsets - offsets[0]].astype(np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(data[keep])]
    )
