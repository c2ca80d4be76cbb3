"""Carry out a command for each of its sheets, print each result, and return one exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importer.cli.environment import with_addresses
from importer.cli.lost_output import is_lost_output
from importer.cli.output import complain, error_of, show_json
from importer.cli.terminal import Terminal
from importer.cli.watching import begin_watching, end_watching
from importer.errors import Exit, ImporterError
from importer.i18n import tr, trn
from importer.results.summary import Summary
from importer.results.wording import counts_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_FETCHING = frozenset({"check", "run", "rehearse"})  # the other commands read what these have done


@dataclass(frozen=True, slots=True)
class Ended:
    """Result of a command about one sheet; `lines` is for people."""

    summary: Summary
    lines: Callable[[Summary], list[str]]


def work_through(
    command: Callable[..., Ended | int], per_sheet: Sequence[Mapping[str, Any]]
) -> int:
    """Carry out a command once for each sheet and return the exit code.

    `per_sheet` has the command's parameters for each. The code is that of the sheet that ended
    worst. A sheet that fails doesn't stop the others; an interruption does. With --json one line
    is printed, also for several sheets. --notify, --ping and --metrics report start and end.
    """
    _name_project(per_sheet[0])
    try:
        per_sheet = [with_addresses(given) for given in per_sheet]
        watched = any(
            given.get(name) for given in per_sheet for name in ("notify", "ping", "metrics")
        )
        if watched:
            begin_watching(per_sheet)
    except (ImporterError, KeyboardInterrupt) as error:
        return _show(_failed(per_sheet[0], error), as_json=bool(per_sheet[0].get("as_json")))
    code, summaries = _work(command, per_sheet)
    if watched:
        end_watching(per_sheet, summaries)
    return code


def _work(
    command: Callable[..., Ended | int], per_sheet: Sequence[Mapping[str, Any]]
) -> tuple[int, list[Summary]]:
    """Return the exit code, and the summary of each sheet where the command has such."""
    summaries: list[Summary] = []
    codes = [0]
    as_json, several = bool(per_sheet[0].get("as_json")), len(per_sheet) > 1
    for given in per_sheet:
        if several and not (as_json or given.get("quiet")):
            Terminal().show(["", str(given["file"])])
        ended = _one(command, given)
        if isinstance(ended, int):
            codes.append(ended)
            continue
        summaries.append(ended.summary)
        codes.append(ended.summary.exit_code)
        if not (as_json and several):
            _show(ended, as_json=as_json)
        if codes[-1] == Exit.STOPPED:
            break
    code = max(codes)
    if several and as_json:
        sheets = [summary.as_dict() for summary in summaries]
        show_json({"ok": code == Exit.DONE, "exit_code": int(code), "sheets": sheets})
    elif several and summaries:
        Terminal(sys.stdout).show(["", *table_lines(summaries)])
    return code, summaries


def table_lines(summaries: Sequence[Summary]) -> list[str]:
    """Return a line for each sheet: its name, its rows, their outcomes."""
    names = max(len(summary.file) for summary in summaries)
    lines = [trn("{n} sheet", "{n} sheets", len(summaries))]
    for summary in summaries:
        error = summary.error.what if summary.error else ""
        text = ", ".join(filter(None, (error, counts_text(summary.counts or {}))))
        lines.append(f"  {summary.file:<{names}}  {text or tr('no rows')}")
    return lines


def _name_project(given: Mapping[str, Any]) -> None:
    """Say which project file gives options, where anything may be said."""
    project = given["input"].project
    if project and not (given.get("quiet") or given.get("as_json")):
        Terminal().say(tr("Options from {path}", path=project.path))


def _one(command: Callable[..., Ended | int], given: Mapping[str, Any]) -> Ended | int:
    """Carry out a command for one sheet; an error that ends it early is its summary's."""
    try:
        given["input"].begin(fetch=command.__name__ in _FETCHING)
        return command(**given)
    except (Exception, KeyboardInterrupt) as error:
        if is_lost_output(error):
            raise
        return _failed(given, error)


def _failed(given: Mapping[str, Any], error: BaseException) -> Ended:
    return Ended(Summary(file=str(given["file"]), error=error_of(error)), _no_lines)


def _no_lines(_: Summary) -> list[str]:
    return []


def _show(ended: Ended, *, as_json: bool) -> int:
    summary = ended.summary
    if summary.error:
        complain(summary.error)
    if as_json:
        show_json(summary.as_dict())
    elif lines := ended.lines(summary):
        Terminal(sys.stdout).show(lines)
    return summary.exit_code
