"""The profiles of old POS systems: one TOML file each in `schemas/profiles`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.header_words import key

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Profile:
    """Description of the export of one system: its headers, and how it is read.

    It is recognised if all `headers` exist. `fields` is field → columns in order, each a tuple of
    headers of which the first that exists is taken.
    """

    name: str
    title: str
    headers: tuple[str, ...]
    fields: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    dates: str | None = None
    region: str | None = None
    language: str | None = None
    genders: tuple[tuple[str, int], ...] = ()  # its own words: 1 male, 2 female, 0 not given
    notes: tuple[str, ...] = ()
    sure: str = "file"  # where the header is from: file, vendor code, code, docs, or inferred


@cache  # for a page, and for several sheets
def load_profiles() -> tuple[Profile, ...]:
    """Return all profiles, by name."""
    folder = files("schemas") / "profiles"
    named = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(
        _profile(entry.name.removesuffix(".toml"), tomllib.loads(entry.read_text("utf-8")))
        for entry in sorted(named, key=lambda entry: entry.name)
    )


def _profile(name: str, facts: dict[str, Any]) -> Profile:
    fields = tuple(
        (field, tuple((each,) if isinstance(each, str) else tuple(each) for each in columns))
        for field, columns in facts["fields"].items()
    )
    return Profile(
        name=name,
        title=facts["title"],
        headers=tuple(facts["headers"]),
        fields=fields,
        dates=facts.get("dates"),
        region=facts.get("region"),
        language=facts.get("language"),
        genders=tuple(facts.get("genders", {}).items()),
        notes=tuple(facts.get("notes", ())),
        sure=facts.get("sure", "file"),
    )


def find_profile(
    headers: Sequence[str], profiles: Sequence[Profile], name: str | None
) -> Profile | None:
    """Return the profile of this name, else the one with the most headers that all exist.

    None if no profile fits, or two fit equally well: header words are as good as either. Raises
    UsageError for a name that no profile has.
    """
    if name is not None:
        for profile in profiles:
            if profile.name == name.strip().lower():
                return profile
        raise UsageError(
            tr("There is no profile {name}", name=name),
            fix=tr(
                "the profiles are {profiles}",
                profiles=", ".join(profile.name for profile in profiles),
            ),
        )
    there = {key(header) for header in headers}
    fitting = [p for p in profiles if all(key(header) in there for header in p.headers)]
    fitting.sort(key=lambda profile: -len(profile.headers))
    if len(fitting) > 1 and len(fitting[0].headers) == len(fitting[1].headers):
        return None
    return fitting[0] if fitting else None


def columns_of(profile: Profile, headers: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return field → the columns of a sheet that a profile names for it."""
    places: dict[str, int] = {}
    for number, header in enumerate(headers):
        places.setdefault(key(header), number)
    exact = {header: number for number, header in reversed(list(enumerate(headers)))}
    found: dict[str, tuple[int, ...]] = {}
    for name, columns in profile.fields:
        there = [
            next(
                (
                    exact.get(each, places.get(key(each)))
                    for each in alternatives
                    if each in exact or (key(each) in places and not _numbered(each))
                ),
                None,
            )
            for alternatives in columns
        ]
        if taken := tuple(dict.fromkeys(number for number in there if number is not None)):
            found[name] = taken
    return found


def _numbered(header: str) -> bool:
    """Return whether a header is one of several that differ by their number: Phone 2 - Value."""
    return any(map(str.isdigit, header))
