"""Saved choices about a sheet, as TOML: its columns, how it is read, what was answered.

Top level: field → headers, [] for a field that is left out. `[reading]`: flags about the sheet.
`[accepted]`: code of a question → the evidence it was accepted with.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.files import atomic_write
from importer.i18n import tr
from importer.mapping.choices import address
from importer.records import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.records import ColumnMapping, Sheet


_OF_RESULTS = re.compile(r"(?<=.)\.results\.\w+$")
READING = (
    "region",
    "dates",
    "language",
    "encoding",
    "delimiter",
    "sheet",
    "header_row",
    "none_value",
)
"""Keys of `[reading]`, by the names of the flags."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Saved choices about a sheet."""

    pairs: tuple[tuple[str, str], ...] = ()  # (field, header) as `--map` gives them
    reading: Mapping[str, Any] = field(default_factory=dict)  # flag → value, of READING
    accepted: Mapping[str, str] = field(default_factory=dict)  # code → evidence


def saved_mapping_path(path: Path, chosen: Path | None = None) -> Path:
    """Return the path of a sheet's mapping; `chosen` is a path that the user named.

    The results of a sheet have the mapping of the sheet itself.
    """
    own = path.with_name(f"{path.name}.mapping.toml")
    names = [path.name]
    while (shorter := _OF_RESULTS.sub("", names[-1])) != names[-1]:
        names.append(shorter)
    saved = (path.with_name(f"{name}.mapping.toml") for name in names)
    return chosen or next((place for place in saved if place.is_file()), own)


def is_results(path: Path) -> bool:
    """Return whether a file has the name of the results of a sheet."""
    return _OF_RESULTS.search(path.name) is not None


def load_saved(path: Path) -> Saved:
    """Return the saved choices. Raises UsageError when the file isn't a saved mapping."""
    try:
        facts = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            tr("The saved mapping {path} can't be read", path=path),
            why=str(error)[:200],
            fix=tr("fix or delete it; --save-mapping writes a new one"),
        ) from error
    reading, accepted = facts.pop("reading", {}), facts.pop("accepted", {})
    pairs: list[tuple[str, str]] = []
    for name, headers in facts.items():
        listed = [headers] if isinstance(headers, str) else headers
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise _wrong(path, tr("{field} is neither a header nor a list of headers", field=name))
        pairs += [(name, header) for header in listed or [""]]
    for table, known in ((reading, READING), (accepted, None)):
        if not isinstance(table, dict) or not all(
            (known is None or name in known) and _is_allowed(name, value)
            for name, value in table.items()
        ):
            raise _wrong(path, tr("[reading] or [accepted] holds a value that isn't allowed"))
    return Saved(tuple(pairs), reading, accepted)


def _is_allowed(name: str, value: Any) -> bool:
    if name == "none_value":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, int if name == "header_row" else str)


def save_mapping(
    path: Path,
    mapping: ColumnMapping,
    sheet: Sheet,
    *,
    reading: Mapping[str, Any] | None = None,
    accepted: Mapping[str, str] | None = None,
) -> None:
    """Write the mapping and the answers, in one step.

    A field that the mapping leaves out stays out next time; None in `reading` isn't written.

    Raises ServiceError when it can't be written.
    """
    headers = [
        (name, [address(sheet.headers, n) for n in mapping.columns.get(name, ())])
        for name in FIELDS
    ]
    pairs = [(name, header) for name, listed in headers for header in listed or [""]]
    write_saved(path, Saved(tuple(pairs), reading or {}, accepted or {}))


def write_saved(path: Path, saved: Saved) -> None:
    """Write saved choices, in one step. Raises ServiceError when that fails."""
    lines = [
        "# Which column makes which field. Several make a name together, or are tried in order."
    ]
    fields = dict.fromkeys(name for name, _ in saved.pairs)
    lines += [
        f"{name} = {toml_value([h for each, h in saved.pairs if each == name and h])}"
        for name in fields
    ]
    for title, table in (("reading", saved.reading), ("accepted", saved.accepted)):
        filled = {name: value for name, value in table.items() if value is not None}
        if filled:
            lines += [
                "",
                f"[{title}]",
                *(f"{n} = {toml_value(value)}" for n, value in filled.items()),
            ]
    with atomic_write(path) as aside:
        aside.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _wrong(path: Path, why: str) -> UsageError:
    return UsageError(
        tr("{path} is not a saved mapping", path=path),
        why=why,
        fix=tr('write it like phone = ["Mobile"]'),
    )


def toml_value(value: Any) -> str:
    """Return a text, number, boolean or list of them as TOML writes it."""
    # DEL is the one control character that TOML forbids and JSON writes as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
