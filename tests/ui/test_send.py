"""Plan, rehearsal, sending, conflicts and results by forms, into a real sandbox."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Config, Sandbox, serve
from importer.settings import read_settings
from importer.store import open_store
from tests.ui.conftest import real_time, serving, words_of
from tests.ui.forms import PEOPLE, SHEET, ended, field, names, plan, send, several, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.ui.conftest import Browser


@asynccontextmanager
async def clopos(
    folder: Path, people: int = PEOPLE, **switches: Any
) -> AsyncIterator[tuple[Sandbox, Browser]]:
    """Run a sandbox with two customers, and the page with its credentials in the environment.

    Requests go at the real rate, so tests use few customers.
    """
    write(folder, people)
    async with serve(Config(**switches)) as sandbox:
        sandbox.add(name="Orxan Quliyev", phone="+994500002001", code="K1")
        sandbox.add(name="Samir Quliyev", phone="+994500002002", code="K2")
        async with serving(folder, **sandbox.env(2)) as browser:
            yield sandbox, browser


@real_time
async def test_clopos_has_the_customers_shown_in_plan_and_results(folder: Path) -> None:
    async with clopos(folder) as (sandbox, browser):
        page = words_of(await browser.get(f"sheets/{SHEET}/plan"))
        assert "Restaurant sandbox" in page
        assert "A sandbox on this machine, not Clopos" in page
        assert "14 customers at most" in page
        assert "1 row held back" in page

        await browser.post(f"sheets/{SHEET}/rehearsal", {"faults": "typical"})
        await ended(browser, "rehearsal")
        page = words_of(await browser.get(f"sheets/{SHEET}/rehearsal"))
        assert "14 created" in page
        assert len(names(sandbox)) == 2, "a rehearsal sends nothing to Clopos"

        shown = await plan(browser)
        assert "to create 12" in words_of(shown)
        assert "2 need a decision" in words_of(shown)
        assert "1 row is held back: see why" in words_of(shown)
        page = await send(browser, shown, "first")
        assert "2 customers are still to be sent" in words_of(page)
        assert "The first customers are sent" in words_of(page)
        assert '<span class="state" id="state-run">2</span>' in page
        assert "Decide 2 conflicts" in words_of(page)
        assert "Correct 1 row" in words_of(page)
        await browser.post("language", {"language": "ru"})
        for path in ("conflicts", "run"):
            page = await browser.get(f"sheets/{SHEET}/{path}")
            assert 'id="state-plan">12</span>' in page, "another language leaves the plan as it is"
            assert ('name="sure"' in page) or 'id="row-14"' in page or 'value="all"' in page
        await browser.post("language", {"language": "en"})
        assert len(names(sandbox)) == 12

        conflicts = await browser.get(f"sheets/{SHEET}/conflicts")
        assert "Orxan Quliyev" in conflicts
        assert "K2" in conflicts
        for row, answer in (("14", "same"), ("15", "other")):
            card = conflicts[conflicts.index(f'id="row-{row}"') :]
            form = {"row": row, "about": field(card, "about"), "answer": answer}
            assert "conflicts" in await browser.post(f"sheets/{SHEET}/conflicts", form)
        page = words_of(await browser.get(f"sheets/{SHEET}/conflicts"))
        assert "All conflicts are decided" in page
        assert "Decided: another person" in page
        for path in ("run", "results"):
            page = words_of(await browser.get(f"sheets/{SHEET}/{path}"))
            assert "Decide 2 conflicts" not in page, "they are decided"

        shown = await plan(browser)
        assert "to create 3" in words_of(shown)
        page = words_of(await send(browser, shown, "all"))
        assert "Done" in page
        assert sorted(names(sandbox)) == sorted(
            ["Orxan Quliyev", "Samir Quliyev", "Leyla Demo"]
            + [f"Demo Number{n}" for n in range(PEOPLE)]
        )
        leyla = next(each for each in sandbox.customers() if each["name"] == "Leyla Demo")
        assert not leyla["phone"], "it was sent without the value that it shares"

        page = words_of(await browser.get(f"sheets/{SHEET}/run"))
        assert "of those that exist were created by an earlier run of this list" in page
        page = words_of(await browser.get(f"sheets/{SHEET}/results"))
        assert "3 created" in page
        assert page.count("created by an earlier run of this list, at ") == 10
        assert "1 invalid" in page
        await browser.post(f"sheets/{SHEET}/verify", {})
        await ended(browser, "verify")
        assert "all agrees" in words_of(await browser.get(f"sheets/{SHEET}/results"))

        results = await browser.get(f"sheets/{SHEET}/download/results.csv")
        lines = list(csv.DictReader(io.StringIO(results.removeprefix("\ufeff"))))
        at_clopos = {each["name"] for each in sandbox.customers()}
        created = [line for line in lines if line["import_status"] in {"created", "exists"}]
        assert len(created) == 14
        assert {line["Name"] for line in created} - at_clopos == {"Aysel Demo"}
        assert "Bad Phone" in await browser.get(f"sheets/{SHEET}/download/report.html")
        private = await browser.get(f"sheets/{SHEET}/download/report-private.html")
        assert "Bad Phone" not in private

        await browser.post(f"sheets/{SHEET}/undo", {})
        await ended(browser, "undo")
        page = await browser.get(f"sheets/{SHEET}/results")
        assert "Make the list: 3 requests" in words_of(page)
        assert "What run 1 created: Make the list: 10 requests" in words_of(page), "the first ten"
        undo = re.search(r"download/(undo-run-\d+\.xlsx)", page)
        assert undo
        assert (folder / undo[1]).is_file()


@real_time
async def test_run_is_refused_without_a_shown_plan_and_the_confirmed_number(
    folder: Path,
) -> None:
    async with clopos(folder) as (sandbox, browser):
        run = f"sheets/{SHEET}/run"
        page = await browser.post(run, {"rows": "all"}, 400)
        assert "not the plan that was shown last" in page
        shown = await plan(browser)
        form = {"plan": field(shown, "plan"), "rows": "all"}
        assert "were not confirmed" in await browser.post(run, form, 400)
        assert "were not confirmed" in await browser.post(run, form | {"sure": "9"}, 400)
        other = form | {"plan": "1.0", "sure": "12"}
        assert "not the plan" in await browser.post(run, other, 400)
        write(folder, 5)
        assert "not the plan" in await browser.post(run, form | {"sure": "12"}, 400)
        assert len(names(sandbox)) == 2
        shown = await plan(browser)
        sandbox.add(name="Demo Number3", phone="+994500001003")
        page = words_of(await send(browser, shown, "all"))
        assert "Clopos has changed since the plan was made" in page
        assert len(names(sandbox)) == 3
        page = await browser.get(f"sheets/{SHEET}/plan")
        assert "to create 4" in words_of(page)
        await send(browser, page, "all")
        assert len(names(sandbox)) == 7


@real_time
async def test_paused_and_resumed_run_sends_every_row_once(folder: Path) -> None:
    async with clopos(folder) as (sandbox, browser):
        shown = await plan(browser)
        form = {"plan": field(shown, "plan"), "rows": "all", "sure": "12"}
        await browser.post(f"sheets/{SHEET}/run", form)
        page = words_of(await browser.get(f"sheets/{SHEET}/run"))
        assert "You may close this page" in page
        assert 'http-equiv="refresh"' in await browser.get(f"sheets/{SHEET}/run")
        assert "in progress" in await browser.post(f"sheets/{SHEET}/plan", {}, 400)
        await several(sandbox, 4)
        await browser.post("run/pause", {})
        await ended(browser, "run")
        page = await browser.get(f"sheets/{SHEET}/run")
        assert "Stopped on request" in words_of(page)
        assert "still to be sent" in words_of(page)
        assert 4 <= len(names(sandbox)) < 14
        sure = re.search(r'name="sure" value="(\d+)"', page)
        page = await send(browser, page, "all", **({"sure": sure[1]} if sure else {}))
        assert "Done" in words_of(page)
        assert len(names(sandbox)) == len(set(names(sandbox))) == 14


@real_time
async def test_plan_page_shows_missing_or_refused_credentials_and_another_run(folder: Path) -> None:
    write(folder)
    async with serving(folder) as browser:
        page = words_of(await browser.get(f"sheets/{SHEET}/plan"))
        assert "Clopos needs credentials" in page
        assert "14 customers at most" in page
        assert "No credentials" in await browser.post(f"sheets/{SHEET}/plan", {}, 400)
    async with serve(Config()) as sandbox:
        env = sandbox.env(2) | {"CLOPOS_CLIENT_SECRET": "wrong"}
        async with serving(folder, **env) as browser:
            assert "Clopos refuses" in await plan(browser)
    async with clopos(folder) as (sandbox, browser):
        state = str(folder.parent / "state")
        settings = read_settings(sandbox.env(2) | {"CLOPOS_STATE_DIR": state})
        shown = await plan(browser)
        async with open_store(settings, "nightly.csv"):
            page = words_of(await plan(browser))
            assert "Another run for this brand is in progress" in page
            assert "nightly.csv" in page
            conflicts = await browser.get(f"sheets/{SHEET}/conflicts")
            form = {"row": "14", "about": field(conflicts, "about"), "answer": "skip"}
            page = await browser.post(f"sheets/{SHEET}/conflicts", form, 502)
            assert "Another run for this brand is in progress" in page
            page = words_of(await send(browser, shown, "first"))
            assert "Another run for this brand is in progress" in page
        assert len(names(sandbox)) == 2


@pytest.mark.slow(reason="three plans and two runs")
@real_time
async def test_decisions_are_kept_for_the_next_start_and_an_outdated_form_is_refused(
    folder: Path,
) -> None:
    async with clopos(folder, 2) as (sandbox, browser):
        shown = await plan(browser)
        await send(browser, shown, "first")
        conflicts = await browser.get(f"sheets/{SHEET}/conflicts")
        about = field(conflicts, "about")
        address = f"sheets/{SHEET}/conflicts"
        for form in (
            {"row": "4", "about": "999", "answer": "same"},
            {"row": "4", "about": about, "answer": "perhaps"},
            {"row": "3", "about": about, "answer": "same"},
            {"row": "all", "about": "3", "answer": "skip"},
            {},
        ):
            assert "not the one that was shown" in await browser.post(address, form, 400)
        await browser.post(address, {"row": "4", "about": about, "answer": "skip"})
        async with serving(folder, **sandbox.env(2)) as later:
            page = words_of(await later.get(address))
            assert "1 conflict to be decided" in page
            assert "Decided: left out" in page
            assert "not read yet" in page
            await later.post(f"{address}/read", {"page": "1"})
            await ended(later, "holders")
            assert "Samir Quliyev" in await later.get(address)


@real_time
async def test_stream_sends_the_full_state_and_a_fourth_stream_closes_the_oldest(
    folder: Path,
) -> None:
    async with clopos(folder, 4) as (sandbox, browser):
        shown = await plan(browser)
        await browser.post(
            f"sheets/{SHEET}/run",
            {"plan": field(shown, "plan"), "rows": "all", "sure": "4"},
        )
        address = browser.address(f"events?kind=run&sheet={SHEET}")
        async with browser.session.get(address) as first:
            assert first.headers["Content-Type"] == "text/event-stream"
            assert "default-src 'none'" in first.headers["Content-Security-Policy"]
            seen: list[dict[str, Any]] = []
            begun = time.monotonic()
            async for line in first.content:
                if line.startswith(b"data: "):
                    seen.append(json.loads(line[6:]))
                    if not seen[-1]["key"].endswith(("working", "writing")):
                        break
            assert len(seen) <= 4 * (time.monotonic() - begun) + 2
            done = [each["text"].get("live-done") for each in seen]
            assert "4 of 4" in done or "3 of 4" in done
            assert seen[-1]["key"].endswith("done")
            assert len(names(sandbox)) == 6
            others = [await browser.session.get(address) for _ in range(3)]
            rest = await asyncio.wait_for(first.content.read(), 10)
            assert b"event: bye" in rest
            for each in others:
                assert (await each.content.readline()).startswith(b"id: 1")
                each.close()
        status, state = await browser.ask(f"state?kind=run&sheet={SHEET}")
        assert (status, state["key"]) == (200, seen[-1]["key"])


@pytest.mark.slow(reason="more than ten customers at the real pace, and their end")
@real_time
async def test_question_about_rows_is_answered_on_the_plan_which_is_then_made_anew(
    folder: Path,
) -> None:
    async with clopos(folder) as (sandbox, browser):
        await send(browser, await plan(browser), "all", sure="12")
        for each in sandbox.customers():
            sandbox.remove(each["id"])
        shown = await plan(browser)
        assert "12 customers that this list created are no longer at Clopos" in words_of(shown)
        assert 'name="rows"' not in shown, "nothing is sent before it is answered"
        form = {"plan": "0", "rows": "all"}
        await browser.post(f"sheets/{SHEET}/run", form, 400)
        answer = {"code": "gone", "answer": "--recreate 12"}
        await browser.post(f"sheets/{SHEET}/plan/answer", answer)
        await ended(browser, "plan")
        page = words_of(await browser.get(f"sheets/{SHEET}/plan"))
        assert "to create 14" in page
        stale = await browser.post(f"sheets/{SHEET}/plan/answer", answer, 400)
        assert "not open any more" in stale


@real_time
async def test_hours_and_deadline_and_reserve_are_kept_in_the_plan_and_invalid_ones_refused(
    folder: Path,
) -> None:
    async with clopos(folder) as (_, browser):
        address = f"sheets/{SHEET}/plan"
        good = {"reserve": "50", "from": "22:00", "until": "08:00", "by": "23:59"}
        await browser.post(address, good)
        await ended(browser, "plan")
        page = await browser.get(address)
        assert "50% of the quota is left for the tills" in words_of(page)
        assert "23:59" in words_of(page)
        assert 'value="22:00"' in page
        for bad in ({"from": "22:00"}, {"from": "25:00", "until": "26:00"}, {"by": "soon"}):
            page = await browser.post(address, {"reserve": "10", **bad}, 400)
            assert "Fix:" in page


@real_time
async def test_stopped_rehearsal_shows_the_status_of_its_rows(folder: Path) -> None:
    write(folder, 3000)
    async with serving(folder) as browser:
        await browser.post(f"sheets/{SHEET}/rehearsal", {"faults": ""})
        await browser.get(f"sheets/{SHEET}/rehearsal")
        await browser.post("run/pause", {})
        await ended(browser, "rehearsal")
        page = words_of(await browser.get(f"sheets/{SHEET}/rehearsal"))
        assert "Stopped on request" in page


@real_time
async def test_all_open_conflicts_are_decided_at_once_if_their_number_is_confirmed(
    folder: Path,
) -> None:
    async with clopos(folder, 2) as (_, browser):
        await plan(browser)
        address = f"sheets/{SHEET}/conflicts"
        assert "Leave 2 rows out" in words_of(await browser.get(address))
        await browser.post(address, {"row": "all", "about": "2", "answer": "other"})
        page = await browser.get(address)
        assert "All conflicts are decided" in words_of(page)
        assert 'plan" aria-current="step"' in page, "there are no results yet"
        assert "Decisions take effect with the next plan. Plan again" in words_of(page)
        assert "to create 4" in words_of(await plan(browser))


@real_time
async def test_value_of_a_row_that_is_a_customer_without_it_is_shown_as_the_row_has_it(
    folder: Path,
) -> None:
    """Orxan of the list is Orxan at Clopos, whose code there is another."""
    async with clopos(folder, 1) as (_, browser):
        with (folder / SHEET).open("a", encoding="utf-8") as file:
            file.write("Orxan Quliyev,0500002001,C9\nMurad Demo,0500003333,C9\n")
        await plan(browser)
        page = await browser.get(f"sheets/{SHEET}/conflicts")
        card = words_of(page[page.index('id="row-7"') :].partition("</section>")[0])
        assert "Row 7 of the list Row 6 of the list · Customer 1 at Clopos" in card
        assert "Card or customer code C9 C9" in card
        assert "K1" not in card


@real_time
async def test_conflicts_that_are_left_out_are_counted_in_the_plan(folder: Path) -> None:
    async with clopos(folder, 2) as (_, browser):
        await plan(browser)
        address = f"sheets/{SHEET}/conflicts"
        await browser.post(address, {"row": "all", "about": "2", "answer": "skip"})
        shown = words_of(await plan(browser))
        assert "2 are left out, as decided" in shown
        assert "need a decision" not in shown
        page = await browser.get(address)
        assert "not read yet" not in page, "no customer of Clopos stands beside them any more"
        assert "All conflicts are decided" in words_of(page)


@real_time
async def test_plan_shows_the_place_of_a_flag_without_a_field_on_the_page(
    folder: Path,
) -> None:
    async with clopos(folder, 1) as (_, browser):
        with (folder / SHEET).open("a", encoding="utf-8") as file:
            file.write("Murad Demo,0500009999,K1\n")
        shown = words_of(await plan(browser))
        assert "e.g. a branch's: --code-prefix TEXT (--code-prefix is for the terminal" in shown


@real_time
async def test_changed_list_shows_no_conflicts_of_the_earlier_rows(folder: Path) -> None:
    """Rows have moved, so a decision by row number would be about another person."""
    async with clopos(folder, 2) as (sandbox, browser):
        await send(browser, await plan(browser), "first")
        address = f"sheets/{SHEET}/conflicts"
        about = field(await browser.get(address), "about")
        text = (folder / SHEET).read_text("utf-8").splitlines()
        (folder / SHEET).write_text("\n".join([text[0], *text[3:]]) + "\n", encoding="utf-8")
        page = words_of(await browser.get(address))
        assert "0 conflicts to be decided" in page
        assert "The list has changed since the plan was made" in page
        form = {"row": "4", "about": about, "answer": "same"}
        assert "not the one" in await browser.post(address, form, 400)
        async with serving(folder, **sandbox.env(2)) as later:
            assert "0 conflicts to be decided" in words_of(await later.get(address))
            (folder / SHEET).write_text("\n".join(text) + "\n", encoding="utf-8")
            assert "2 conflicts to be decided" in words_of(await later.get(address))


@real_time
async def test_plan_with_rows_added_after_a_run_is_shown_beside_the_run(
    folder: Path,
) -> None:
    async with clopos(folder, 2) as (_, browser):
        await send(browser, await plan(browser), "all")
        with (folder / SHEET).open("a", encoding="utf-8") as file:
            file.write("Nigar Demo,0500000099,\n")
        page = words_of(await plan(browser))
        assert "to create 1" in page
        page = words_of(await browser.get(f"sheets/{SHEET}/run"))
        assert "1 customer is still to be sent" in page


@real_time
async def test_plan_for_one_restaurant_is_never_sent_to_another(folder: Path) -> None:
    async with clopos(folder, 2, brands=("sandbox", "second")) as (sandbox, browser):
        shown = await plan(browser)
        await browser.post("credentials", {"CLOPOS_BRAND": "second"})
        page = words_of(await browser.get(f"sheets/{SHEET}/plan"))
        assert "Restaurant second" in page
        assert "where it goes has changed since the last plan" in page
        form = {"plan": field(shown, "plan"), "rows": "all"}
        page = await browser.post(f"sheets/{SHEET}/run", form, 400)
        assert "not the plan that was shown last" in page
        assert len(names(sandbox)) == 2
        shown = await plan(browser)
        assert "to create 4" in words_of(shown)
        await send(browser, shown, "all")
        assert len(names(sandbox)) == 6
        brands = [each["brand"] for each in sandbox.customers()]
        assert brands.count("second") == 4
