"""Keep how a sheet was read by its last run, in a file of the brand's state folder."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

from importer.errors import ServiceError
from importer.files import atomic_write
from importer.i18n import tr
from importer.pipeline.options import SheetOptions
from importer.questions.drift import Understood
from importer.store.state import brand_path

if TYPE_CHECKING:
    from pathlib import Path

    from importer.settings import Settings

_HEAD = "# How the last run of this sheet read it. A sheet that differs is asked about.\n"


def with_last(options: SheetOptions | None, settings: Settings) -> SheetOptions:
    """Return options by which a sheet is compared with its last run for this brand."""
    return replace(options or SheetOptions(), understood_in=brand_path(settings) / "sheets")


def place_of(folder: Path, sheet: Path) -> Path:
    """Return the file for a sheet: named by a digest of the whole path."""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(sheet))).hexdigest()
    return folder / f"{digest[:20]}.toml"


def load_last(folder: Path | None, sheet: Path) -> Understood | None:
    """Return what the last run understood of a sheet, None where that isn't known."""
    if folder is None:
        return None
    try:
        facts = tomllib.loads(place_of(folder, sheet).read_text("utf-8"))
        return Understood(
            columns={name: tuple(headers) for name, headers in facts["columns"].items()},
            rows=int(facts["rows"]),
            phones=float(facts["phones"]),
            encoding=facts.get("encoding"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save_last(folder: Path, sheet: Path, found: Understood) -> None:
    """Keep what was understood of a sheet. Raises ServiceError when it can't be written."""
    lines = [f"rows = {found.rows}", f"phones = {found.phones:.4f}"]
    if found.encoding:
        lines.append(f"encoding = {_toml(found.encoding)}")
    lines += ["", "[columns]"]
    lines += [f"{name} = {_toml(list(headers))}" for name, headers in found.columns.items()]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(
            tr("{path} can't be written", path=folder),
            why=error.strerror,
            fix=tr(
                "free some space, correct the permissions, or close it where it is "
                "open; then try again"
            ),
        ) from error
    with atomic_write(place_of(folder, sheet), 0o600) as aside:
        aside.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
