"""The command `clopos-import sandbox`: a sandbox in the foreground until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.sandbox.config import Config
from importer.sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable

STOPPING = (signal.SIGINT, signal.SIGTERM)


def run_sandbox(
    *,
    host: str = "127.0.0.1",
    port: int = 8089,
    store: str = ":memory:",
    version: int | None = None,
    config: Config | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Serve until Ctrl-C or SIGTERM, having said which environment lets a client in.

    `store`: a SQLite file that keeps the customers, or ":memory:". `version` of the API whose
    variables are shown, 1 or 2; None: both. `say` is given a line at a time.

    Raises UsageError when the host isn't this machine, the port is taken or the file unusable.
    """
    config = config or Config(seed_customers=True)
    asyncio.run(_serve(host, port, store, version, config, say))


async def _serve(
    host: str,
    port: int,
    store: str,
    version: int | None,
    config: Config,
    say: Callable[[str], None],
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with serve(config, store, host, port) as sandbox:
        for number in STOPPING:
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
                loop.add_signal_handler(number, stopped.set)
        for each in (version,) if version else (2, 1):
            say("# " + tr("version {number} of the API", number=each))
            if each == 1:
                # Its presence selects version 2.
                say("unset CLOPOS_INTEGRATOR_ID")
            for name, value in sandbox.env(each).items():
                say(f"export {name}={shlex.quote(value)}")
        say(
            "# "
            + tr(
                "looking in: {url}",
                url=f"{sandbox.url.removesuffix('/open-api')}/sandbox/customers",
            )
        )
        say("# " + tr("stop with Ctrl-C"))
        await stopped.wait()
