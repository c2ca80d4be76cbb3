"""Options that shape values: templates, case, replacements, conditions, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.clean.name_case import title_case
from importer.errors import UsageError
from importer.pipeline import SheetOptions
from importer.pipeline.prepare import prepare
from importer.records import MappingChoices, Shape, Status

if TYPE_CHECKING:
    from importer.pipeline.prepare import Prepared


def shaped(
    rows: list[dict[str, str]], *, group_column: str | None = None, **shape: Any
) -> Prepared:
    options = SheetOptions(shape=Shape(**shape), group_column=group_column, accept=("all_one",))
    return prepare(pd.DataFrame(rows, dtype=str), options)


def row(**cells: str) -> dict[str, str]:
    return {"Name": "Anar Demo", "Phone": "0500000001"} | cells


def notes(prepared: Prepared) -> str:
    return " | ".join(prepared.notes)


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("ƏLİ MƏMMƏDOV", None, "Əli Məmmədov"),
        ("əli məmmədov", None, "Əli Məmmədov"),
        ("ƏLİ VƏLİ OĞLU", "az", "Əli Vəli oğlu"),
        ("IŞIL ÖZTÜRK", "tr", "Işıl Öztürk"),
        ("İBRAHİM KAYA", "tr", "İbrahim Kaya"),
        ("ibrahim çelik", "tr", "İbrahim Çelik"),
        ("IBRAHIM DEMO", "az", "Ibrahim Demo"),  # typed without Turkic letters
        ("İVAN DEMO", "en", "İvan Demo"),
        ("ИВАН ПЕТРОВ-ВОДКИН", "ru", "Иван Петров-Водкин"),
        ("иван иванов", "ru", "Иван Иванов"),
        ("АЛИ ВАЛИ ОГЛЫ", "ru", "Али Вали оглы"),
        ("JOHN O'NEIL", "en", "John O'Neil"),
        ("A. DEMO", None, "A. Demo"),
        ("QAYA MMC", "az", "Qaya MMC"),
        ("ООО РОМАШКА", "ru", "ООО Ромашка"),
        ("McDonald Demo", "en", "McDonald Demo"),
        ("Anar DEMO", None, "Anar DEMO"),
        ("123", None, "123"),
    ],
)
def test_name_in_capitals_or_small_letters_gets_title_case(
    name: str, language: str | None, expected: str
) -> None:
    assert title_case(name, language) == expected


@given(st.text(max_size=30), st.sampled_from([None, "az", "tr", "ru", "en"]))
def test_title_case_of_a_name_is_idempotent(name: str, language: str | None) -> None:
    once = title_case(name, language)
    assert title_case(once, language) in {once, title_case(once.upper(), language)}


def test_empty_parts_of_a_description_template_are_left_out() -> None:
    rows = [
        row(Qeyd="vip", Bonus="12"),
        row(Name="Lale Demo", Phone="0500000002", Qeyd="", Bonus="7"),
        row(Name="Zaur Demo", Phone="0500000003", Qeyd="", Bonus=""),
    ]
    prepared = shaped(rows, description="{Qeyd}; bonus {Bonus}")
    assert prepared.values["description"].fillna("").tolist() == ["vip; bonus 12", "bonus 7", ""]
    assert "(2 rows)" in notes(prepared)
    assert not prepared.mapping.unused


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{Qyed}", "Qeyd"),
        ("no column", "not a template"),
        ("{", "not a template"),
        ("{Qeyd!r}", "not a template"),
        ("{Qeyd:>10}", "not a template"),
        ("{}", "not a template"),
        ("{Password}", "holds secrets"),
    ],
)
def test_template_that_cannot_be_read_is_an_error(template: str, why: str) -> None:
    with pytest.raises(UsageError) as told:
        shaped([row(Qeyd="vip", Password="x")], description=template)
    assert why in f"{told.value.what} {told.value.fix}"


def test_replaced_text_is_parsed_and_reported() -> None:
    rows = [
        row(Cins="Dişi"),
        row(Name="Zaur Demo", Phone="0500000002", Cins=""),
        row(Name="Lale Demo", Phone="0500000003", Cins="?"),
        row(Name="Aysel Demo", Phone="0500000004", Cins="dişi"),
    ]
    rules = ("Cins: Dişi=female", "Cins: =male", "Cins: *=")
    prepared = shaped(rows, replace=rules)
    assert prepared.values["gender"].fillna(0).tolist() == [2, 1, 0, 2]
    assert "«Dişi» is taken as «female» (1 row)" in notes(prepared)
    assert prepared.sheet.table[2].tolist() == ["Dişi", "", "?", "dişi"]
    assert prepared.changes
    said = prepared.changes.of(prepared.values.index.to_numpy())
    assert said is not None
    assert "gender read from Dişi" in said[0].as_py()


def test_code_prefix_is_added_to_every_code() -> None:
    rows = [row(Code="007"), row(Name="Lale Demo", Phone="0500000002", Code="")]
    prepared = shaped(rows, code_prefix="OLD-")
    assert prepared.values["code"].fillna("").tolist() == ["OLD-007", ""]
    assert "(1 row)" in notes(prepared)


@pytest.mark.parametrize(
    ("condition", "cells", "kept"),
    [
        ("Son alış >= 2020", ["15.03.2021", "2019-12-31", "2020", "", "sonra"], [0, 2]),
        ("Son alış >= 2020-06-15", ["15.06.2020", "14.06.2020", "2021-01-01", "x"], [0, 2]),
        ("Son alış < 100", ["99,5", "100", "1 000", "-3", "1.234", "n/a"], [0, 3]),
        ("Son alış > 1500", ["1,234.50", "1.600,00", "2 000", "1501"], [1, 2, 3]),
        ("Son alış > 1 500", ["1,234.50", "900", "2 000", "1501"], [2, 3]),
        ("Son alış = 2020-06-15", ["15.06.2020", "14.06.2020", "2020-06-15", ""], [0, 2]),
        ("Son alış != 2020-06-15", ["15.06.2020", "14.06.2020", "2020-06-15", ""], [1]),
        ("Son alış = VIP", ["vip", "Vip ", "gold", ""], [0, 1]),
        ("Son alış != bağlı", ["bağlı", "BAĞLI", "açıq", ""], [2, 3]),
        ("Son alış != ", ["x", "", "-"], [0]),
        ("son alis = x", ["x", "y"], [0]),
    ],
)
def test_rows_excluded_by_a_condition_are_held_back_and_counted(
    condition: str, cells: list[str], kept: list[int]
) -> None:
    rows = [
        row(Name=f"Demo {n}", Phone=f"05000000{n:02}") | {"Son alış": text}
        for n, text in enumerate(cells)
    ]
    prepared = shaped(rows, where=(condition,))
    assert [n - 2 for n in prepared.values.index] == kept
    assert all(outcome.decided for outcome in prepared.invalid.values())
    assert len(prepared.invalid) == len(cells) - len(kept)
    assert f"{len(cells) - len(kept)} row" in notes(prepared)


def test_most_frequent_replacements_and_groups_are_shown() -> None:
    texts = [*(f"text {n}" for n in range(12)), "text 11"]
    rows = [row(Name=f"D {n}", Phone=f"05000000{n:02}", Q=t) for n, t in enumerate(texts)]
    for shape in ({"replace": ("Q: *=x",)}, {"group_column": "Q", "group_map": ("*=x",)}):
        prepared = shaped(rows, **shape)
        found = [note for note in prepared.notes if "«x»" in note]
        assert len(found) == 10
        assert "«text 11»" in found[0]
        assert "and 2 more" in prepared.notes


def test_condition_on_dates_reads_them_in_the_order_of_the_profile() -> None:
    cells = ["03.04.2020", "04.03.2020"]  # which prove no order by themselves
    rows = [row(Name=f"Demo {n}", Phone=f"05000000{n:02}", Son=c) for n, c in enumerate(cells)]
    for profile, kept in (("epos", [2]), ("square", [3])):
        options = SheetOptions(
            choices=MappingChoices(profile=profile, given=(("name", "Name"), ("phone", "Phone"))),
            shape=Shape(where=("Son >= 2020-04-01",)),
            region="AZ",
        )
        prepared = prepare(pd.DataFrame(rows, dtype=str), options)
        assert prepared.values.index.tolist() == kept


def test_all_conditions_have_to_hold() -> None:
    rows = [row(A="1", B="x"), row(A="1", B="y", Name="Lale Demo", Phone="0500000002")]
    prepared = shaped(rows, where=("A = 1", "B = y"))
    assert prepared.values.index.tolist() == [3]
    assert prepared.outcomes[2].status is Status.INVALID
    assert prepared.outcomes[2].message == "left out by --where"


def test_group_names_are_mapped_with_a_fallback() -> None:
    rows = [
        row(Qrup="VIP"),
        row(Name="Lale Demo", Phone="0500000002", Qrup="köhnə"),
        row(Name="Zaur Demo", Phone="0500000003", Qrup=""),
    ]
    prepared = shaped(rows, group_column="Qrup", group_map=("vip=Gold", "*=All"))
    assert prepared.groups.counts() == {"Gold": 1, "All": 1}
    assert "group «VIP» is «Gold» (1 row)" in notes(prepared)


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ({"where": ("Qeyd",)}, "not a condition"),
        ({"where": ("Qyed = 1",)}, "Qeyd"),
        ({"where": ("Qeyd > 1.234",)}, "not a condition"),  # 1234, or a little more than 1
        ({"where": ("Qeyd >= 2020-13-45",)}, "not a condition"),
        ({"replace": ("Qeyd",)}, "not a rule"),
        ({"replace": ("Qyed: a=b",)}, "Qeyd"),
        ({"group_map": ("x",)}, "not a rule"),
    ],
)
def test_invalid_rule_is_an_error_with_its_reason(shape: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError) as told:
        shaped([row(Qeyd="1", Qrup="a")], group_column="Qrup", **shape)
    assert why in f"{told.value.what} {told.value.fix}"
