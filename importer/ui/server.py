"""The server of one folder: port, link, browser, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from typing import TYPE_CHECKING

from aiohttp import web

from importer.errors import Exit, UsageError
from importer.i18n import tr
from importer.ui.app import PAGES, make_app
from importer.ui.folder import remove_abandoned

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.ui.site import Site

USUAL_PORT = 8765
_IDLE = 12 * 3600  # seconds without a request and a run, after which it ends by itself
_WARM_UP = 0.5  # seconds until pandas is imported: the first page comes first
_LOOK = 60  # seconds
_TURN = 0.0005
"""Seconds after which a thread lets another go on. A page waits its turn after each file that it
looks at: with Python's own 5 ms, half a second while the results of 100,000 rows are written."""


def listen(port: int | None) -> socket.socket:
    """Return a socket that listens on this machine only; None: the usual port, else any.

    Raises UsageError when the port that was asked for is taken.
    """
    for number in (USUAL_PORT, 0) if port is None else (port,):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name != "nt":  # there it would let another program take the port as well
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", number))
            listening.listen(128)
        except OSError as error:
            listening.close()
            if port is not None:
                raise UsageError(
                    tr("Port {port} can't be used", port=number),
                    why=error.strerror,
                    fix=tr("give another one with --port, or 0 for any free port"),
                ) from error
        else:
            return listening
    raise UsageError(
        tr("No port is free on this machine"), fix=tr("end a program that has many ports open")
    )


async def serve(
    site: Site,
    listening: socket.socket,
    *,
    say: Callable[[str], None],
    open_browser: bool,
    read_lines: bool = True,
) -> None:
    """Serve until the page or Ctrl-C ends it. `say` shows a line in the terminal.

    A run is paused then: what is in flight is finished. `read_lines`: Enter makes a new link.
    """
    sys.setswitchinterval(_TURN)
    site.port = listening.getsockname()[1]
    site.ended = asyncio.Event()
    remove_abandoned(site.folder)
    app = make_app(site)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=3)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    loop = asyncio.get_running_loop()

    def show_link() -> None:
        address = site.new_link()
        say(address)
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    show_link()
    say(tr("If no browser opens, copy the link: it works once. Enter: new link. Ctrl-C: end"))
    if read_lines:
        _on_enter(loop, lambda: say(site.new_link()))
    _on_signals(loop, site, say)
    warm = loop.call_later(_WARM_UP, lambda: asyncio.ensure_future(app[PAGES].load()))
    try:
        while not site.ended.is_set():
            try:
                await asyncio.wait_for(site.ended.wait(), _LOOK)
            except TimeoutError:
                if not site.running and time.monotonic() - site.last_request > _IDLE:
                    break
    finally:
        warm.cancel()
        await asyncio.to_thread(site.stop_work)
        await runner.cleanup()


def _on_enter(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    """Act on each line of standard input. One that is closed or ends does nothing."""

    def read() -> None:
        try:
            for _ in sys.stdin:
                loop.call_soon_threadsafe(act)
        except (OSError, ValueError, RuntimeError, AttributeError):
            return  # there is no standard input, or the server has ended

    threading.Thread(target=read, daemon=True).start()


def _on_signals(loop: asyncio.AbstractEventLoop, site: Site, say: Callable[[str], None]) -> None:
    """Let the first signal end the server, a run paused first, and the second leave at once."""
    asked = 0.0

    def ask() -> None:
        if site.running:
            say(tr("Stopping after requests in flight; press Ctrl-C again to quit now"))
        if site.ended:
            site.ended.set()

    def on_signal(*_: object) -> None:
        nonlocal asked
        if asked and time.monotonic() - asked > 0.2:  # one key press may arrive as two signals
            os._exit(Exit.STOPPED)  # the journal has all that left
        asked = asked or time.monotonic()
        loop.call_soon_threadsafe(ask)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, on_signal)
