"""Planning and sending step by step: only the shown plan is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import ServiceError
from importer.matching.verdicts import Answer
from importer.pipeline.decisions import decisions_about, keep_decisions, keyed_rows
from importer.pipeline.options import Output, SendOptions
from importer.pipeline.prepare import prepare
from importer.plan.cost import Price
from importer.plan.decide import Approach, Compared, Decided, Plan
from importer.progress import NullReporter
from importer.records import Status
from importer.sandbox import Config, Sandbox, serve
from importer.settings import read_settings
from importer.store import history, open_store
from importer.ui.sending import holders_of, is_as_seen, make_plan, send_planned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from importer.pipeline.prepare import Prepared
    from importer.settings import Settings
    from importer.ui.sending import Planned, Sent

REPORTER = NullReporter()


def plan_of(rows: Sequence[int], requests: int) -> Plan:
    decided = Decided(rows, {}, (), 0, {}, {}, ())
    return Plan(decided, Price(requests, 0, 0, None), Compared(Approach.LIST))


@pytest.mark.parametrize(
    ("new", "requests", "limit", "resumed", "same"),
    [
        ((2, 3, 4), 100, None, False, True),
        ((2, 3, 4), 115, None, False, True),  # 5 % and 10 more
        ((2, 3, 4), 116, None, False, False),
        ((2, 3), 100, None, False, False),  # one was created meanwhile: plan again
        ((2, 3, 5), 100, None, False, False),
        ((2, 3), 2, 2, False, True),  # the first two only
        ((3, 4), 2, 2, False, False),
        ((3, 4), 100, None, True, True),  # the rest
        ((3, 5), 100, None, True, False),
        ((), 0, None, True, True),
    ],
)
def test_plan_may_be_sent_if_it_equals_the_shown_one(
    new: tuple[int, ...], requests: int, limit: int | None, resumed: bool, same: bool
) -> None:
    seen = plan_of((2, 3, 4), 100)
    assert is_as_seen(plan_of(new, requests), seen, limit, resumed=resumed) is same


@given(st.lists(st.integers(2, 40), unique=True), st.lists(st.integers(2, 40), unique=True))
def test_only_confirmed_rows_are_sent(seen: list[int], new: list[int]) -> None:
    for resumed in (False, True):
        if is_as_seen(plan_of(new, 1), plan_of(seen, 1), None, resumed=resumed):
            assert set(new) <= set(seen)


def sheet(folder: Path, *rows: str) -> Prepared:
    path = folder / "list.csv"
    path.write_text("Name,Phone\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return prepare(path)


def settings_of(sandbox: Sandbox, folder: Path) -> Settings:
    return read_settings(sandbox.env(2) | {"CLOPOS_STATE_DIR": str(folder / "state")})


async def planned(prepared: Prepared, settings: Settings) -> Planned:
    return await make_plan(prepared, settings, SendOptions(dry_run=True), REPORTER, asyncio.Event())


async def send(seen: Planned, *, limit: int | None = None, resumed: bool = False) -> Sent:
    output = Output(results=seen.prepared.path.with_name("list.csv.results.csv"))
    options = SendOptions(limit=limit)
    return await send_planned(seen, options, output, REPORTER, asyncio.Event(), resumed=resumed)


PEOPLE = tuple(f"Demo {n},05000000{n:02}" for n in range(5))


async def test_planning_sends_no_row_and_leaves_the_brand_free(tmp_path: Path) -> None:
    async with serve(Config()) as sandbox:
        settings = settings_of(sandbox, tmp_path)
        seen = await planned(sheet(tmp_path, *PEOPLE), settings)
        assert list(seen.plan.to_send) == [2, 3, 4, 5, 6]
        assert not sandbox.customers()
        async with open_store(settings, "another"):
            pass
        assert not (await history(settings)).runs


async def test_two_rows_are_sent_first_and_then_the_rest_of_the_same_plan(tmp_path: Path) -> None:
    async with serve(Config()) as sandbox:
        seen = await planned(sheet(tmp_path, *PEOPLE), settings_of(sandbox, tmp_path))
        first = await send(seen, limit=2)
        assert first.result.error is None
        assert [each["name"] for each in sandbox.customers()] == ["Demo 0", "Demo 1"]
        rest = await send(seen, resumed=True)
        assert rest.result.error is None
        names = [each["name"] for each in sandbox.customers()]
        assert sorted(names) == [f"Demo {n}" for n in range(5)]
        assert rest.result.outcomes.counts()[Status.CREATED] == 3


async def test_plan_that_differs_from_the_shown_one_is_shown_anew_and_not_sent(
    tmp_path: Path,
) -> None:
    async with serve(Config()) as sandbox:
        seen = await planned(sheet(tmp_path, *PEOPLE), settings_of(sandbox, tmp_path))
        sandbox.add(name="Demo 3", phone="+994500000003")
        sent = await send(seen)
        assert sent.result.error
        assert sent.result.error.code == "changed"
        assert len(sandbox.customers()) == 1
        assert sent.planned
        assert list(sent.planned.plan.to_send) == [2, 3, 4, 6]
        again = await send(sent.planned)
        assert again.result.error is None
        assert len(sandbox.customers()) == 5


async def test_stopped_run_continues_and_creates_no_customer_twice(
    tmp_path: Path,
) -> None:
    async with serve(Config(latency=(1.0, 1.0))) as sandbox:
        seen = await planned(sheet(tmp_path, *PEOPLE), settings_of(sandbox, tmp_path))
        stop = asyncio.Event()
        output = Output(results=tmp_path / "list.csv.results.csv")

        class Stopping(NullReporter):
            def sending(self, progress: object) -> None:  # noqa: ARG002 - the interface
                if sandbox.requests()[-1]["route"] == "create":
                    stop.set()

        part = await send_planned(seen, SendOptions(), output, Stopping(), stop)
        assert part.result.error
        assert part.result.error.code == "stopped"
        rest = await send(seen, resumed=True)
        assert rest.result.error is None
        names = [each["name"] for each in sandbox.customers()]
        assert sorted(names) == [f"Demo {n}" for n in range(5)]


@pytest.mark.parametrize("answer", list(Answer))
async def test_next_plan_follows_a_decision_without_a_results_file(
    tmp_path: Path, answer: Answer
) -> None:
    async with serve(Config()) as sandbox:
        settings = settings_of(sandbox, tmp_path)
        holder = sandbox.add(name="Orxan Quliyev", phone="+994500000000")
        prepared = sheet(tmp_path, *PEOPLE)
        seen = await planned(prepared, settings)
        assert list(seen.plan.to_send) == [3, 4, 5, 6]
        (id_,) = holders_of(seen.outcomes.values())
        assert seen.holders[id_].name == holder["name"]
        assert "Orxan" in seen.outcomes[2].message
        rows = list(keyed_rows(prepared, settings, {2, 3}).values())
        await asyncio.to_thread(keep_decisions, rows, settings, "test", {2: (answer, id_)})
        found = await asyncio.to_thread(decisions_about, rows, settings, "test")
        assert found == {2: answer}
        then = await planned(prepared, settings)
        match answer:
            case Answer.SAME:
                assert then.outcomes[2].status is Status.EXISTS
                assert then.outcomes[2].clopos_id == id_
            case Answer.OTHER:
                assert list(then.plan.to_send) == [2, 3, 4, 5, 6]
            case Answer.SKIP:
                assert then.outcomes[2].decided
        # The last of several decisions counts.
        other = Answer.SKIP if answer is Answer.OTHER else Answer.OTHER
        await asyncio.to_thread(keep_decisions, rows, settings, "test", {2: (other, id_)})
        found = await asyncio.to_thread(decisions_about, rows, settings, "test")
        assert found == {2: other}


async def test_brand_held_by_another_process_is_an_error_that_names_the_process(
    tmp_path: Path,
) -> None:
    async with serve(Config()) as sandbox:
        settings = settings_of(sandbox, tmp_path)
        prepared = sheet(tmp_path, *PEOPLE)
        async with open_store(settings, "nightly.csv"):
            with pytest.raises(ServiceError) as refused:
                await planned(prepared, settings)
            assert "nightly.csv" in (refused.value.why or "")
            with pytest.raises(ServiceError):
                await asyncio.to_thread(
                    keep_decisions, [], settings, "test", {2: (Answer.SKIP, None)}
                )
