"""The profiles of old POS systems: one TOML file each in `schemas/profiles`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """How the export of one system is recognised and read.

    `headers` must all be there for it to be recognised. `fields` is field → columns in order,
    each a tuple of headers of which the first that is there is meant.
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
    )
