"""The pages about the list, without a browser: forms as a page without script sends them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.i18n import set_language
from importer.pipeline import check
from importer.questions.catalogue import KINDS
from importer.records import Status
from importer.ui import columns_routes
from importer.ui.render import _environment
from importer.ui.words import settled_words
from tests.ui.conftest import CUSTOMERS, SHEET, real_time, serving, words_of
from tools.message_places import messages

SAMPLES = Path(__file__).parents[2] / "samples" / "exports"
HOSTILE = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"'><b>&amp;", "{{ 7*7 }}")
cells = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), max_size=12))
NAMES = "Иван Пётр Анна Олег Ольга Игорь Нина Павел Юлия Семён Вера Денис".split()
TAGS = re.compile(r"<(script|img|b|svg|iframe|a)\b[^>]*>", re.IGNORECASE)


@real_time
async def test_first_page_lists_the_sheets_of_the_folder_and_opens_them(folder: Path) -> None:
    (folder / f"{SHEET}.mapping.toml").write_text('name = ["Ad Soyad"]\n', encoding="utf-8")
    (folder / f"{SHEET}.fixes.jsonl").touch()
    (folder / f"{SHEET}.results.xlsx").touch()
    async with serving(folder) as browser:
        page = words_of(await browser.get(""))
        assert f"{SHEET} 1 KB" in page
        assert "1 results file" in page
        assert "fixes" not in page
        page = words_of(await browser.get(f"sheets/{SHEET}/columns"))
        assert "semicolon" in page
        assert "Phone numbers without a country are of Azerbaijan (+994)" in page
        assert "1 customer as Clopos" in words_of(await browser.get(f"sheets/{SHEET}/customers"))
        found = words_of(await browser.get(f"sheets/{SHEET}/rows?q=leyla"))
        assert "Qad1n" in found
        assert "Aysel" not in found
        assert "Leyla" in await browser.get(f"sheets/{SHEET}/rows?q=4")


@real_time
async def test_columns_say_whose_country_the_phones_are_of(folder: Path) -> None:
    (folder / "uk.csv").write_text(
        "Name,Phone,Country,City\nAnn Demo,0161 496 0001,GB,Leeds\nBob Demo,0161 496 0002,GB,\n",
        encoding="utf-8",
    )
    (folder / "ge.csv").write_text("Name,Phone (+995)\nNino Demo,555000002\n", encoding="utf-8")
    async with serving(folder) as browser:
        page = words_of(await browser.get("sheets/uk.csv/columns"))
        assert "phones without a country code: of the country in column «Country»" in page
        assert "Phone numbers without a country are of" not in page.partition("Read the file")[0]
        unused = page.partition("Not used")[2].partition("Read the file")[0]
        assert "City" in unused
        assert "Country" not in unused
        page = words_of(await browser.get("sheets/ge.csv/columns")).partition("Read the file")[0]
        assert "«Phone (+995)»: of the country that its header names" in page
        assert "Phone numbers without a country are of" not in page


@real_time
async def test_empty_folder_and_missing_folder_are_shown_as_such(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    async with serving(folder) as browser:
        assert "No list is here yet" in await browser.get("")
        folder.rmdir()
        page = words_of(await browser.get("", status=400))
        assert "The folder can't be read" in page
        assert "Fix:" in page


@real_time
async def test_answer_to_a_question_can_be_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    rows = "".join(f"{name} Demo;8903555{n:04}\n" for n, name in enumerate(NAMES))
    (folder / "few.csv").write_text(f"Имя;Телефон\n{rows}", encoding="utf-8")
    saved = folder / "few.csv.mapping.toml"
    questions, code = "sheets/few.csv/questions", {"code": "other_region"}
    async with serving(folder) as browser:
        page = await browser.get("sheets/few.csv/next")
        assert "They are numbers of Russia (+7)" in words_of(page)
        last = re.findall(r'name="answer" value="(\d+)"', page)[-1]
        after = await browser.get(await browser.post(questions, code | {"answer": last}))
        assert "12 rows are held back" in words_of(after), words_of(after)
        await browser.post(f"{questions}/again", code)
        after = await browser.get(await browser.post(questions, code | {"answer": "1"}))
        assert "12 customers as Clopos" in words_of(after)
        assert 'region = "RU"' in saved.read_text("utf-8")
        page = await browser.post(questions, code | {"answer": "1"}, status=400)
        assert "This question is not open any more" in page


@pytest.mark.slow(reason="counts what each answer makes ready, of a hundred odd phones")
@real_time
async def test_question_is_answered_by_one_form_and_check_uses_the_answer(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    sheet = folder / "poster-ru.csv"
    sheet.write_bytes((SAMPLES / "poster-ru.csv").read_bytes())
    async with serving(folder) as browser:
        page = words_of(await browser.get("sheets/poster-ru.csv/questions"))
        assert "They are numbers of Russia (+7) then 75 rows are ready +37" in page
        form = {"code": "other_region", "answer": "1"}
        next_page = await browser.get(await browser.post("sheets/poster-ru.csv/questions", form))
        assert "23 rows are held back" in words_of(next_page), "no question is left: the problems"
        page = words_of(await browser.get("sheets/poster-ru.csv/questions"))
        assert "75 rows are ready to be sent. 23 rows are held back." in page
        assert 'region = "RU"' in (folder / "poster-ru.csv.mapping.toml").read_text("utf-8")
        result = check(sheet)
        assert result.summary.counts
        assert result.summary.counts[Status.READY] == 75
        again = await browser.post("sheets/poster-ru.csv/questions", form, status=400)
        assert "This question is not open any more" in again


@pytest.mark.slow(reason="counts what each answer makes ready, of a hundred odd phones")
@real_time
async def test_accepting_a_question_can_be_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "poster-ru.csv").write_bytes((SAMPLES / "poster-ru.csv").read_bytes())
    async with serving(folder) as browser:
        page = await browser.get("sheets/poster-ru.csv/questions")
        last = re.findall(r'name="answer" value="(\d+)"', page)[-1]
        await browser.post(
            "sheets/poster-ru.csv/questions", {"code": "other_region", "answer": last}
        )
        page = await browser.get("sheets/poster-ru.csv/questions")
        assert "No question is open" in page
        assert "Phones that are numbers of another country: AZ RU" in words_of(page)
        await browser.post("sheets/poster-ru.csv/questions/again", {"code": "other_region"})
        assert "1 question only you can answer" in words_of(
            await browser.get("sheets/poster-ru.csv/questions")
        )


@real_time
async def test_chosen_columns_are_saved_at_once(folder: Path) -> None:
    async with serving(folder) as browser:
        status, answer = await browser.ask(f"sheets/{SHEET}/columns/fit?field=phone&column=2")
        assert status == 200
        assert answer["text"]["fits-phone"] == "0%"
        form = {"name": "0", "phone": "1", "email": "", "description": "2", "then": "columns"}
        assert (await browser.post(f"sheets/{SHEET}/columns", form)).endswith("/columns")
        saved = (folder / f"{SHEET}.mapping.toml").read_text("utf-8")
        assert 'description = ["E-poçt"]' in saved
        assert "email = []" in saved
        assert "saved" in words_of(await browser.get(f"sheets/{SHEET}/columns"))
        page = words_of(await browser.post(f"sheets/{SHEET}/columns", {"name": ""}, status=400))
        assert "No column holds the customers' names" in page
        assert 'name = ["Ad Soyad"]' in (folder / f"{SHEET}.mapping.toml").read_text("utf-8")


@real_time
async def test_other_pages_of_a_sheet_with_ambiguous_columns_lead_to_the_columns(
    folder: Path,
) -> None:
    (folder / "two.csv").write_text(
        "Name,Telefon 1,Telefon 1\nA Demo,0500000001,0500000002\nB Demo,0500000003,0500000004\n",
        encoding="utf-8",
    )
    (folder / "none.csv").write_text("X,Y\n1,2\n3,4\n", encoding="utf-8")
    async with serving(folder) as browser:
        assert "Telefon 1 (2)" in words_of(await browser.get("sheets/two.csv/columns"))
        for page in ("questions", "customers", "rows"):
            shown = words_of(await browser.get(f"sheets/none.csv/{page}"))
            assert "No column holds the customers' names" in shown
            assert "Read the file differently" in shown


@real_time
async def test_unreadable_sheet_shows_the_error_and_options_of_reading(
    folder: Path,
) -> None:
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (folder / "titled.csv").write_text(f"Report of May\n\nX;Y\n{CUSTOMERS}", encoding="utf-8")
    async with serving(folder) as browser:
        page = words_of(await browser.get("sheets/picture.csv/columns"))
        assert "a picture" in page
        assert "Encoding of the text" in page
        form = {"header_row": "4", "region": "", "dates": "DMY", "encoding": "", "delimiter": ";"}
        await browser.post("sheets/titled.csv/reading", form)
        page = words_of(await browser.get("sheets/titled.csv/columns"))
        assert "header in row 4" in page
        saved = (folder / "titled.csv.mapping.toml").read_text("utf-8")
        assert "header_row = 4" in saved
        assert 'dates = "DMY"' in saved
        for row in ("four", "0", "9" * 5000):
            wrong = await browser.post(
                "sheets/titled.csv/reading", form | {"header_row": row}, status=400
            )
            assert "This is not a row" in wrong
        await browser.post("sheets/titled.csv/reading", form | {"encoding": "klingon"})
        page = words_of(await browser.get("sheets/titled.csv/columns"))
        assert "klingon" in page
        await browser.post("sheets/titled.csv/reading", form)
        assert "header in row 4" in words_of(await browser.get("sheets/titled.csv/columns"))


def renamed_files(folder: Path) -> list[str]:
    return [each.read_text("utf-8") for each in folder.glob("*.aside-*")]


@real_time
async def test_damaged_mapping_is_an_error_that_names_the_file(folder: Path) -> None:
    mapping = folder / f"{SHEET}.mapping.toml"
    async with serving(folder) as browser:
        for text in ('name = ["Ad So', "phone = 7\n", 'name = ["Of another sheet"]\n', "\0"):
            mapping.write_text(text, encoding="utf-8")
            page = words_of(await browser.get(f"sheets/{SHEET}/questions"))
            assert mapping.name in page
            assert "Fix:" in page
            assert "Rename the file" in page
        leads_to = await browser.post(f"sheets/{SHEET}/columns/anew", {})
        assert "saved in" not in words_of(await browser.get(leads_to))
        assert "No question is open" in await browser.get(f"sheets/{SHEET}/questions")
        await browser.post(f"sheets/{SHEET}/columns/anew", {})
    assert not mapping.exists()
    assert renamed_files(folder) == ["\0"]


@real_time
async def test_sheet_changed_on_disk_is_read_anew(folder: Path) -> None:
    async with serving(folder) as browser:
        assert "1 customer as" in words_of(await browser.get(f"sheets/{SHEET}/customers"))
        with (folder / SHEET).open("a", encoding="utf-8") as file:
            file.write("Nigar Demo;050 000 00 05;;;\n")
        assert "2 customers as" in words_of(await browser.get(f"sheets/{SHEET}/customers"))
        (folder / SHEET).unlink()
        await browser.get(f"sheets/{SHEET}/customers", status=404)


@real_time
async def test_pages_are_in_the_chosen_language(folder: Path) -> None:
    async with serving(folder) as browser:
        browser.site.language = None
        async with browser.session.get(
            browser.address(""), headers={"Accept-Language": "de,tr;q=0.8,en;q=0.5"}
        ) as answer:
            assert '<html lang="tr">' in await answer.text()
        await browser.post("language", {"language": "ru", "back": "http://evil.example/"})
        assert '<html lang="ru">' in await browser.get("")
        assert browser.site.remembered_language() == "ru"
        assert await browser.post("language", {"language": "xx", "back": browser.site.root})
        assert browser.site.language == "ru"


@real_time
async def test_messages_of_rows_are_in_the_chosen_language(folder: Path) -> None:
    async with serving(folder) as browser:
        before = await browser.get(f"sheets/{SHEET}/rows")
        assert "not an e-mail address" in before
        await browser.post("language", {"language": "tr"})
        after = await browser.get(f"sheets/{SHEET}/rows")
        assert "not an e-mail address" not in after
        assert "e-posta adresi değil" in after


def test_capital_first_letter_follows_the_language() -> None:
    texts = []
    for language in ("en", "az", "tr", "ru"):
        set_language(language)
        texts.append(_environment().from_string("{{ 'ilsiz' | sentence }}").render())
    set_language("en")
    assert texts == ["Ilsiz", "İlsiz", "İlsiz", "Ilsiz"]


@pytest.mark.slow(reason="counts what each answer makes ready, of a hundred odd phones")
@real_time
async def test_page_names_fields_and_countries_in_place_of_flags_of_a_command(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "poster-ru.csv").write_bytes((SAMPLES / "poster-ru.csv").read_bytes())
    (folder / "two.csv").write_bytes("Ad;Telefon\nƏli Demo;0500000001\n".encode())
    (folder / "two.csv.mapping.toml").write_text('[reading]\nencoding = "ascii"\n')
    async with serving(folder) as browser:
        for language, luxembourg in (("en", "Luxembourg"), ("ru", "Люксембург")):
            await browser.post("language", {"language": language})
            page = words_of(await browser.get("sheets/poster-ru.csv/questions"))
            assert luxembourg in page
            assert "--" not in page
            assert not re.search(r"\b(RU|AZ|LU)\b", page)
        await browser.post("language", {"language": "en"})
        page = words_of(await browser.get("sheets/poster-ru.csv/rows"))
        assert "not a phone number" in page
        assert "--" not in page
        page = words_of(await browser.get("sheets/two.csv/columns"))
        assert "«Encoding of the text»" in page
        assert "--" not in page


@real_time
async def test_number_of_problems_is_the_same_on_every_page(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "a.csv").write_text(
        "Ad,Telefon\nAysel Demo,0500000001\nOrxan Demo,12\nLeyla Demo,0500000001\n"
        "Aysel Demo,0500000001\n"
    )
    async with serving(folder) as browser:
        for address in ("questions", "problems", "customers"):
            page = await browser.get(f"sheets/a.csv/{address}")
            assert '<span class="state" id="state-problems">2</span>' in page
            if address != "customers":
                assert "2 rows are held back" in words_of(page)
        page = words_of(await browser.get("sheets/a.csv/problems"))
        assert "1 ready · 1 with a problem of its own · 2 repeat or contradict another row" in page


@real_time
async def test_simultaneous_requests_in_two_languages_do_not_mix(folder: Path) -> None:
    async with serving(folder) as browser:
        browser.site.language = None

        async def asked(language: str) -> bool:
            async with browser.session.get(
                browser.address(f"sheets/{SHEET}/columns"), headers={"Accept-Language": language}
            ) as answer:
                return f'<html lang="{language}">' in await answer.text()

        assert all(await asyncio.gather(*(asked(each) for each in ("az", "en", "ru", "tr") * 5)))


@real_time
async def test_bug_is_reported_with_its_place_and_without_customer_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("Aysel Demo")

    monkeypatch.setattr(columns_routes, "_context", fails)
    async with serving(folder) as browser:
        page = words_of(await browser.get(f"sheets/{SHEET}/columns", status=500))
        assert "Internal error" in page
        assert "test_pages.py" in page
        assert "Aysel" not in page


async def tags_of(folder: Path, sheet: list[list[str]]) -> set[str]:
    """Return the tags of all pages about a sheet, except links, whose addresses have its name."""
    rows = [";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in sheet]
    (folder / "x.csv").write_text("\n".join(rows), encoding="utf-8")
    found: set[str] = set()
    async with serving(folder) as browser:
        for page in ("columns", "questions", "customers", "rows?q=%3Cscript%3E", "rows"):
            text = await browser.get(f"sheets/x.csv/{page}")
            found |= {match[0] for match in TAGS.finditer(text) if match[1] != "a"}
    return {re.sub(r"/[0-9a-f]{32}/", "/key/", tag) for tag in found}


TAME = [["Ad", "Telefon", "Q", "R"], ["Aysel", "050 000 00 01", "x", "y"]]


def hostile_sheet(texts: list[str], headers: list[str]) -> list[list[str]]:
    name, phone, *others = texts
    return [
        ["Ad", "Telefon", *headers[:2]],
        [name or "A", phone, *others[:2]],
        ["Aysel", "050 000 00 01", *others[-2:]],
    ]


@real_time
async def test_hostile_cells_never_become_markup(folder: Path) -> None:
    hostile = hostile_sheet([*HOSTILE, HOSTILE[0]], list(HOSTILE[:2]))
    assert await tags_of(folder, hostile) <= await tags_of(folder, TAME)


@pytest.mark.slow(reason="dozens of servers")
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(cells, min_size=5, max_size=5), headers=st.lists(cells, min_size=2))
def test_no_cell_or_header_becomes_markup(
    folder: Path, texts: list[str], headers: list[str]
) -> None:
    """For any cells and headers, the tags of a page are those of a page with harmless cells."""
    hostile = asyncio.run(tags_of(folder, hostile_sheet(texts, headers)))
    assert hostile <= asyncio.run(tags_of(folder, TAME))


def test_every_question_has_a_text_for_its_settled_state() -> None:
    for kind in KINDS:
        assert settled_words(kind.code, "Kod") != f"{kind.code}: Kod"


@pytest.mark.usefixtures("untraced")
def test_no_text_of_the_page_says_to_run_a_command_again() -> None:
    terminal = ("importer/cli/", "importer/fleet/", "clopos-import", "click/")
    shown = [each for each in messages() if not each.where.startswith(terminal)]
    assert len(shown) > 500
    wrong = re.compile(r"(same|this|the) command\b.*\bagain")
    assert [each for each in shown if wrong.search(str(each.text))] == []
