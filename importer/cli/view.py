"""Dialogue of one command with its user: what is shown, and what is asked."""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING

from importer.cli.prompts import confirm_mapping
from importer.cli.question_prompts import answer_questions, with_confirmed_columns
from importer.cli.render_plan import plan_lines
from importer.cli.render_sheet import found_lines, question_lines, understood_lines
from importer.cli.terminal import Terminal
from importer.i18n import tr, trn
from importer.pipeline.prepare import open_sheet, prepare_rows, understand
from importer.progress import NullReporter

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from importer.pipeline.options import SheetOptions
    from importer.pipeline.prepare import Opened, Prepared
    from importer.plan.decide import Plan
    from importer.progress import ProgressReporter
    from importer.records import ColumnMapping
    from importer.results.summary import Target


class View:
    """Display and prompts of a command on a terminal. Without a terminal it does neither.

    `ask`: the user may say whether to send; `ask_columns`: and which columns are meant.
    """

    def __init__(
        self, terminal: Terminal | None, *, ask: bool = False, ask_columns: bool = False
    ) -> None:
        self._terminal = terminal
        self._ask = ask
        self._ask_columns = ask_columns
        self._started = time.monotonic()
        self.reporter: ProgressReporter = terminal or NullReporter()

    @property
    def started(self) -> float:
        """Return when the work began, on the monotonic clock, later by the time of prompts."""
        return self._started + (self._terminal.prompt_seconds if self._terminal else 0.0)

    def remark(self, text: str) -> None:
        """Show one line, also where nothing else is shown."""
        (self._terminal or Terminal()).say(text)

    def prepare(
        self, file: Path, options: SheetOptions, region: str, *, counted: bool = True
    ) -> Prepared:
        """Read, understand and prepare the sheet; show each, and ask about its columns.

        `counted`: with how many rows are ready, where no result follows at once that says it.

        `region` is that of the settings. Raises UsageError when the sheet can't be read.
        """
        with self.reporter.step(tr("reading {path}", path=file)):
            opened = open_sheet(file, options, region=region, stdin=sys.stdin.buffer)
        prepared = prepare_rows(opened, self.confirm_mapping(opened), reporter=self.reporter)
        if self._terminal is None:
            return prepared
        self._terminal.show([*found_lines(prepared, counted=counted), ""])
        if self._ask_columns and prepared.questions:
            prepared = self._answer(opened, prepared, self._terminal)
            self._terminal.show([*found_lines(prepared, counted=counted), ""])
        else:
            many = len(prepared.questions)
            for place, question in enumerate(prepared.questions, start=1):
                self._terminal.show([*question_lines(question, place, many), ""])
        return prepared

    def _answer(self, opened: Opened, prepared: Prepared, terminal: Terminal) -> Prepared:
        """Ask what is open about the sheet; return it with the answers."""

        def again(options: SheetOptions) -> tuple[Opened, Prepared]:
            reopened = open_sheet(
                opened.path,
                options,
                region=opened.region,
                stdin=sys.stdin.buffer,
                earlier=opened,
            )
            return reopened, prepare_rows(reopened, understand(reopened), reporter=self.reporter)

        opened = with_confirmed_columns(opened, prepared.mapping)
        return answer_questions(opened, prepared, again, tell=terminal.show, ask=terminal.answer)

    def confirm_mapping(self, opened: Opened) -> ColumnMapping:
        """Show the file and its columns; ask whether that is right, if it may ask."""
        terminal = self._terminal
        if terminal is None:
            return understand(opened)
        if self._ask_columns:
            mapping = confirm_mapping(opened, tell=terminal.show, ask=terminal.answer)
            terminal.say("")
        else:
            mapping = understand(opened)
            terminal.show([*understood_lines(opened.sheet, mapping), ""])
        return mapping

    def confirm_plan(self, plan: Plan, target: Target | None = None, *, dry_run: bool) -> bool:
        """Show the plan; return whether to send, asking where it may ask."""
        if self._terminal is None:
            return True
        lines = plan_lines(plan, datetime.now().astimezone(), target)
        if dry_run:
            lines.append("  " + tr("a dry run: nothing is sent"))
        if dry_run or not (self._ask and plan.price.creates):
            self._terminal.show([*lines, ""])
            return True
        self._terminal.show(lines)
        answer = self._terminal.answer(
            trn(
                "This cannot be undone through the API. Send {n} customer {target}? [y/N]",
                "This cannot be undone through the API. Send {n} customers {target}? [y/N]",
                plan.price.creates,
                target=target.text if target else "",
            )
        )
        return answer.strip().lower() in tr("y yes").split()

    def watch_sending(self) -> AbstractContextManager[None]:
        """Show how far sending is, until the context ends."""
        return self._terminal.watch_sending() if self._terminal else contextlib.nullcontext()
