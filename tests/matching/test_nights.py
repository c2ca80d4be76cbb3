"""Single causes over several nights: the journal of one night decides the next."""

from __future__ import annotations

from importer.matching.match import match
from importer.matching.verdicts import Kind, KnownCustomer, Matches, MatchOptions, Presence
from tests.matching.people import at_clopos, holders_for, in_journal, rows


def kinds(found: Matches) -> list[str]:
    return [f"{verdict.kind} {verdict.rule}" for verdict in found.verdicts]


def test_open_conflict_stays_a_conflict_wherever_its_row_is_in_the_sheet() -> None:
    """The row of the holder leaves the sheet, moves, or returns; that decides nothing."""
    held = rows("Vəli p1")[0].evidence
    ali = in_journal("1", "Əli p1")._replace(held=(held,), presence=Presence.HERE, had_row=True)
    sheets = (["Əli p1", "Vəli p1"], ["Vəli p1", "Əli p1"], ["Vəli p1"], ["Nigar p2", "Vəli p1"])
    for sheet in sheets:
        verdicts = dict(zip(sheet, match(rows(*sheet), {"1": ali}).verdicts, strict=True))
        assert verdicts["Vəli p1"].kind is Kind.CONFLICT
        assert verdicts["Vəli p1"].customers == ("1",)


def test_row_with_a_new_phone_stays_a_conflict_after_its_customer_left_the_sheet() -> None:
    held = rows("Sevda p2")[0].evidence
    sevda = in_journal("1", "Sevda p1")._replace(held=(held,), had_row=False)
    assert kinds(match(rows("Sevda p2"), {"1": sevda})) == ["conflict M12b"]


def test_duplicate_customer_that_loses_its_phone_is_still_matched() -> None:
    """Night 1 matched customer 1 by its phone; the staff then move the phone to customer 2."""
    row = rows("Sevda p1 e1")[0]
    one = at_clopos("1", "Sevda")._replace(seen=(row.evidence,))
    two = at_clopos("2", "Sevda p1")
    [verdict] = match([row], {"1": one, "2": two}).verdicts
    assert (verdict.kind, verdict.customers) == (Kind.EXISTS, ("1",))


def test_ids_of_a_sandbox_are_failed_claims() -> None:
    sheet = rows("#1 Sevda p1", "#2 Nigar p2", "#3 Leyla p3", "#9 Röya p4")
    real = {
        "1": at_clopos("1", "Orxan p7"),
        "2": at_clopos("2", "Tural p8"),
        "3": at_clopos("3", "Emin p9"),
        "4": at_clopos("4", "Leyla p3"),
    }
    found = match(sheet, real)
    assert kinds(found) == ["create M14", "create M14", "exists M5", "create M14"]
    assert found.dropped_claims == (2, 3, 4, 5)


def test_branches_with_the_same_codes_are_a_question_and_not_matched_by_code() -> None:
    """The codes 1, 2, 3 … of the second branch are other people."""
    names = ["Sevda", "Nigar", "Leyla", "Röya", "Könül", "Fidan"]
    others = ["Orxan", "Tural", "Emin", "Anar", "Zaur", "Fuad"]
    known = {str(n): at_clopos(str(n), f"{name} p{n} c{n}") for n, name in enumerate(others)}
    sheet = rows(*(f"{name} p{n + 50} c{n}" for n, name in enumerate(names)))
    found = match(sheet, known)
    assert [question.code for question in found.questions] == ["shared_codes"]
    assert len(found.questions[0].rows) == len(names)
    accepted = match(sheet, known, MatchOptions(accepted=frozenset(["shared_codes"])))
    assert not accepted.questions
    assert {verdict.kind for verdict in accepted.verdicts} == {Kind.CONFLICT}


def test_five_people_with_two_codes_each_are_a_question() -> None:
    names = ["Sevda", "Nigar", "Leyla", "Röya", "Könül"]
    sheet = [f"{name} p{n} c{n}{suffix}" for suffix in "12" for n, name in enumerate(names)]
    assert [question.code for question in match(rows(*sheet), {}).questions] == ["two_codes"]
    assert not match(rows(*sheet[:-1]), {}).questions
    accepted = MatchOptions(accepted=frozenset(["two_codes"]))
    assert not match(rows(*sheet), {}, accepted).questions


def test_copied_rows_are_duplicates_of_one_customer() -> None:
    known = {"1": in_journal("1", "Sevda p1 c7")}
    found = match(rows("Sevda p1 c7", "Sevda p1 c7", "Sevda p1"), known)
    assert kinds(found) == ["exists M3", "duplicate M3", "duplicate M5"]


def test_many_deleted_customers_are_a_question() -> None:
    def gone(number: int) -> KnownCustomer:
        known = in_journal(str(number), f"Sevda p{number}")
        return known._replace(presence=Presence.GONE)

    sheet = rows(*(f"Sevda p{number}" for number in range(11)))
    found = match(sheet, {str(number): gone(number) for number in range(11)})
    assert [question.code for question in found.questions] == ["gone"]
    few = match(sheet[:10], {str(number): gone(number) for number in range(10)})
    assert not few.questions


def test_rows_with_nothing_but_a_name_are_matched_by_their_number() -> None:
    known = {str(n): in_journal(str(n), "Sevda") for n in (1, 2)}
    found = match(rows("Sevda", "Sevda", "Sevda"), known)
    assert sorted(kinds(found)) == ["create M14", "exists M12", "exists M12"]
    assert len({verdict.customers for verdict in found.verdicts}) == 3


def test_shared_code_belongs_to_the_first_row_and_the_others_are_conflicts() -> None:
    found = match(rows("Əli p1 c7", "Nigar p2 c7"), {})
    assert kinds(found) == ["create M14", "conflict M4"]
    assert found.verdicts[1].without == ("code",)


def test_values_that_a_look_up_cannot_see_are_reported() -> None:
    options = MatchOptions(visible=frozenset(["phone", "name"]))
    [verdict] = match(rows("Sevda p1 c7 e1"), {}, options).verdicts
    assert verdict.unseen == ("cid", "code", "email")


def test_claim_of_a_row_created_with_a_dropped_value_is_accepted() -> None:
    """The phone was fixed in the results file, which is then run."""
    known = {"17": in_journal("17", "Sevda e1")._replace(presence=Presence.HERE)}
    found = match(rows("#17 Sevda p1 e1"), known)
    assert kinds(found) == ["exists M1"]
    assert found.verdicts[0].differs == ("phone",)


def test_accepted_namesake_is_matched_with_one_row_only() -> None:
    sevda = in_journal("1", "Sevda p1")._replace(had_row=True)
    options = MatchOptions(accepted=frozenset(["same_name"]))
    found = match(rows("Sevda p2", "Sevda p3"), {"1": sevda}, options)
    assert kinds(found) == ["exists M12b", "create M14"]


def test_held_row_is_matched_by_its_held_values() -> None:
    """The store finds customers by their own values, none of which a held row may share."""
    held = rows("Sevda p2")[0].evidence
    sevda = in_journal("1", "Sevda p1")._replace(held=(held,))
    assert kinds(match(rows("Sevda p2"), {"1": sevda}, holders={})) == ["conflict M12b"]


def test_few_shared_codes_among_many_own_ones_are_no_question() -> None:
    known = {str(n): in_journal(str(n), f"Sevda p{n} c{n}") for n in range(40)}
    own = [f"Sevda p{n} c{n}" for n in range(30)]
    others = [f"Orxan p{n + 100} c{n}" for n in range(30, 38)]
    assert not match(rows(*own, *others), known).questions
    assert match(rows(*own[:5], *others), known).questions


def test_row_held_before_it_was_created_is_matched_with_its_own_customer() -> None:
    """It was sent without the shared phone; the store finds it by all values."""
    sheet = rows("Əli p1", "Vəli p1")
    ali = in_journal("1", "Əli p1")._replace(held=(sheet[1].evidence,), presence=Presence.HERE)
    veli = at_clopos("2", "Vəli")._replace(seen=(sheet[1].evidence,))
    known = {"1": ali, "2": veli}
    verdicts = match(sheet, known, holders=holders_for(sheet, known)).verdicts
    assert [verdict.customers for verdict in verdicts] == [("1",), ("2",)]
    assert {verdict.kind for verdict in verdicts} == {Kind.EXISTS}
