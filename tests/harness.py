"""A run in the process of the test: a sandbox, a state folder, and virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from importer.pipeline import SendOptions, SheetOptions
from importer.pipeline.session import open_upload, recorded
from importer.plan.gather import Statements
from importer.records import FIELDS
from importer.report.facts import Facts
from importer.sandbox import Config, Sandbox, serve
from importer.sandbox.virtual_time import VirtualTimeLoop
from importer.settings import read_settings

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from importer.clean.groups import Wanted
    from importer.clopos import Requests
    from importer.errors import ImporterError
    from importer.plan.decide import Plan
    from importer.records import Outcome


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return a table of values as `prepare` gives it, numbered from row 2."""
    cells = [{name: row.get(name) for name in FIELDS} for row in rows]
    return pd.DataFrame(cells, columns=list(FIELDS), index=range(2, len(rows) + 2), dtype=object)


def people(number: int, **fields: Any) -> list[dict[str, Any]]:
    """Return invented people, each with a name and a phone of its own."""
    return [{"name": f"Demo {n}", "phone": f"+99450{n:07}"} | fields for n in range(1, number + 1)]


@dataclass(frozen=True, slots=True)
class Sent:
    """Result of a run. `error` ended it early (None: none did)."""

    outcomes: dict[int, Outcome]
    requests: Requests
    error: ImporterError | None
    plan: Plan | None
    remarks: dict[int, str]


class Harness:
    """A sandbox and the state folder of the machine that sends to it."""

    def __init__(self, sandbox: Sandbox, folder: Path, version: int) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.version = version
        self.stop = asyncio.Event()
        self.clock_is_off = 0.0  # seconds by which the clock of this machine is ahead

    async def send(
        self,
        *rows: dict[str, Any],
        variables: dict[str, str] | None = None,
        groups: Wanted | None = None,
        accept: tuple[str, ...] = (),
        decisions: dict[int, tuple[str, str | None]] | None = None,
        **options: Any,
    ) -> Sent:
        """Send rows as `run` does; `options` are those of SendOptions.

        `decisions` are what a results file says: row → answer, and the id it is about.
        """
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        env = self.sandbox.env(self.version) | {"CLOPOS_STATE_DIR": str(self.folder)}
        env |= variables or {}
        plan, began = None, loop.time()
        async with open_upload(
            frame(*rows),
            read_settings(env),
            SendOptions(**options),
            file="test.csv",
            choices=SheetOptions(accept=accept),
            groups=groups,
            now=lambda: loop.wall + self.clock_is_off,
        ) as upload:
            upload.statements = Statements(decisions=decisions or {})
            async with recorded(upload):
                plan = await upload.plan(self.stop)
                if not upload.options.dry_run:
                    async for _ in upload.send(plan, self.stop):
                        pass
            facts = Facts("test.csv", len(rows), {}, (), {})
            await upload.finish(facts, str(self.folder / "results.csv"), loop.time() - began)
        return Sent(upload.outcomes, upload.api.requests, upload.error, plan, upload.remarks)

    @property
    def now(self) -> float:
        """Return the virtual seconds that have passed."""
        return asyncio.get_running_loop().time()

    def call_later(self, seconds: float, do: Callable[[], object]) -> None:
        """Call a function after so many virtual seconds."""
        asyncio.get_running_loop().call_later(seconds, do)

    def names(self) -> Counter[str]:
        """Return how many customers of each name the sandbox holds."""
        return Counter(customer["name"] for customer in self.sandbox.customers())


@asynccontextmanager
async def harness(
    folder: Path, config: Config | None = None, version: int = 2
) -> AsyncIterator[Harness]:
    """Run a sandbox on the virtual time of this loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    async with serve(config or Config(), now=lambda: loop.wall) as sandbox:
        yield Harness(sandbox, folder, version)


def damage(path: Path, chance: random.Random) -> None:
    """Cut off the end of a file, or overwrite a part of it, as a failing disk would."""
    data = bytearray(path.read_bytes())
    start = chance.randrange(len(data))
    match chance.choice(["cut", "zeros", "noise"]):
        case "cut":
            del data[start:]
        case "zeros":
            data[start : start + 512] = bytes(len(data[start : start + 512]))
        case _:
            data[start : start + 64] = chance.randbytes(len(data[start : start + 64]))
    path.write_bytes(data)


def status_by_row(uploaded: Sent) -> dict[int, str]:
    """Return row → status."""
    return {row: str(outcome.status) for row, outcome in sorted(uploaded.outcomes.items())}
