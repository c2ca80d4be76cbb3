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
    """Outcome of every row, and the summary.

    `results` is the path of the results file, None when none was written.
    """

    prepared: Prepared
    outcomes: Outcomes
    summary: Summary
    results: Path | None = None

    @property
    def error(self) -> ImporterError | None:
        """Return the error that ended the run early, None when it came to its end."""
        return self.summary.error

    @property
    def exit_code(self) -> int:
        """Return the exit code that the command would have: 0 to 4, or 130."""
        return self.summary.exit_code

    @property
    def rows(self) -> pd.DataFrame:
        """Return the sheet's rows with the outcome of each in front, as in the results file.

        All cells are text, "" for nothing. The index is the row number that a spreadsheet shows.
        """
        from importer.pipeline.offline import with_remarks
        from importer.results.write import results_frame

        return results_frame(
            self.prepared.sheet,
            with_remarks(self.prepared, self.outcomes),
            self.prepared.mapping.secret,
        )
