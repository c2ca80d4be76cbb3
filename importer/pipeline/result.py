"""Result of `check` and `run` as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from importer.errors import ImporterError
    from importer.pipeline.prepare import Prepared
    from importer.results.outcomes import Outcomes
    from importer.results.summary import Summary


@dataclass(frozen=True, slots=True)
class Result:
    """Outcomes of all rows, and the summary.

    `results` is the file that was written, None when there is none. `error` is what ended the run
    early, None when it came to its end.
    """

    prepared: Prepared
    outcomes: Outcomes
    summary: Summary
    results: Path | None = None

    @property
    def error(self) -> ImporterError | None:
        """Return what ended the run early, None when it came to its end."""
        return self.summary.error

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command."""
        return self.summary.exit_code

    @property
    def rows(self) -> pd.DataFrame:
        """Return the sheet's rows with what became of each in front, as the results file has it.

        All cells are text, "" for nothing; the index is the row number a spreadsheet shows.
        """
        from importer.pipeline.offline import with_remarks
        from importer.results.write import results_frame

        return results_frame(
            self.prepared.sheet,
            with_remarks(self.prepared, self.outcomes),
            self.prepared.mapping.secret,
        )
