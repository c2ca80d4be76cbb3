"""Report unattended runs to other services: notifications, pings, figures.

An error here is only a remark: customers may have been created, and the exit code says so.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from importer.cli.metrics import write_metrics
from importer.cli.notify import notify, open_notifier
from importer.cli.ping import check_ping, ping
from importer.cli.render import error_lines
from importer.cli.terminal import Terminal
from importer.errors import Exit, ServiceError
from importer.files import check_writable
from importer.i18n import tr
from importer.results.wording import counts_text, reported_text
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.results.summary import Summary

_LEAST = {"always": Exit.DONE, "need": Exit.ROWS_NEED_YOU, "failure": Exit.USAGE}


def begin_watching(per_sheet: Sequence[Mapping[str, Any]]) -> None:
    """Check what flags say about watching, and ping that a run begins.

    Raises UsageError for an address or file that can't be used: the run hasn't begun.
    """
    for addresses in {tuple(given.get("notify") or ()) for given in per_sheet} - {()}:
        open_notifier(addresses)
    for path in {given["metrics"] for given in per_sheet if given.get("metrics")}:
        check_writable(path)
    urls = _pings(per_sheet)
    for url in urls:
        check_ping(url)
    for url in urls:
        _remark(ping(url, "start"), tr("The ping of the start got no answer"))


def end_watching(per_sheet: Sequence[Mapping[str, Any]], ends: Sequence[Summary]) -> None:
    """Notify, ping and write figures; `ends` are the summaries of the sheets that were begun."""
    done = list(zip(per_sheet, ends, strict=False))
    for path in {given["metrics"] for given, _ in done if given.get("metrics")}:
        try:
            of_path = [(given, end) for given, end in done if given["metrics"] == path]
            named = [(str(given["input"].pattern or end.file), end) for given, end in of_path]
            write_metrics(path, named, time.time())
        except ServiceError as error:
            _remark(error.why or "", error.what)
    groups: dict[tuple[tuple[str, ...], str], list[Summary]] = {}
    for given, end in done:
        if given.get("notify"):
            groups.setdefault((given["notify"], given["notify_when"]), []).append(end)
    for (urls, when), summaries in groups.items():
        if (code := _worst(summaries)) >= _LEAST[when]:
            failed = code > Exit.ROWS_NEED_YOU
            kind = "failure" if failed else "warning" if code else "info"
            why = notify(open_notifier(urls), *notification(summaries), kind)
            _remark(why, tr("The notification could not be sent"))
    for url in _pings(per_sheet):
        code = _worst([end for given, end in done if given["ping"] == url])
        event = "fail" if code > Exit.ROWS_NEED_YOU or len(done) < len(per_sheet) else ""
        _remark(ping(url, event), tr("The ping of the end got no answer"))


def notification(summaries: Sequence[Summary]) -> tuple[str, str]:
    """Return title and body of a notification: no value of any customer is in them."""
    code = _worst(summaries)
    if code > Exit.ROWS_NEED_YOU:
        title = tr("clopos-import: failed")
    elif code:
        title = tr("clopos-import: a person is needed")
    else:
        title = tr("clopos-import: done")
    lines: list[str] = []
    for summary in summaries:
        lines.append(summary.file)
        if summary.target:
            lines.append("  " + summary.target.text)
        if text := counts_text(summary.counts or {}):
            lines.append(f"  {text}")
        if known := summary.more.get("known_problems"):
            lines.append(f"  {reported_text(known)}")
        if summary.error:
            lines += [f"  {line}" for line in error_lines(summary.error, None)]
        elif summary.results and summary.exit_code:
            lines.append("  " + tr("look into {path}", path=summary.results))
    return title, strip_control("\n".join(lines))


def _pings(per_sheet: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(given["ping"] for given in per_sheet if given.get("ping")))


def _worst(summaries: Sequence[Summary]) -> Exit:
    return max((summary.exit_code for summary in summaries), default=Exit.FAULT)


def _remark(why: str | None, what: str) -> None:
    if why is not None:
        Terminal().say(f"{what}: {why}")
