"""Whatever happens in whatever order: no row is at Clopos twice, and results tell the truth."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from importer.clopos.transport import Wire
from importer.sandbox import Config
from importer.sandbox.store import ClashError
from importer.sandbox.virtual_time import VirtualTimeLoop
from importer.send.circuit_breaker import Pace
from importer.store.sqlite_journal import Journal
from importer.store.sqlite_snapshot import Snapshot
from tests.harness import World, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.pipeline.upload import Uploaded

FAULTS = (
    "expired401 invalid401 429 500 502 503 504a drop_before timeout "
    "500b 502b 504b drop garbage no_id timeout_b 504c slow"
).split()
READ_FAULTS = "expired401 429 500 502 504a garbage drop timeout".split()
KINDS = ("phone", "code", "both", "neither")


faults = st.lists(st.sampled_from(FAULTS), max_size=8)


class DeadError(BaseException):
    """The process has been killed: nothing of it happens any more."""


@contextlib.contextmanager
def dying_at(point: int) -> Iterator[None]:
    """Let whatever runs inside die at its n-th commit or request, before or after it."""
    passed = 0

    def step() -> None:
        nonlocal passed
        passed += 1
        if passed > point:
            raise DeadError

    commit, ask, flush = Journal._commit, Wire.ask, Snapshot._flush

    def commit_between(self: Any) -> None:
        step()
        commit(self)
        step()

    async def ask_between(self: Any, *args: Any, **kwargs: Any) -> Any:
        step()
        answer = await ask(self, *args, **kwargs)
        step()
        return answer

    def flush_alive(self: Any) -> None:
        if passed <= point:
            flush(self)

    def change_alive(self: Any) -> Any:
        step()
        return changing(self)

    changing = Journal._changing
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "_commit", commit_between)
        patch.setattr(Journal, "_changing", change_alive)
        patch.setattr(Wire, "ask", ask_between)
        patch.setattr(Snapshot, "_flush", flush_alive)
        yield


class NeverTwice(RuleBasedStateMachine):
    """A sheet, Clopos, somebody else who works there, and runs that end as they may."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the dead leave tasks behind
        self.folder = Path(tempfile.mkdtemp())
        self.loop = VirtualTimeLoop()
        self.stack = contextlib.AsyncExitStack()
        self.rows: list[dict[str, Any]] = []
        self.number = 0
        self.lost = False

    @initialize(
        version=st.sampled_from([1, 2]),
        order=st.permutations(["phone", "code", "cid"]),
        most=st.sampled_from([2, 999]),
        phones=st.sampled_from(["all", "extra", "exact", "ignored"]),
        form=st.sampled_from(["usual", "array", "pagination"]),
    )
    def open(self, version: int, order: list[str], most: int, phones: Any, form: Any) -> None:
        config = Config(
            conflict_order=tuple(order),
            v1_max_limit=min(most, 100),
            v2_max_limit=most,
            phones_filter=phones,
            list_form=form,
        )
        self.here: World = self.loop.run_until_complete(
            self.stack.enter_async_context(world(self.folder / "state", config, version))
        )
        self.add_rows(list(KINDS))

    def teardown(self) -> None:
        if hasattr(self, "here"):
            self.here.sandbox.faults.clear()
            for _ in range(3):
                sent = self._send()
                if not sent.error and "unknown" not in self._statuses(sent).values():
                    break
            self._is_true(sent)
            assert set(self._statuses(sent).values()) <= {"created", "exists", "conflict"}
            self._nobody_twice()
        self.loop.run_until_complete(self.stack.aclose())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.folder)

    # -- the sheet --------------------------------------------------------------------------

    @rule(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    def add_rows(self, kinds: list[str]) -> None:
        for kind in kinds:
            self.number += 1
            row: dict[str, Any] = {"name": f"Demo {self.number:03}"}
            if kind in {"phone", "both"}:
                row["phone"] = f"+99450{self.number:07}"
            if kind in {"code", "both"}:
                row["code"] = f"K{self.number}"
            self.rows.append(row)

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def mend_a_row(self, data: st.DataObject) -> None:
        """Change what its identity doesn't rest on."""
        row = data.draw(st.sampled_from(self.rows))
        if row.keys() & {"phone", "code"}:
            row["description"] = f"mended {self.number}"

    # -- Clopos and others who work there ---------------------------------------------------

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), hidden=st.booleans())
    def somebody_else_takes_a_value(self, data: st.DataObject, hidden: bool) -> None:
        row = data.draw(st.sampled_from(self.rows))
        values = {name: row[name] for name in ("phone", "code") if name in row}
        with contextlib.suppress(ClashError):
            self.here.sandbox.add(name="Somebody Else", hidden=hidden, **values)

    @rule(kinds=faults)
    def creating_fails(self, kinds: list[str]) -> None:
        for kind in kinds:
            self.here.sandbox.faults.add(kind)

    @rule(kind=st.sampled_from(READ_FAULTS))
    def reading_fails(self, kind: str) -> None:
        self.here.sandbox.faults.add(kind, "list")

    @rule(kind=st.sampled_from(["429", "500", "timeout"]))
    def signing_in_fails(self, kind: str) -> None:
        self.here.sandbox.faults.add(kind, "auth")

    @rule()
    def nothing_fails(self) -> None:
        self.here.sandbox.faults.clear()

    @rule(seconds=st.sampled_from([5.0, 3600.0]))
    def tokens_last(self, seconds: float) -> None:
        self.here.sandbox.change(token_seconds=seconds)

    # -- runs -------------------------------------------------------------------------------

    @rule(match=st.sampled_from(["auto", "never", "always"]), limit=st.none() | st.integers(0, 3))
    def run_it(self, match: str, limit: int | None) -> None:
        self._is_true(self._send(match=match, limit=limit))

    @rule(match=st.sampled_from(["auto", "never"]), point=st.integers(0, 50), kinds=faults)
    def kill_it(self, match: str, point: int, kinds: list[str]) -> None:
        self.creating_fails(kinds)

        async def die() -> None:
            sending = asyncio.create_task(self.here.send(*self.rows, match=match))
            await asyncio.wait({sending}, timeout=120)  # what waits for a dead journal waits long
            sending.cancel()
            await asyncio.wait({sending})

        with dying_at(point):
            self.loop.run_until_complete(die())

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 12.0]))
    def stop_it(self, seconds: float) -> None:
        self.here.stop = asyncio.Event()
        self.loop.call_later(seconds, self.here.stop.set)
        self._is_true(self._send())
        self.here.stop = asyncio.Event()

    @rule(damaged=st.booleans())
    def the_journal_is_lost(self, damaged: bool) -> None:
        self.lost = True
        for path in self.folder.glob("state/*/journal.sqlite"):
            if damaged:
                path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4080)
            else:
                shutil.rmtree(path.parent)

    # -- what holds -------------------------------------------------------------------------

    @invariant()
    def _nobody_twice(self) -> None:
        if hasattr(self, "here"):
            names = self.here.names()
            del names["Somebody Else"]
            assert set(names.values()) <= {1}, names
            assert set(names) <= {row["name"] for row in self.rows}

    def _send(self, **options: Any) -> Uploaded:
        pace = Pace(give_up_after=120.0)
        return self.loop.run_until_complete(self.here.send(*self.rows, pace=pace, **options))

    def _statuses(self, sent: Uploaded) -> dict[int, str]:
        rows = range(2, len(self.rows) + 2)
        said = {row: sent.outcomes.get(row) for row in rows}
        return {row: str(outcome.status) if outcome else "pending" for row, outcome in said.items()}

    def _is_true(self, sent: Uploaded) -> None:
        """Hold what a run says against what is at Clopos."""
        customers = self.here.sandbox.customers()
        names = {str(customer["id"]): customer["name"] for customer in customers}
        notes = {str(customer["id"]): customer["description"] for customer in customers}
        there = Counter(names.values())
        for row, status in self._statuses(sent).items():
            name, outcome = self.rows[row - 2]["name"], sent.outcomes.get(row)
            if status in {"created", "exists"}:
                assert outcome
                assert names[outcome.clopos_id or ""] == name
                mended = self.rows[row - 2].get("description")
                # …of what a lost journal knew, other values may have been sent again.
                if mended and mended != notes[outcome.clopos_id or ""] and not self.lost:
                    told = (status, "description" in outcome.message)
                    assert told == ("exists", True), outcome
            # Of what a lost journal knew, a run that ended early can't tell.
            elif status != "unknown" and not (self.lost and status == "pending"):
                assert there[name] == 0, (status, outcome)


TestNeverTwice = pytest.mark.usefixtures("untraced")(NeverTwice.TestCase)
TestNeverTwice.settings = settings(
    max_examples=150,
    stateful_step_count=16,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
