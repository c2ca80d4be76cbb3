"""The command `clopos-import sandbox`: a sandbox in the foreground until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.sandbox.config import Config

STOPPING = (signal.SIGINT, signal.SIGTERM)


def run_sandbox(
    config: Config,
    *,
    port: int = 8089,
    store: str = ":memory:",
    say: Callable[[str], None] = print,
) -> None:
    """Serve until Ctrl-C or SIGTERM, and show which environment lets a client in.

    `store`: a SQLite file that keeps the customers, or ":memory:". `say` is given a line at a time.

    Raises UsageError when the port is taken or the file unusable.
    """
    asyncio.run(_serve(config, port, store, say))


async def _serve(config: Config, port: int, store: str, say: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with serve(config, store, port=port) as sandbox:
        for number in STOPPING:
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
                loop.add_signal_handler(number, stopped.set)
        for each in (2, 1):
            say("# " + tr("version {number} of the API", number=each))
            if each == 1:
                # Its presence selects version 2.
                say("unset CLOPOS_INTEGRATOR_ID")
            for name, value in sandbox.env(each).items():
                say(f"export {name}={shlex.quote(value)}")
        say(
            "# "
            + tr(
                "to look inside: {url}",
                url=f"{sandbox.url.removesuffix('/open-api')}/sandbox/customers",
            )
        )
        say("# " + tr("stop with Ctrl-C"))
        await stopped.wait()
