"""Texts of the program are complete in four languages, with the same values in each."""

from __future__ import annotations

import ast
import functools
import gettext
import json
import re
import string
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import pytest
from babel import Locale
from babel.messages import Message
from babel.numbers import format_percent
from phonenumbers import SUPPORTED_REGIONS

from importer import i18n as messages
from importer.cli.commands import commands
from importer.cli.main import run_command
from importer.cli.render_results import verification_lines
from importer.i18n import LANGUAGES, date_and_time, language_from_env, number, percent, tr, trn
from importer.mapping.countries import country_name
from importer.pipeline.verify import Verified
from importer.pipeline.verify_checks import Difference
from importer.records import RESULT_COLUMNS
from importer.report.page import render
from importer.results.reader import read_results
from importer.results.summary import Summary
from tests.report.test_report import WHEN, facts, rows
from tools.message_places import Message as Placed
from tools.message_places import messages as placed_messages
from tools.messages import ROOT, TRANSLATED, extracted, path_of, read, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# JSON for programs
JSON = {
    *("sandbox/checks.py", "sandbox/config.py", "sandbox/faults.py", "sandbox/inspection.py"),
    "sandbox/server.py",
}
SOURCES = [
    path
    for path in sorted((ROOT / "importer").rglob("*.py"))
    if path.relative_to(ROOT / "importer").as_posix() not in JSON
]
ERRORS = {"ImporterError", "UsageError", "ServiceError", "StoppedError"}
SHOWING = {"say", "busy", "echo", "bar"}  # what a user sees first
TRANSLATING = {"tr", "trn", "tr_noop"}
FOR_A_SHELL = {"export ", "unset CLOPOS_INTEGRATOR_ID"}


@functools.cache
def messages_in_place() -> tuple[Placed, ...]:
    return tuple(placed_messages())


extracted_once = functools.cache(extracted)


def forms(message: Message) -> tuple[str, ...]:
    """Return the translations of a message, one for each plural form."""
    said = message.string
    return (said,) if isinstance(said, str) else tuple(said or ())


def fields(text: str) -> Counter[tuple[str, str | None, str | None]]:
    """Return the placeholders of a text with their formats, and how often each stands there."""
    return Counter(
        (name, spec, conversion)
        for _, name, spec, conversion in string.Formatter().parse(text)
        if name is not None
    )


def flaws_of(message: Message, plurals: int) -> Iterator[str]:
    """Yield the flaws in the translations of one message."""
    english = (message.id,) if isinstance(message.id, str) else message.id
    if len(forms(message)) != (1 if isinstance(message.id, str) else plurals):
        yield "plural forms are missing"
    if message.fuzzy:
        yield "nobody has looked at it"
    for said in forms(message):
        if not said.strip():
            yield "no translation"
        elif fields(said) not in [fields(text) for text in english]:
            yield f"other placeholders: {said}"
        elif re.findall(r"^\s*|\s*$", said) != re.findall(r"^\s*|\s*$", english[0]):
            yield f"other spaces at its ends: {said}"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(language: str) -> None:
    """Every placeholder and plural form is there. `make messages` adds new messages."""
    catalogue = read(language)
    has = {message.id for message in catalogue if message.id}
    needs = {message.id for message in extracted_once() if message.id}
    assert sorted(map(str, needs - has)) == []
    assert sorted(map(str, has - needs)) == []
    wrong = [
        f"{message.id}: {what}"
        for message in catalogue
        if message.id
        for what in flaws_of(message, catalogue.num_plurals)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_compiled_catalogue_equals_its_source(language: str) -> None:
    """The program reads the compiled catalogue: `make messages` compiles it."""
    with path_of(language, ".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in read(language):
        if message.id:
            one, *many = [message.id] if isinstance(message.id, str) else message.id
            read_back = {compiled.ngettext(one, many[0], n) for n in range(30)} if many else set()
            assert (read_back or {compiled.gettext(one)}) == set(forms(message))


@pytest.mark.parametrize(
    ("english", "said", "wrong"),
    [
        ("a {n}", "", "no translation"),
        ("a {n}", "б", "other placeholders: б"),
        ("a {n}", "б {n}б {n}", "other placeholders: б {n}б {n}"),
        ("a {n:.0f}", "б {n}", "other placeholders: б {n}"),
        (" a", "б", "other spaces at its ends: б"),
        (("{n} a", "{n} as"), ("{n} б",), "plural forms are missing"),
    ],
)
def test_flaw_in_a_translation_is_found(
    english: str | tuple[str, str], said: str | tuple[str, ...], wrong: str
) -> None:
    assert list(flaws_of(Message(english, said), 3)) == [wrong]
    assert list(flaws_of(Message("a", "б", flags=["fuzzy"]), 3)) == ["nobody has looked at it"]


@pytest.mark.parametrize(
    ("text", "where", "role"),
    [
        ("no name", "importer/problems.py", "a problem of a row"),
        ("export again in UTF-8, or type the name", "problems.py", "a problem of a row: fix"),
        ("All brands of the file.", "clopos-import fleet run --all", "help"),
        ("What to do next", "importer/report/page.html", "<h2>"),
        ("see {command} --help", "importer/cli/output.py", "UsageError: fix"),
    ],
)
def test_message_is_shown_with_its_file_and_role(text: str, where: str, role: str) -> None:
    found = [message for message in messages_in_place() if message.text == text]
    assert [(where in each.where, each.role) for each in found] == [(True, role)]


def test_message_is_shown_with_each_plural_form() -> None:
    block = shown(Placed(("{n} row", "{n} rows"), "a.py:1 f", "say(…)"), {"ru": read("ru")})
    assert block.splitlines() == [
        "a.py:1 f  say(…)",
        *("  en  {n} row", "  en  {n} rows"),
        *("  ru  {n} строка", "  ru  {n} строки", "  ru  {n} строк"),
    ]


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def words_in(node: ast.expr | None) -> Iterator[str]:
    """Yield the words of an expression that are outside of calls of `tr`."""
    match node:
        case ast.Constant(value=str(text)) if re.search("[a-zA-Z]{2}", text):
            yield text
        case ast.JoinedStr(values=parts):
            for part in parts:
                yield from words_in(part)
        case ast.BinOp(left=left, right=right):
            yield from (*words_in(left), *words_in(right))
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*words_in(body), *words_in(orelse))
        case ast.BoolOp(values=values):
            for value in values:
                yield from words_in(value)


def bypassing(source: str) -> Iterator[str]:
    """Yield texts of a module for users that bypass the catalogue."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        if name in ERRORS | SHOWING:
            for value in (
                *node.args,
                *(keyword.value for keyword in node.keywords if keyword.arg != "code"),
            ):
                yield from (text for text in words_in(value) if text not in FOR_A_SHELL)
        # A text with its values filled in is in no catalogue.
        if name in TRANSLATING and any(isinstance(part, ast.JoinedStr) for part in node.args):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_texts_for_users_come_from_the_catalogue(path: Path) -> None:
    assert list(bypassing(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_has_a_fix(path: Path) -> None:
    """An error has three parts: what happened, why, and its fix; `why` may be obvious."""
    assert [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and called(node) in ERRORS
        if not any(keyword.arg == "fix" for keyword in node.keywords)
    ] == []


RETIRED = re.compile(
    r"\b(mend(s|ed|ing)?|carr(y|ies|ied) on|whoever|somebody|nobody|anybody|told|can't be told|"
    r"put aside|set aside|turned over|such as|meant)\b|is no text|\bto do:",
    re.IGNORECASE,
)


def test_messages_use_no_retired_word() -> None:
    """CONTRIBUTING has the everyday words to use instead, e.g. fix, continue, rename."""
    texts = [
        text
        for message in extracted_once()
        for text in ([message.id] if isinstance(message.id, str) else message.id)
    ]
    assert [text for text in texts if RETIRED.search(text)] == []
    assert RETIRED.search("mend it, and the next run carries on")


def test_texts_of_the_report_page_come_from_the_catalogue() -> None:
    page = (ROOT / "importer" / "report" / "page.html").read_text("utf-8")
    text = re.sub(r"{{.*?}}|{%.*?%}|<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert re.findall(r"[a-z]{2,}", text) == ["clopos", "import"]


def test_text_that_bypasses_the_catalogue_is_found() -> None:
    found = bypassing(
        "raise UsageError(f'no {x}', why='because ' + y, fix=tr('it') if z else 'or so')\n"
        "say(tr(f'{n} rows'))\nsay(tr('fine'))\nsay(f'{a}: {b}')\n"
    )
    assert list(found) == ["no ", "because ", "or so", "tr(f'{n} rows')"]


@pytest.mark.parametrize(
    ("env", "language"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "tr_TR"}, "tr"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "az_AZ", "LC_MESSAGES": "tr_TR"}, "az"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": ""}, "ru"),
    ],
)
def test_language_is_chosen_by_the_environment(env: dict[str, str], language: str) -> None:
    assert language_from_env(env) == language


def test_counts_and_numbers_follow_the_language() -> None:
    said = {}
    for language in (*LANGUAGES, "xx"):
        messages.set_language(language)
        rows = [trn("{n} row", "{n} rows", n) for n in (1, 3, 5, 21, 12345)]
        texts = [*rows, number(1234.5, 1), tr("Plan")]
        said[language] = [text.replace("\u00a0", "_") for text in texts]
    assert said == {
        "en": ["1 row", "3 rows", "5 rows", "21 rows", "12,345 rows", "1,234.5", "Plan"],
        "az": ["1 sətir", "3 sətir", "5 sətir", "21 sətir", "12.345 sətir", "1.234,5", "Plan"],
        "ru": ["1 строка", "3 строки", "5 строк", "21 строка", "12_345 строк", "1_234,5", "План"],
        "tr": ["1 satır", "3 satır", "5 satır", "21 satır", "12.345 satır", "1.234,5", "Plan"],
        "xx": ["1 row", "3 rows", "5 rows", "21 rows", "12,345 rows", "1,234.5", "Plan"],
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.125, 1.0, 12.345])
def test_percentages_follow_the_language(language: str, share: float) -> None:
    messages.set_language(language)
    form = Locale.parse(language).percent_formats[None].pattern
    assert percent(share) == format_percent(share, form, locale=language)
    form = form.replace("#,##0", "#,##0.0")
    assert percent(share, 1) == format_percent(share, form, locale=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_countries_of_phone_numbers_have_names_in_each_language(language: str) -> None:
    names = Locale.parse(language).territories
    for region in SUPPORTED_REGIONS:
        assert country_name(region, language) == names[region]


def test_dates_and_times_follow_the_language() -> None:
    moment = datetime(2026, 3, 9, 8, 5, tzinfo=UTC)
    said = {}
    for language in LANGUAGES:
        messages.set_language(language)
        said[language] = date_and_time(moment)
    assert said == {
        "en": "2026-03-09 08:05",
        "az": "09.03.2026 08:05",
        "ru": "09.03.2026 08:05",
        "tr": "09.03.2026 08:05",
    }


def paths_of_commands(group: click.Group, before: str = "") -> Iterator[str]:
    """Yield the words that call each command, those within groups included."""
    for name, command in group.commands.items():
        yield before + name
        if isinstance(command, click.Group):
            yield from paths_of_commands(command, f"{before}{name} ")


@pytest.mark.parametrize("command", [*paths_of_commands(commands)])
def test_help_of_a_command_ends_with_a_valid_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*command.split(), "--help"]) == 0
    example = capsys.readouterr().out.rstrip().splitlines()[-1].split()
    if command == "fleet":  # its examples are in its text
        return
    assert example[: 1 + len(command.split())] == ["clopos-import", *command.split()]
    inner: click.Command = commands
    for name in command.split():
        assert isinstance(inner, click.Group)
        inner = inner.commands[name]
    with click.Context(inner, resilient_parsing=True) as context:
        inner.parse_args(context, example[1 + len(command.split()) :])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["", *paths_of_commands(commands)])
def test_help_fits_80_columns(
    command: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["--lang", language, *command.split(), "--help"]) == 0
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if len(line) > 80] == []
    words = {"en": "Show this", "az": "göstərir", "ru": "Показать эту", "tr": "gösterir"}
    assert words[language] in told
    assert "..." not in re.sub(r"\b(ARGS\]|COMMAND|FILE\]?|BRAND\]?)\.\.\.", "", told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_verification_fits_80_columns(language: str) -> None:
    messages.set_language(language)
    summary = Summary("list.csv", rows=10_000, more={"customers_read": None, "journal": False})
    cells = tr("the sheet has another {columns}", columns=", ".join(RESULT_COLUMNS))
    lines = verification_lines(Verified(summary, (Difference(7, cells),)))
    assert [line for line in lines if len(line) > 80] == []
    assert len(lines) > 3


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Error: No such option '--dat'. (Did you mean one of: '--accept', '--dates'"),
        ("az", "Xəta: Belə seçim yoxdur: '--dat'. Bəlkə bunu nəzərdə tutmusunuz"),
        ("ru", "Ошибка: Нет такого параметра: '--dat'. Может быть, одно из"),
        ("tr", "Hata: Böyle bir seçenek yok: '--dat'. Şunu mu demek istediniz"),
    ],
)
def test_wrong_usage_is_shown_in_the_chosen_language(
    language: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["--lang", language, "check", "x.csv", "--dat", "DMY"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert "clopos-import check --help" in told


@pytest.mark.parametrize("language", TRANSLATED)
def test_output_for_programs_is_english_in_any_language(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Statuses and JSON are contract; messages in the results are translated."""
    sample, results = ROOT / "samples" / "customers.csv", tmp_path / "results.csv"
    told = {}
    for each in ("en", language):
        command = ["check", str(sample), "--lang", each, "--json", "--results", str(results)]
        assert run_command(command) == 1
        _, (*codes, said) = read_results(results, len(RESULT_COLUMNS))
        summary = json.loads(capsys.readouterr().out) | {"seconds": 0}
        told[each] = (summary, [code.to_pylist() for code in codes])
        assert ("the digits are gone" in str(said.to_pylist())) is (each == "en")
    assert told["en"] == told[language]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["9,440 of 10,000 rows are at Clopos", "What to do next", "3 conflicts", "7,540"]),
        ("az", ["10.000 sətirdən 9.440", "Bundan sonra nə etməli", "3 toqquşma", "7.540"]),
        ("ru", ["В Clopos 9_440 из 10_000 строк", "Что делать дальше", "3 конфликта", "7_540"]),
        ("tr", ["10.000 satırdan 9.440", "Şimdi ne yapmalı", "3 çakışma", "7.540"]),
    ],
)
def test_report_page_is_shown_in_its_language(language: str, words: list[str]) -> None:
    messages.set_language(language)
    page = render(facts(), rows(), WHEN, private=False).replace("\u00a0", "_")
    assert f'<html lang="{language}">' in page
    assert [word for word in words if word not in page] == []
    assert ("What to do next" in page) is (language == "en")
