"""A mapping that was saved: field → headers, as TOML; [] for a field that is left out."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.files import written_aside
from importer.i18n import tr
from importer.mapping.columns import address
from importer.records import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from importer.records import Mapping, Sheet


def load_mapping(path: Path) -> tuple[tuple[str, str], ...]:
    """Return (field, header) pairs as `--map` gives them.

    Raises UsageError when the file isn't a saved mapping.
    """
    try:
        facts = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            tr("The saved mapping {path} can't be read", path=path),
            why=str(error)[:200],
            todo=tr("mend or delete it; --save-mapping writes a new one"),
        ) from error
    pairs: list[tuple[str, str]] = []
    for field, headers in facts.items():
        listed = [headers] if isinstance(headers, str) else headers
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise UsageError(
                tr("The saved mapping {path} is not one", path=path),
                why=tr("{field} is neither a header nor a list of headers", field=field),
                todo=tr('write it like phone = ["Mobile"]'),
            )
        pairs += [(field, header) for header in listed or [""]]
    return tuple(pairs)


def save_mapping(path: Path, mapping: Mapping, sheet: Sheet) -> None:
    """Write the mapping aside, then into place. What it leaves out stays out next time.

    Raises ServiceError when it can't be written.
    """
    lines = [
        "# Which column makes which field. Several make a name together, or are tried in order."
    ]
    lines += [
        f"{name} = {_listed(address(sheet.headers, n) for n in mapping.columns.get(name, ()))}"
        for name in FIELDS
    ]
    with written_aside(path) as aside:
        aside.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _listed(headers: Iterable[str]) -> str:
    # DEL is the one control character that TOML forbids and JSON writes as it is.
    return json.dumps(list(headers), ensure_ascii=False).replace("\x7f", "\\u007f")
