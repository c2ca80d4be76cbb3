"""Notifications by Apprise, an extra: mail, Telegram, Slack, webhooks and many others."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Sequence


def open_notifier(urls: Sequence[str]) -> Any:
    """Return what sends to these addresses; nothing is sent yet.

    Raises UsageError for an invalid address, without showing it, or without the extra.
    """
    with warnings.catch_warnings(action="ignore"):  # of its own use of libraries
        try:
            import apprise  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError(
                tr("--notify needs the Python package apprise"),
                fix=tr('install it: pip install "clopos-import[notify]"'),
            ) from None
        # It logs addresses, which hold passwords, and what services answer.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        notifier = apprise.Apprise()
        for place, url in enumerate(urls, start=1):
            if not notifier.add(url):
                raise UsageError(
                    tr("--notify number {n} is not an address that Apprise supports", n=place),
                    why=tr("it begins with {scheme}", scheme=url.partition(":")[0][:20] + ":"),
                    fix=tr("see https://appriseit.com/services for how to write it"),
                )
        return notifier


def notify(notifier: Any, title: str, body: str, kind: str) -> str | None:
    """Send a text; `kind` is info, warning or failure. Return why it couldn't be, None: it was."""
    try:
        if notifier.notify(title=title, body=body, notify_type=kind):
            return None
    except Exception as error:  # noqa: BLE001 - whatever a service does, the run is over
        return type(error).__name__
    return tr("the service refused it, or can't be reached")
