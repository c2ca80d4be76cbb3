"""A task in finished texts: for a page when it is loaded, and for its script while it goes on."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from importer.i18n import number, tr, trn
from importer.pipeline.wording import clock
from importer.records import Status
from importer.results.wording import duration
from importer.ui.flags import page_words
from importer.ui.sending import Sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.errors import ImporterError
    from importer.plan.schedule import SendingHours
    from importer.progress import SendProgress
    from importer.ui.tasks import Task, Tasks
    from importer.ui.watch import Shown

_PAUSE = 1.0  # seconds; shorter ones are the usual pace
_ENDED = {"stopped": "paused", "changed": "changed"}


def error_of(task: Task) -> ImporterError | None:
    """Return what ended a task early, None where it goes on or came to its end."""
    if task.error or task.value is None:
        return task.error
    result = task.value.result if isinstance(task.value, Sent) else task.value
    error: ImporterError | None = getattr(result, "error", None)
    return error


def state_of(task: Task) -> str:
    """Return how a task stands.

    begins, sends, waits, pausing, writing while it goes on; then paused, changed, stopped, done.
    """
    if not task.running:
        error = error_of(task)
        return "done" if error is None else _ENDED.get(error.code, "stopped")
    if task.writing:
        return "writing"
    if task.stopping:
        return "pausing"
    progress = task.watch.shown.progress
    if progress is None:
        return "begins"
    return "waits" if progress.pause > _PAUSE else "sends"


def key_of(task: Task) -> str:
    """Return a key that changes when the page of a task must be reloaded, not only its texts."""
    phase = state_of(task)
    phase = "working" if phase in {"begins", "sends", "waits"} else phase
    return f"{task.kind} {task.started:.3f} {phase}"


def live(task: Task) -> dict[str, Any]:
    """Return the key of a task, its texts and values by id of their elements, and a line to say."""
    shown = task.watch.shown
    texts = {"live-step": _step(shown)}
    values: dict[str, float] = {"live-bar": _share(shown)}
    state = state_of(task)
    texts["live-state"] = state_words(state)
    texts["live-time"] = tr("for {time}", time=duration((task.ended or time.time()) - task.started))
    if progress := shown.progress:
        texts |= {
            "live-done": tr(
                "{done} of {all}", done=number(progress.done), all=number(progress.total)
            ),
            "live-counts": _counts(progress),
            "live-pace": _pace(progress),
            "live-end": _end(progress),
            "live-doubt": _doubt(progress),
            "live-wait": _wait(progress, task.hours),
        }
    texts["live-notes"] = page_words("\n".join(shown.notes))
    line = ". ".join(filter(None, (texts["live-state"], texts.get("live-done"))))
    return {"key": key_of(task), "text": texts, "value": values, "say": line}


def shown_of(task: Task | None, tasks: Tasks) -> dict[str, Any]:
    """Return what a page shows of its task, None where there was none: `live` or `error`.

    `other` is the task in progress where it is another one.
    """
    current = tasks.current
    return {
        "live": live(task) if task and task.running else None,
        "error": error_of(task) if task and not task.running else None,
        "other": current if current is not task else None,
    }


def state_words(state: str) -> str:
    """Return in words how a task stands."""
    return {
        "begins": tr("It begins"),
        "sends": tr("Sending"),
        "waits": tr("Waiting"),
        "pausing": tr("Stopping: what is in flight is finished"),
        "writing": tr("Nothing is sent any more; the results are being written"),
        "paused": tr("Stopped"),
        "changed": tr("Not sent: Clopos has changed"),
        "stopped": tr("Ended by an error"),
        "done": tr("Done"),
    }[state]


def _share(shown: Shown) -> float:
    """Return how far it is, from 0 to 100."""
    if progress := shown.progress:
        return round(100 * progress.done / progress.total, 1) if progress.total else 100.0
    step = shown.step
    return round(100 * (step.done or 0) / step.of, 1) if step and step.of else 0.0


def _step(shown: Shown) -> str:
    step = shown.step
    if step is None:
        return ""
    if step.done is None:
        return step.what
    if step.of is None:
        return tr("{what}: {done}", what=step.what, done=number(step.done))
    return tr(
        "{what}: {done} of {all}", what=step.what, done=number(step.done), all=number(step.of)
    )


def _counts(progress: SendProgress) -> str:
    counts = progress.counts
    return " · ".join(
        f"{status} {number(counts[status])}" for status in Status if counts.get(status)
    )


def _pace(progress: SendProgress) -> str:
    if progress.per_minute is None:
        return ""
    return tr("in the long run at most {n} requests a minute", n=number(progress.per_minute))


def _end(progress: SendProgress) -> str:
    if progress.left is None or progress.done >= progress.total:
        return ""
    now = datetime.now().astimezone()
    end = clock(now + timedelta(seconds=progress.left), now)
    return tr("done about {end} ({time})", end=end, time=duration(progress.left))


def _doubt(progress: SendProgress) -> str:
    if not progress.uncertain:
        return ""
    return trn(
        "{n} row is in doubt and is settled by reading",
        "{n} rows are in doubt and are settled by reading",
        progress.uncertain,
    )


def _wait(progress: SendProgress, hours: Sequence[SendingHours]) -> str:
    """Return why nothing is sent at the moment, and until when; "" where it is."""
    if progress.pause <= _PAUSE:
        return ""
    now = datetime.now().astimezone()
    end = clock(now + timedelta(seconds=progress.pause), now)
    if hours and not any(each.holds(now.time()) for each in hours):
        return tr("Outside the hours to send: continues at {time}", time=end)
    return tr(
        "Clopos asked to wait, or the tills need the quota: continues in {time}",
        time=duration(progress.pause),
    )
