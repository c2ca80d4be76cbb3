"""brands.toml: the meaning of each key, and the error of every mistake."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.fleet.brands import KEYS, Brand, parse_brands

FILE = Path("/fleet/brands.toml")
COFFEE = '[brands.coffee-28]\nbrand = "coffee28"\nsheet = "coffee/list.csv"\n'


def error_of_brand(text: str) -> str:
    """Return the error of a broken brand."""
    (error,) = set(parse_brands(text, FILE).broken.values())
    return " | ".join(filter(None, (error.what, error.why, error.fix)))


def error_of_file(text: str) -> str:
    """Return the error of a file without a usable brand."""
    with pytest.raises(UsageError) as caught:
        parse_brands(text, FILE)
    error = caught.value
    return " | ".join(filter(None, (error.what, error.why, error.fix)))


def test_brand_with_two_keys_has_defaults_for_the_rest() -> None:
    fleet = parse_brands(COFFEE, FILE)
    assert fleet.brands == {
        "coffee-28": Brand("coffee-28", "coffee28", Path("/fleet/coffee/list.csv"))
    }
    assert not fleet.broken


def test_every_key_of_a_brand_is_read() -> None:
    text = """
    [brands.tea]
    brand = "tea"
    base_url = "https://example.org/open-api"
    integrator_id = 7
    venue_id = "12"
    sheet = "/srv/tea.xlsx"
    results = "out"
    credentials = "file:secrets/tea.env"
    schedule = "15 3 * * *"
    zone = "Asia/Baku"
    options = ["--reserve", "20%"]
    queue = "region-a"
    """
    assert parse_brands(text, FILE).brands["tea"] == Brand(
        "tea",
        "tea",
        Path("/srv/tea.xlsx"),
        Path("/fleet/out"),
        "https://example.org/open-api",
        "7",
        "12",
        "file:/fleet/secrets/tea.env",
        "15 3 * * *",
        "Asia/Baku",
        ("--reserve", "20%"),
        "region-a",
    )


def test_key_of_a_brand_overrides_its_group_and_the_group_the_defaults() -> None:
    text = """
    [defaults]
    zone = "Asia/Baku"
    queue = "a"
    options = ["--quiet"]
    [groups.north]
    queue = "b"
    options = ["--limit", "1"]
    [brands.one]
    brand = "one"
    sheet = "1.csv"
    group = "north"
    options = []
    [brands.two]
    brand = "two"
    sheet = "2.csv"
    group = "north"
    [brands.three]
    brand = "three"
    sheet = "3.csv"
    """
    brands = parse_brands(text, FILE).brands
    assert {name: (each.zone, each.queue, each.options) for name, each in brands.items()} == {
        "one": ("Asia/Baku", "b", ()),
        "two": ("Asia/Baku", "b", ("--limit", "1")),
        "three": ("Asia/Baku", "a", ("--quiet",)),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('shedule = "1 2 * * *"', "did you mean schedule?"),
        ('credential = "env"', "did you mean credentials?"),
        ('optons = ["--limit"]', "did you mean options?"),
        ('schedule = "at night"', "is not a schedule"),
        ('schedule = "61 3 * * *"', "is not a schedule"),
        ('schedule = "15 3 * *"', "is not a schedule"),
        ('schedule = "0 0 30 2 *"', "is not a schedule"),
        ('zone = "Asia/Bako"', "did you mean Asia/Baku?"),
        ('zone = "../etc/passwd"', "no time zone"),
        ('credentials = "hunter2"', "neither env, file:PATH nor command:"),
        ('credentials = "file:"', "neither env, file:PATH nor command:"),
        ('options = "--limit 1"', "options is not a list of texts"),
        ("options = [1]", "options is not a list of texts"),
        ("queue = 3", "queue is not a text in quotes"),
        ("integrator_id = true", "integrator_id is not a text in quotes"),
        ('group = "nort"', "there is no group nort"),
    ],
)
def test_mistake_in_one_brand_breaks_it_alone(line: str, said: str) -> None:
    text = f'{COFFEE}{line}\n[brands.tea]\nbrand = "tea"\nsheet = "tea.csv"\n'
    found = error_of_brand(text)
    assert said in found
    assert "hunter2" not in found  # the value may be the secret
    assert list(parse_brands(text, FILE).brands) == ["tea"]


@pytest.mark.parametrize("key", ["brand", "sheet"])
def test_brand_without_a_needed_key_is_broken(key: str) -> None:
    lines = COFFEE.splitlines()
    text = "\n".join(line for line in lines if not line.startswith(key))
    assert error_of_brand(text) == f"[brands.coffee-28] lacks {key} | add a line, e.g. {key} = …"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no brand"),
        ("[defaults]\n", "has no brand"),
        (f'{COFFEE}[brnds.x]\nbrand = "x"', "did you mean brands?"),
        (f'[defaults]\nzon = "UTC"\n{COFFEE}', "did you mean zone?"),
        ("[brands.coffee\n", "line 1"),
        ("brands = 3\n", "is not a table"),
    ],
)
def test_file_without_a_usable_brand_is_refused(text: str, said: str) -> None:
    assert said in error_of_file(text)


def test_two_brands_of_the_same_restaurant_are_both_broken() -> None:
    text = f"""{COFFEE}
    [brands.other]
    brand = "COFFEE28"
    base_url = "https://integrations.clopos.com/open-api/v2/"
    sheet = "b.csv"
    [brands.tea]
    brand = "tea"
    sheet = "c.csv"
    """
    fleet = parse_brands(text, FILE)
    assert list(fleet.brands) == ["tea"]
    assert sorted(fleet.broken) == ["coffee-28", "other"]
    assert "are one brand of Clopos" in error_of_brand(text)


def test_two_brands_with_the_same_variables_are_both_broken() -> None:
    text = f'{COFFEE}[brands.coffee_28]\nbrand = "tea"\nsheet = "c.csv"\n'
    assert "CLOPOS_COFFEE_28_…" in error_of_brand(text)


@given(st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=12))
def test_unknown_key_is_an_error(key: str) -> None:
    if key in (*KEYS, "group"):
        return
    assert f"there is no key {key}" in error_of_brand(f'{COFFEE}{key} = "x"\n')


@given(st.text(max_size=60))
def test_file_with_any_text_is_read_or_refused_with_an_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_brands(text, FILE)
