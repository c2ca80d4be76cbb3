"""Events in any order: no row is created twice, and results are true."""

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

from importer.clopos.transport import Transport
from importer.plan.decide import Approach
from importer.sandbox import Config
from importer.sandbox.store import ClashError
from importer.sandbox.virtual_time import VirtualTimeLoop
from importer.send.circuit_breaker import SendTuning
from importer.store.sqlite_file import Database
from tests.harness import Harness, harness

if TYPE_CHECKING:
    import unittest
    from collections.abc import Iterator

    from tests.harness import Sent

FAULTS = (
    "expired401 invalid401 429 403 500 502 503 504a drop_before timeout login_page "
    "500b 502b 504b drop garbage no_id timeout_b 504c slow "
    "text_success accepted float_id refused_done late_answer"
).split()
READ_FAULTS = "expired401 403 404 429 500 502 504a garbage drop timeout refused_done".split()
KINDS = ("phone", "code", "both", "neither")
LATE = 60.0  # seconds after which no late request commits

faults = st.lists(st.sampled_from(FAULTS), max_size=8)


class DeadError(BaseException):
    """Raised where the process is killed; none of its code may run after that."""


@contextlib.contextmanager
def dying_at(point: int) -> Iterator[None]:
    """Crash the code in the block before or after its n-th transaction or request."""
    passed = 0

    def step() -> None:
        nonlocal passed
        passed += 1
        if passed > point:
            raise DeadError

    def between(work: Any) -> Any:
        async def armed(*args: Any, **kwargs: Any) -> Any:
            step()
            result = await work(*args, **kwargs)
            step()
            return result

        return armed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "in_thread", between(Database.in_thread))
        patch.setattr(Transport, "send", between(Transport.send))
        yield


class NeverTwice(RuleBasedStateMachine):
    """A sheet, Clopos with another client, and runs that end in any way."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # a crashed run leaves tasks behind
        self.folder = Path(tempfile.mkdtemp())
        self.loop = VirtualTimeLoop()
        self.stack = contextlib.AsyncExitStack()
        self.rows: list[dict[str, Any]] = []
        self.number = 0
        self.lost = False
        self.edited: set[str] = set()  # names of rows whose key has changed
        self.deleted: dict[str, str] = {}  # name → id of customers deleted at Clopos
        self.taken: set[str] = set()  # names of rows that share a value with another customer
        self.typed: set[str] = set()  # names that a cashier typed at Clopos
        self.foreign = False  # whether customers were created under cids that aren't ours

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
        self.here: Harness = self.loop.run_until_complete(
            self.stack.enter_async_context(harness(self.folder / "state", config, version))
        )
        self.add_rows(list(KINDS))

    def teardown(self) -> None:
        if hasattr(self, "here"):
            self.here.sandbox.faults.clear()
            self.here.sandbox.change(list_lag=0.0, upsert=False)
            for _ in range(3):
                sent = self._send()
                if not sent.error and "unknown" not in self._statuses(sent).values():
                    break
                self._pass(3600.0)  # after which no list is late
            self._is_true(sent)
            assert sent.error is None
            assert set(self._statuses(sent).values()) <= {"created", "exists", "conflict"}
            self._no_customer_twice()
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
    def note_is_edited(self, data: st.DataObject) -> None:
        """Change a value that no key is made of."""
        data.draw(st.sampled_from(self.rows))["description"] = f"edited {self.number}"

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def phone_is_edited(self, data: st.DataObject) -> None:
        """Change a value that a key may be made of: the row is still the same person's."""
        row = data.draw(st.sampled_from(self.rows))
        if row["name"] in self.typed or self.foreign or self.lost:
            return  # only the phone shows that they are one person
        self.number += 1
        row["phone"] = f"+99455{self.number:07}"
        self.edited.add(row["name"])

    # -- Clopos and its other clients -------------------------------------------------------

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), field=st.sampled_from(["phone", "code"]), hidden=st.booleans())
    def another_customer_takes_a_value(self, data: st.DataObject, field: str, hidden: bool) -> None:
        """One only: a customer with two of them is the same one under another name (M7)."""
        row = data.draw(st.sampled_from(self.rows))
        if field in row and row["name"] not in self.taken:
            self.taken.add(row["name"])
            with contextlib.suppress(ClashError):
                values = {field: row[field]}
                self.here.sandbox.add(name="Somebody Else", hidden=hidden, **values)

    @precondition(lambda self: any("phone" in row for row in self.rows))
    @rule(data=st.data(), form=st.sampled_from(["0{}", "(0{}) ", "994{}", "{}"]))
    def cashier_types_a_row(self, data: st.DataObject, form: str) -> None:
        """Its phone has another form, so Clopos wouldn't refuse the row a second time."""
        row = data.draw(st.sampled_from([row for row in self.rows if "phone" in row]))
        self._pass(LATE)
        if not self.here.names()[row["name"]]:
            national = row["phone"].removeprefix("+994")
            phone = form.format(national[:2]) + national[2:]
            self.here.sandbox.add(name=row["name"], phone=phone)
            self.typed.add(row["name"])
            self._pass(LATE)

    @rule(data=st.data())
    def customer_is_deleted(self, data: st.DataObject) -> None:
        self._pass(LATE)
        ours = [each for each in self.here.sandbox.customers() if each["name"].startswith("Demo")]
        if ours:
            gone = data.draw(st.sampled_from(ours))
            self.here.sandbox.remove(gone["id"])
            self.deleted[gone["name"]] = str(gone["id"])
            self._pass(LATE)

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

    @rule(seconds=st.sampled_from([0.0, 15.0, 40.0]))
    def lists_lag(self, seconds: float) -> None:
        self.here.sandbox.change(list_lag=seconds)

    @rule(upsert=st.booleans())
    def values_that_are_taken_are_answered(self, upsert: bool) -> None:
        """Clopos answers 200 with the holder instead of a 409."""
        self.here.sandbox.change(upsert=upsert)

    # -- runs -------------------------------------------------------------------------------

    @rule(
        match=st.sampled_from(["auto", "never", "always"]),
        limit=st.none() | st.integers(0, 3),
        recreate=st.sampled_from([None, 0]),
    )
    def run_ends(self, match: str, limit: int | None, recreate: int | None) -> None:
        match = self._match(match)
        self._is_true(self._send(match=match, limit=limit, recreate=recreate))

    @precondition(lambda self: not self.lost)
    @rule()
    def server_makes_cids_of_its_own(self) -> None:
        """For one run: the first responses show it, and no row is resent."""
        self.here.sandbox.faults.clear()
        self.here.sandbox.change(keeps_cid=False)
        self.foreign = True
        self._is_true(self._send())
        self.here.sandbox.change(keeps_cid=True)

    @rule(match=st.sampled_from(["auto", "never"]), point=st.integers(0, 50), kinds=faults)
    def run_is_killed(self, match: str, point: int, kinds: list[str]) -> None:
        self.creating_fails(kinds)

        async def die() -> None:
            sending = asyncio.create_task(self.here.send(*self.rows, match=self._match(match)))
            await asyncio.wait({sending}, timeout=120)  # a crashed run's journal blocks long
            sending.cancel()
            await asyncio.wait({sending})

        with dying_at(point):
            self.loop.run_until_complete(die())

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 12.0]))
    def run_is_stopped(self, seconds: float) -> None:
        self.here.stop = asyncio.Event()
        self.loop.call_later(seconds, self.here.stop.set)
        self._is_true(self._send())
        self.here.stop = asyncio.Event()

    @precondition(lambda self: not (self.foreign or self.edited))  # else no evidence is left
    @rule(damaged=st.booleans())
    def the_journal_is_lost(self, damaged: bool) -> None:
        self.lost = True
        for path in self.folder.glob("state/*/journal.sqlite"):
            if damaged:
                path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4080)
            else:
                shutil.rmtree(path.parent)

    # -- invariants -------------------------------------------------------------------------

    @invariant()
    def _no_customer_twice(self) -> None:
        if hasattr(self, "here"):
            names = self.here.names()
            del names["Somebody Else"]
            assert set(names.values()) <= {1}, names
            assert set(names) <= {row["name"] for row in self.rows}

    def _send(self, **options: Any) -> Sent:
        pace = SendTuning(give_up_after=120.0)
        return self.loop.run_until_complete(self.here.send(*self.rows, tuning=pace, **options))

    def _pass(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def _match(self, match: str) -> str:
        """Return the `match` option: not `never` where only evidence identifies customers."""
        return "auto" if self.typed and match == "never" else match

    def _statuses(self, sent: Sent) -> dict[int, str]:
        rows = range(2, len(self.rows) + 2)
        said = {row: sent.outcomes.get(row) for row in rows}
        return {row: str(outcome.status) if outcome else "pending" for row, outcome in said.items()}

    def _is_true(self, sent: Sent) -> None:
        """Compare the results of a run with the customers at Clopos."""
        names = {str(each["id"]): each["name"] for each in self.here.sandbox.customers()}
        there = Counter(names.values())
        for row, status in self._statuses(sent).items():
            name, outcome = self.rows[row - 2]["name"], sent.outcomes.get(row)
            if status in {"created", "exists"}:
                assert outcome
                if outcome.clopos_id != self.deleted.get(name) or there[name]:
                    assert names[outcome.clopos_id or ""] == name
                else:  # taken from the journal, which the message says
                    assert sent.plan
                    assert sent.plan.compared.approach is not Approach.LIST
                    assert "Clopos was not asked" in outcome.message
            elif status == "conflict" and there[name]:
                # Only where another phone, or cid, leaves it open, and no other customer is named.
                assert outcome
                lags = self.lost and "can't be seen" in outcome.message
                open_ = name in {*self.edited, *self.taken, *self.deleted}
                assert lags or open_ or self.foreign, outcome
                assert names.get(outcome.existing_id or "", name) in {name, "Somebody Else"}
            # The next run reports rows that this one couldn't plan, or that a lost journal had.
            elif status == "pending":
                hidden = self.here.sandbox.config.list_lag or name in self.deleted
                assert there[name] == 0 or self.lost or hidden or not sent.plan, outcome
            elif status != "unknown":
                assert there[name] == 0, (status, outcome)


def _machine(examples: int, *, free: bool = False) -> type[unittest.TestCase]:
    """Return a test of so many histories; `free`: new ones each time, or by --hypothesis-seed."""
    case: type[unittest.TestCase] = NeverTwice.TestCase
    found = type("Machine", (case,), {})
    found.settings = settings(  # type: ignore[attr-defined]
        max_examples=examples,
        stateful_step_count=16,
        deadline=None,
        derandomize=not free,
        print_blob=free,
        suppress_health_check=list(HealthCheck),
    )
    return found


TestNeverTwice = _machine(15)
TestNeverTwiceAtLength = pytest.mark.slow(reason="a hundred and more histories")(
    _machine(150, free=True)
)
