"""The flags of a brand: those of `run`, with paths relative to the folder of brands.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.cli.fleet_options import parse_options
from importer.errors import StoppedError, UsageError
from importer.fleet.brands import Brand
from importer.i18n import language
from importer.results.summary import Summary


def options_of(*flags: str, folder: Path = Path("/fleet")) -> Brand:
    return Brand("tea", "tea", folder / "tea.csv", options=flags)


def test_flags_of_a_brand_are_parsed_as_by_run(tmp_path: Path) -> None:
    (tmp_path / "tea.toml").write_text("")
    brand = options_of(
        "--reserve",
        "20%",
        "--limit=5",
        "--yes",
        "--accept",
        "shared_code,region",
        "--mapping",
        "tea.toml",
        "--results=out/tea.csv",
        "--keep-results",
        "30",
        folder=tmp_path,
    )
    read = parse_options(brand, tmp_path)
    assert read.sending.reserve == 0.2
    assert read.sending.limit == 5
    assert read.sheet.accept == ("shared_code", "region")
    assert read.sheet.mapping == tmp_path / "tea.toml"
    assert read.output.results == tmp_path / "out" / "tea.csv"
    assert read.output.keep == 30


def test_results_without_flags_go_to_the_path_of_the_brand() -> None:
    assert parse_options(options_of(), Path("/fleet")).output.results is None


def test_language_of_a_brand_does_not_change_that_of_others() -> None:
    parse_options(options_of("--ui-language", "az"), Path("/fleet"))
    assert language() == "en"


def test_metrics_of_a_brand_are_written(tmp_path: Path) -> None:
    read = parse_options(options_of("--metrics", "tea.prom", folder=tmp_path), tmp_path)
    read.begin()
    read.end(Summary(file="tea.csv", error=StoppedError("stopped")))
    assert "tea.csv" in (tmp_path / "tea.prom").read_text("utf-8")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--limt", "3"], "No such option"),
        (["--limit", "many"], "not a valid integer"),
        (["--limit"], "requires an argument"),
        (["other.csv"], "unexpected extra argument"),
        (["--reserve", "200%"], "is not a share"),
        (["--help"], "can't be used here"),
        (["--env-file=x"], "can't be used here"),
        (["--map", "phone"], 'has no "="'),
    ],
)
def test_invalid_flag_is_an_error_that_names_the_brand(flags: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_options(options_of(*flags), Path("/fleet"))
    assert "[brands.tea] options" in caught.value.what
    assert said in caught.value.what
