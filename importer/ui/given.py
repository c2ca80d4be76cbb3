"""Options of a sheet from the project file of its folder, as values.

The reader of that file is above this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from importer.environment import Source
    from importer.pipeline.options import Output, SendOptions, SheetOptions


@dataclass(frozen=True, slots=True)
class Given:
    """Options of a sheet as its commands have them without flags.

    `output` is where a run writes; None for its results: their usual place. `min_age` (seconds) and
    `min_rows` (a number or, as a float, a share of the last run's) guard sending (None: nothing).
    `project` is the file they are from (None: there is none), `names` those that it sets.
    """

    sheet: SheetOptions
    sending: SendOptions
    output: Output
    min_age: float | None = None
    min_rows: float | None = None
    project: Path | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectSheet:
    """A sheet of a project file.

    `source` is from where it is fetched, in words, "" where it lies on this machine. `newest_of` is
    the pattern of which it is the newest, "" for none.
    """

    path: Path  # where nothing matches a pattern: that
    source: str = ""
    newest_of: str = ""


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """Files of a project file: its sheets, the results and what else is written about them."""

    sheets: tuple[ProjectSheet, ...] = ()
    results: frozenset[Path] = frozenset()
    written: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class ProjectReader:
    """Reader of the project file of a sheet. All raise UsageError for a wrong file.

    `restaurant` is what it says of where to send, None where it says nothing. `options` imports
    pandas. `files` are those of the project file of a folder; `fetch` fetches a sheet of it by its
    path, as the commands do before they read it; its callback gets the bytes that came, and of how
    many (None: not known), and may raise an error to stop.
    """

    restaurant: Callable[[Path], Source | None]
    options: Callable[[Path], Given]
    files: Callable[[Path], ProjectFiles]
    fetch: Callable[[Path, Path, Callable[[int, int | None], None]], None]
