"""A small world for tests: a sandbox, a state folder, and a clock that doesn't wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from importer.pipeline.upload import SendOptions, Uploaded, upload
from importer.progress import Silent
from importer.records import FIELDS
from importer.report.facts import Facts
from importer.sandbox import Config, Sandbox, serve
from importer.sandbox.virtual_time import VirtualTimeLoop
from importer.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from importer.clean.groups import Wanted


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return rows as the table of values that is ready to be sent, from row 2 on."""
    cells = [{name: row.get(name) for name in FIELDS} for row in rows]
    return pd.DataFrame(cells, columns=list(FIELDS), index=range(2, len(rows) + 2), dtype=object)


def people(number: int, **fields: Any) -> list[dict[str, Any]]:
    """Return so many invented people with a name and a phone each."""
    return [{"name": f"Demo {n}", "phone": f"+99450{n:07}"} | fields for n in range(1, number + 1)]


class World:
    """A sandbox and the state folder of one who sends to it."""

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
        **options: Any,
    ) -> Uploaded:
        """Send rows as `run` does; `options` are those of SendOptions."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        env = self.sandbox.env(self.version) | {"CLOPOS_STATE_DIR": str(self.folder)}
        env |= variables or {}
        return await upload(
            frame(*rows),
            read_settings(env),
            SendOptions(**options),
            Silent(),
            self.stop,
            facts=Facts("test.csv", len(rows), {}, (), {}),
            results=self.folder / "results.csv",
            groups=groups,
            now=lambda: loop.wall + self.clock_is_off,
        )

    @property
    def now(self) -> float:
        """Return the virtual seconds that have passed."""
        return asyncio.get_running_loop().time()

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Do something when so many seconds have passed."""
        asyncio.get_running_loop().call_later(seconds, do)

    def names(self) -> Counter[str]:
        """Return how often each name is at the sandbox."""
        return Counter(customer["name"] for customer in self.sandbox.customers())


@asynccontextmanager
async def world(
    folder: Path, config: Config | None = None, version: int = 2
) -> AsyncIterator[World]:
    """Run a sandbox on the clock of the loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    async with serve(config or Config(), now=lambda: loop.wall) as sandbox:
        yield World(sandbox, folder, version)


def told(uploaded: Uploaded) -> dict[int, str]:
    """Return row → status."""
    return {row: str(outcome.status) for row, outcome in sorted(uploaded.outcomes.items())}
