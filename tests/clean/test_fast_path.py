"""The fast path gives the values that the parsers give cell by cell."""

from __future__ import annotations

import unicodedata
from functools import partial

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer.clean import fast_phones as phones
from importer.clean.code import (
    all_decimals,
    are_two_numbers,
    parse_cid,
    parse_code,
    parse_name,
    parse_note,
)
from importer.clean.columns import kind_of_codes
from importer.clean.email import parse_email
from importer.clean.fast_path import LETTERS, read_fast
from importer.clean.phone import parse_phone

PARSERS = {
    "name": lambda text: parse_name((text,)),
    "email": parse_email,
    "code": parse_code,
    "cid": parse_cid,
    "description": parse_note,
}
LIKELY = {
    "name": "Anar Demo",
    "email": "Demo.1@example.com",
    "code": "C-00017",
    "cid": "7D0F6A1E-0000-4000-8000-000000000001",
    "description": "köhnə müştəri, 2015-dən (VIP)",
}
ODD = ["", " ", "-", "n/a", "yox", "na", "0", "00", "1E5", "1,0", "#N/A", '="x"', "'1", "e\u0301"]
ODD += ["a\n", "a ", "Ana?r", "\ufeffa", "mailto:a@b.co", "a@b.co,c@d.co", "<a@b.co>", "a  b", "К"]
PIECES = [*"aZ0 9-_.,;:'?@<>()+=#/\n\t\u00a0\u0301əЙ", "yox", "NA", "E+5", "@b.co", "C7", "\u212b"]
REGIONS = ("AZ", "RU", "KZ", "TR", "US", "GB", "GE", "UA", "UZ", "DE", "IT", "BR", "AR", "XX")


def certain_cells(field: str, texts: list[str], region: str = "AZ") -> int:
    """Compare a column with the parser; return how many cells the fast path was certain of."""
    parse = PARSERS.get(field) or partial(parse_phone, region=region)
    values, sure = read_fast(field, pa.array(texts, pa.string()), region)
    told = [
        (text, value)
        for text, value, certain in zip(texts, values.to_pylist(), sure.to_pylist(), strict=True)
        if certain
    ]
    for text, value in told:
        assert (text, value, None, ()) == (text, *parse(text))
    return len(told)


CODES = '12 12.0 12,00 0 C12 12-20 5.10 n/a nan A1.0 \'12 １２ ٣٣ &#49;2 13–20 -5.0 ="12"'.split()


@pytest.mark.parametrize("field", PARSERS)
def test_well_formed_cells_are_certain(field: str) -> None:
    assert certain_cells(field, [LIKELY[field], ""]) == 2
    certain_cells(
        field, [*ODD, *(LIKELY[field] + odd for odd in ODD), *(odd + LIKELY[field] for odd in ODD)]
    )


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.lists(st.sampled_from([*PIECES, *LIKELY.values()]), max_size=6).map("".join),
            st.text(max_size=8),
        ),
        max_size=60,
    )
)
def test_fast_path_equals_the_parsers_on_any_text(texts: list[str]) -> None:
    for field in PARSERS:
        certain_cells(field, texts)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(CODES) | st.text(max_size=6), max_size=6))
def test_kind_of_codes_is_the_same_for_a_column_and_its_texts(texts: list[str]) -> None:
    assert kind_of_codes([pa.array(texts, pa.string())])[:2] == (
        all_decimals(texts),
        are_two_numbers(texts),
    )


def test_letters_of_a_certain_name_are_unchanged() -> None:
    values, sure = read_fast(
        "name", pa.array([*map(chr, range(0x250)), *map(chr, range(0x400, 0x530))]), ""
    )
    for letter, certain in zip(values.to_pylist(), sure.to_pylist(), strict=True):
        if certain:
            assert letter.isalpha()
            assert unicodedata.normalize("NFC", letter) == letter
    assert LETTERS


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Draw the digits of a number that is likely to be one, and spell it in one of many ways."""
    region = draw(st.sampled_from(REGIONS[:-1]))
    kind = draw(st.sampled_from([0, 1, 2, 3, 4, 6]))
    example_number = phonenumbers.example_number_for_type(region, kind)
    nsn = phonenumbers.national_significant_number(example_number) if example_number else "5012345"
    place = draw(st.integers(0, len(nsn)))
    changed = draw(st.text("0123456789", max_size=4))
    nsn = nsn[:place] + changed + nsn[place + draw(st.integers(0, len(changed) + 1)) :]
    code = str(phonenumbers.country_code_for_region(region))
    start = draw(st.sampled_from(["", "", "0", "8", "1", "9", code, f"+{code}", f"00{code}", "+"]))
    text = start + nsn
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text = (
            text[:place]
            + draw(st.sampled_from([" ", "-", "(", ")", "(0)", "0", "x"]))
            + text[place:]
        )
    return text


@settings(max_examples=120, deadline=None)
@given(st.lists(numbers(), min_size=1, max_size=60), st.sampled_from(REGIONS))
@example(["+994501234567", "0501234567", "501234567", "994501234567", "00994501234567"], "AZ")
def test_fast_path_of_phones_equals_libphonenumber(texts: list[str], region: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phones, "_WORTH_IT", 1)
        certain_cells("phone", texts, region)


@pytest.mark.parametrize(
    ("region", "texts"),
    [
        (
            "AZ",
            ["+994501234567", "050 123 45 67", "(055) 123-45-67", "994 70 123 45 67", "501234567"],
        ),
        (
            "AZ",
            [
                "+994 12 498 12 34",
                "0124981234",
                "00994501234567",
                "+7 916 123 45 67",
                "+90 532 123 45 67",
            ],
        ),
        (
            "RU",
            ["+79161234567", "8 (916) 123-45-67", "79161234567", "9161234567", "+7 701 234 56 78"],
        ),
        ("KZ", ["+77012345678", "87012345678"]),
        ("TR", ["+905321234567", "0532 123 45 67", "5321234567", "905321234567"]),
        ("US", ["+1 (212) 555-0123", "2125550123", "12125550123"]),
        ("GB", ["+447400123456", "07400 123456", "020 7946 0000"]),
    ],
)
def test_phone_numbers_of_the_profiles_are_certain(region: str, texts: list[str]) -> None:
    assert certain_cells("phone", texts * 200, region) == 200 * len(texts)


def test_phones_of_a_rare_country_are_left_to_the_parser() -> None:
    assert certain_cells("phone", ["+994501234567"] * 3 + ["+"]) == 0
