"""Translations: no English is left in them, and tables fit a screen of 80 columns."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages import Message

from importer.cli.history import history_lines
from importer.cli.render import COLUMNS, counted_lines
from importer.cli.render_fleet import status_lines
from importer.cli.render_plan import plan_lines
from importer.cli.render_results import rehearsal_lines
from importer.cli.render_sheet import found_lines, understood_lines
from importer.cli.width import width
from importer.fleet.status import BrandStatus
from importer.fleet.status import Status as FleetStatus
from importer.i18n import LANGUAGES, set_language
from importer.matching.verdicts import Reason
from importer.pipeline import SheetOptions
from importer.pipeline.prepare import prepare
from importer.plan.cost import Price
from importer.plan.decide import Approach, Clash, Compared, Decided, Plan
from importer.records import FIELDS, Outcome, Status
from importer.results.summary import Summary, Target
from tests.test_i18n import forms
from tools.messages import ROOT, TRANSLATED, read

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same in every language: placeholders, code, flags, variables, paths, keys = values.
VERBATIM = re.compile(
    r"\{[^}]*\}|`[^`]*`|\"[^\"]*\"|\[\[?[\w]+\]?\]|--[\w-]+(=\w+)?|\w+://\S*|\b[A-Z]+_\w+"
    r"|clopos-import(\[\w+\])?( [a-z]+)*|[\w:~*-]*[./\\=][\w.*/\\-]+|[\w-]*\d[\w-]*"
    r"|\b[a-z]+(_[a-z]+)+\b|\bpip install\b|\b(undo-list|max-new)\b"
    r"|\bAdd-ons, Open API\b|\(Add-ons\)"
)
WORD = re.compile(r"(?<![^\W_])[A-Za-z]{3,}(?![^\W_])")
NAMES = {  # in capitals anyway: CSV, UUID, FILE
    *("Clopos", "Open", "Excel", "Windows", "Python", "Apprise", "apprise", "keyring", "Parquet"),
    *("PostgreSQL", "SQLite", "Zstandard", "dBASE", "vCard", "systemd", "cron", "textfile", "ssh"),
    *("bash", "zsh", "fish", "chmod", "ulimit", "Ctrl", "Enter", "Esc", "Tab", "tab"),
    *("Client", "client", "secret", "Integrator"),  # as the back office of Clopos calls them
    *("check", "run", "login", "fleet", "log", "DeprecationWarning"),
    *("Moldova", "Belarus"),
}
CONTRACT = {
    *(field.lower() for field in (*FIELDS, *Status)),
    *("same", "other", "skip", "set", "leave out", "take in", "take back"),  # decisions, acts
    *("path", "source", "query", "database", "newest", "brand", "credentials", "command", "env"),
    *("schedule", "file", "true", "false"),
    *("always", "never", "auto", "none", "hold", "without", "need", "failure", "title", "fixes"),
    *("drop", "timeout", "garbage", "slow"),  # faults of the sandbox
    *("male", "female", "Name", "Phone", "mail", "Company", "Title"),  # cells and headers
    *("yes", "save"),  # answers that are taken in every language
}
LOANS = {
    "az": set("internet plan Plan port problem server Status status terminal test token".split()),
    "ru": set[str](),
    "tr": set("internet plan Plan program terminal test token web".split()),
}
ALLOWED = NAMES | {word for words in CONTRACT for word in words.split()}
NOW = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
MANY = 1_000_000  # rows at most


def english_in(message: Message, language: str) -> set[str]:
    """Return the words of a message, other than names, that its translation has too."""
    english = message.id if isinstance(message.id, str) else " ".join(message.id)
    words = set(WORD.findall(VERBATIM.sub(" | ", english)))
    shared = {
        word for text in forms(message) for word in WORD.findall(VERBATIM.sub(" | ", text))
    } & words
    return {word for word in shared - ALLOWED - LOANS[language] if not word.isupper()}


@pytest.mark.parametrize("language", TRANSLATED)
def test_translation_has_no_english_left(language: str) -> None:
    found = {
        str(message.id): words
        for message in read(language)
        if message.id and (words := english_in(message, language))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("english", "said", "found"),
    [
        ("{n} rows of the sheet", "{n} rows cədvəldə", {"rows"}),
        ("write it like --map phone", "belə write: --map phone", {"write"}),
        ("see {path} and `history`", "bax: {path}, `history`", set()),
        ("the plan of CLOPOS_BRAND in list.csv", "list.csv: CLOPOS_BRAND plan", set()),
        (("{n} open row", "{n} open rows"), ("{n} open sətir",) * 2, {"open"}),
    ],
)
def test_english_in_a_translation_is_found(
    english: str | tuple[str, str], said: str | tuple[str, ...], found: set[str]
) -> None:
    assert english_in(Message(english, said), "az") == found


def results() -> Iterator[str]:
    """Yield the lines of a rehearsal with every status and large numbers."""
    yield from counted_lines(Counter(dict.fromkeys(Status, MANY)))
    more: dict[str, Any] = {
        "forecast_off": {"plan": 1.234, "first_minute": 1.234, "worst_later": 1.234},
        "quota": {"used": 0.999, "used_in_worst_ten_minutes": 0.999, "largest_window": 0.999},
        "real_seconds": 75.0,
        "known_problems": MANY,
    }
    counts: dict[Status, int] = {each: MANY for each in Status if each is not Status.READY}
    requests = {"total": MANY, "throttled": MANY}
    yield from rehearsal_lines(
        Summary(
            "list.csv",
            counts,
            MANY,
            seconds=123_456.0,
            results="list.csv.results.csv",
            requests=requests,
            more=more,
        )
    )


def plan() -> Iterator[str]:
    clashes = tuple(Clash("phone", reason, 1, (3, 4, 5)) for reason in Reason)
    outcomes = tuple(
        Outcome(row, status)
        for row, status in enumerate((Status.EXISTS, Status.DUPLICATE, Status.CONFLICT))
    )
    differing = dict.fromkeys(FIELDS, MANY)
    decided = Decided(range(MANY), {}, outcomes, MANY, {}, differing, clashes)
    price = Price(MANY, MANY, MANY, 123_456.0)
    target = Target("restaurant-of-the-demo", "1", "https://clopos.example/open-api", 2)
    for approach in Approach:
        yield from plan_lines(Plan(decided, price, Compared(approach, 2_000)), NOW, target)


def fleet() -> Iterator[str]:
    when = "2026-11-24T23:30:00Z"
    states = ("idle", "waiting", "running", "paused", "failed")
    brands = [
        BrandStatus(f"brand-with-a-long-name-{state}", "a", state, "host-7", when, MANY, MANY, when)
        for state in states
    ]
    yield from status_lines(FleetStatus(tuple(brands), (), MANY, MANY, frozenset()))


def history() -> Iterator[str]:
    row: dict[str, Any] = {
        "kind": "dry_run",
        "run": 12_345,
        "brand": "restaurant-of-the-demo",
        "venue": "1",
        "sandbox": True,
        "started": "2026-11-24T23:30:00Z",
        "finished": None,
        "file": "a-list-of-customers-with-a-long-name.csv",
        "results": None,
        "counts": dict.fromkeys(map(str, Status), MANY),
        "minutes": 1234.5,
        "requests": {"total": MANY},
        "error": None,
        "forgotten": "2026-11-24T23:30:00Z",
    }
    yield from history_lines([row, row | {"kind": "check"}, row | {"kind": "run"}])


def sheet() -> Iterator[str]:
    for name in ("az-excel.csv", "poster-ru.csv", "iiko-ru.xlsx", "square.csv"):
        path = ROOT / "samples" / "exports" / name
        found = prepare(path, SheetOptions(), today=date(2026, 11, 24))
        yield from (*understood_lines(found.sheet, found.mapping), *found_lines(found))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("table", [results, plan, fleet, history, sheet])
def test_table_fits_80_columns_in_every_language(table: Any, language: str) -> None:
    set_language(language)
    lines = [*table()]
    assert [line for line in lines if width(line) > COLUMNS] == []
    assert len(lines) > 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_of_a_table_are_aligned_with_their_titles(language: str) -> None:
    set_language(language)
    titles, first, *_ = fleet()
    assert titles.rindex(" ") == first.rindex("  24.11.") + 1
    titles, first, *_ = history()
    assert width(titles) == width(first)
