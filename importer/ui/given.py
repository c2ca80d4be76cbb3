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
    from importer.pipeline.options import SendOptions, SheetOptions


@dataclass(frozen=True, slots=True)
class Given:
    """Options of a sheet as its commands have them without flags.

    `project` is the file they are from (None: there is none), `names` those that it sets.
    """

    sheet: SheetOptions
    sending: SendOptions
    project: Path | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectReader:
    """Reader of the project file of a sheet. Both raise UsageError for a wrong file.

    `restaurant` is what it says of where to send, None where it says nothing. `options` imports
    pandas.
    """

    restaurant: Callable[[Path], Source | None]
    options: Callable[[Path], Given]
