"""Target of a run, as every page of planning and sending shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yarl import URL

from importer.settings import LOOPBACK

if TYPE_CHECKING:
    from importer.pipeline.sign_in import SignedIn
    from importer.settings import Settings


class Where(NamedTuple):
    """A destination in parts. `local`: it is a sandbox on this machine, not Clopos."""

    brand: str
    venue: str
    address: str
    version: int
    local: bool


def where_of(settings: Settings, seen: SignedIn | None = None) -> Where:
    """Return where settings lead to; `seen` is what was found there when signing in."""
    name, number = "", settings.venue_id
    if seen and seen.brand == settings.brand and number in {"", seen.venue_id}:
        name, number = seen.venue, seen.venue_id
    return Where(
        settings.brand,
        f"{name} ({number})" if name and number else name or number,
        settings.base_url,
        settings.version,
        URL(settings.base_url).host in LOOPBACK,
    )
