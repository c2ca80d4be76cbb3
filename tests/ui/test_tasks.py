"""Background tasks of the page: one at a time, observed from other threads, stopped in order."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from importer.errors import FaultError, ServiceError, UsageError
from importer.i18n import language, set_language
from importer.matching.names import alike
from importer.plan.schedule import SendingHours
from importer.progress import SendProgress
from importer.records import Status
from importer.ui.live import live, state_of
from importer.ui.tasks import Task, Tasks
from importer.ui.watch import Watch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    made = Tasks()
    yield made
    if made.current:
        made.current.stop()
    assert made.join(10)


async def _until_stopped(stop: asyncio.Event) -> str:
    await stop.wait()
    return "stopped"


def test_task_is_in_progress_until_it_is_stopped_and_then_has_its_value(tasks: Tasks) -> None:
    task = tasks.start("run", "a.csv", lambda task: task.run(_until_stopped))
    assert tasks.current is task
    assert task.running
    task.stop()
    assert tasks.join(10)
    assert (task.value, task.error, task.running) == ("stopped", None, False)
    assert tasks.last("run", "a.csv") is task
    assert tasks.last("plan", "a.csv") is None


def test_caches_of_names_are_cleared_after_sending(
    tasks: Tasks,
) -> None:
    found: list[int] = []

    def work(task: Task) -> None:
        alike("Aysel Demo", "Aysəl Demo")
        found.append(alike.cache_info().currsize)
        task.sent()
        found.append(alike.cache_info().currsize)
        alike("Aysel Demo", "Aysəl Demo")

    tasks.start("run", "a.csv", work)
    assert tasks.join(10)
    assert [*map(bool, found), alike.cache_info().currsize] == [True, False, 0]


def test_task_stopped_before_its_loop_runs_ends_at_once(tasks: Tasks) -> None:
    begun = threading.Event()

    def work(task: Task) -> str:
        assert begun.wait(10)
        return task.run(_until_stopped)

    task = tasks.start("run", "a.csv", work)
    task.stop()
    begun.set()
    assert tasks.join(10)
    assert task.value == "stopped"


def test_second_task_is_refused_while_one_is_in_progress(tasks: Tasks) -> None:
    first = tasks.start("run", "a.csv", lambda task: task.run(_until_stopped))
    with pytest.raises(UsageError) as refused:
        tasks.start("plan", "b.csv", lambda _: None)
    assert refused.value.code == "busy"
    assert tasks.last("plan", "b.csv") is None
    first.stop()
    assert tasks.join(10)
    tasks.start("plan", "b.csv", lambda _: 7)
    assert tasks.join(10)
    last = tasks.last("plan", "b.csv")
    assert last
    assert last.value == 7


def test_error_of_a_task_is_kept_and_a_bug_is_kept_without_its_message(tasks: Tasks) -> None:
    def refused(_: Task) -> None:
        raise ServiceError("no")

    def broken(_: Task) -> None:
        raise ValueError("Aysel, 050 123 45 67")

    first = tasks.start("plan", "a.csv", refused)
    assert tasks.join(10)
    assert isinstance(first.error, ServiceError)
    second = tasks.start("plan", "a.csv", broken)
    assert tasks.join(10)
    assert isinstance(second.error, FaultError)
    assert "Aysel" not in f"{second.error.what} {second.error.why}"


def test_task_uses_the_language_of_the_page_that_started_it(tasks: Tasks) -> None:
    set_language("az")
    task = tasks.start("plan", "a.csv", lambda _: language())
    assert tasks.join(10)
    assert task.value == "az"


def test_watch_keeps_the_newest_numbers() -> None:
    watch = Watch()
    with watch.step("reading") as show:
        show(3, of=9)
        assert watch.shown.step
        assert (watch.shown.step.what, watch.shown.step.done, watch.shown.step.of) == (
            "reading",
            3,
            9,
        )
        with watch.step("planning") as inner:
            inner(what="comparing")
            assert watch.shown.step.what == "comparing"
        assert watch.shown.step.what == "reading"
    assert Watch().shown.step == watch.shown.step
    watch.sending(SendProgress(10, {Status.CREATED: 4}))
    assert watch.shown.progress
    assert watch.shown.progress.done == 4
    for n in range(50):
        watch.say(f"line {n}")
    assert watch.shown.notes[-1] == "line 49"
    assert len(watch.shown.notes) < 50


def test_task_shows_its_progress_and_the_reason_of_a_wait() -> None:
    task = Task("run", "a.csv")
    assert state_of(task) == "begins"
    task.watch.sending(SendProgress(10, {Status.CREATED: 4}, 270.0, left=60.0))
    assert state_of(task) == "sends"
    texts = live(task)["text"]
    assert texts["live-done"] == "4 of 10"
    assert texts["live-counts"] == "created 4"
    assert "60 seconds" in texts["live-end"]
    assert not texts["live-wait"]
    key = live(task)["key"]
    task.watch.sending(SendProgress(10, {Status.CREATED: 4}, 270.0, uncertain=2, pause=90.0))
    assert state_of(task) == "waits"
    texts = live(task)["text"]
    assert "tills need the quota" in texts["live-wait"]
    assert "2 rows are in doubt" in texts["live-doubt"]
    now = datetime.now().astimezone()
    start, end = ((now + timedelta(hours=n)).time() for n in (2, 3))
    task.hours = (SendingHours(start, end),)
    assert "Outside the hours to send" in live(task)["text"]["live-wait"]
    assert live(task)["key"] == key, "only texts change"
    task.stop()
    assert state_of(task) == "pausing"
    assert live(task)["key"] != key
    task.sent()
    assert state_of(task) == "writing"
    assert "Nothing is sent any more" in live(task)["text"]["live-state"]
    for code, state in (("stopped", "paused"), ("changed", "changed"), ("service", "stopped")):
        ended = Task("plan", "a.csv", ended=1.0, error=ServiceError("no", code=code))
        assert state_of(ended) == state
        assert live(ended)["text"]["live-state"]
    assert state_of(Task("plan", "a.csv", ended=1.0)) == "done"
