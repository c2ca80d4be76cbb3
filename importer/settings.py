"""The CLOPOS_* variables → one frozen object, once.

Pure: the environment is an argument. Secrets are masked in `repr` and never leave but to the API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_BASE_URL = "https://integrations.clopos.com/open-api"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says about the API. Empty text where it says nothing."""

    base_url: str = DEFAULT_BASE_URL  # without a version and a final slash
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    brand: str = ""
    venue_id: str = ""
    integrator_id: str = ""  # its presence selects v2
    token: str = field(default="", repr=False)  # one already issued
    region: str = ""  # "": the profile's, else AZ
    state_dir: str = ""  # "": the user's state folder

    @property
    def version(self) -> int:
        """Return the version of the API, 1 or 2 (API facts §2)."""
        return 2 if self.integrator_id else 1

    @property
    def api_url(self) -> str:
        """Return the address all routes start with (API facts §2)."""
        return self.base_url + "/v2" if self.version == 2 else self.base_url


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Raises UsageError when the address is not one we may send customers to, or a value can't be
    sent.
    """

    def text(name: str, default: str = "") -> str:
        value = env.get(f"CLOPOS_{name}", "").strip() or default
        if not value.isprintable():
            raise UsageError(
                tr("CLOPOS_{name} holds a character that can't be seen", name=name),
                why=tr("a line break, most likely, that was copied with it"),
                todo=tr("copy the value anew, on one line"),
            )
        return value

    return Settings(
        base_url=_base_url(text("BASE_URL", DEFAULT_BASE_URL)),
        client_id=text("CLIENT_ID"),
        client_secret=text("CLIENT_SECRET"),
        brand=text("BRAND"),
        venue_id=text("VENUE_ID"),
        integrator_id=text("INTEGRATOR_ID"),
        token=text("TOKEN"),
        region=text("REGION").upper(),
        state_dir=text("STATE_DIR"),
    )


def require_brand(settings: Settings) -> None:
    """Raise UsageError when it isn't said whose journal is meant."""
    if not settings.brand:
        raise UsageError(
            tr("CLOPOS_BRAND is not set"),
            why=tr("each brand has a journal of its own"),
            todo=tr("set it in the environment or in a file .env in this folder"),
        )


def require_credentials(settings: Settings) -> None:
    """Raise UsageError, naming the variables, when signing in is not possible (API facts §3)."""
    needed = {"CLOPOS_BRAND": settings.brand}
    if settings.version == 1:
        needed["CLOPOS_VENUE_ID"] = settings.venue_id
    if not settings.token:
        needed |= {
            "CLOPOS_CLIENT_ID": settings.client_id,
            "CLOPOS_CLIENT_SECRET": settings.client_secret,
        }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise UsageError(
            tr("No credentials for Clopos: not set: {missing}", missing=", ".join(missing)),
            why=None
            if settings.integrator_id
            else tr("without CLOPOS_INTEGRATOR_ID version 1 of the API is used"),
            todo=tr(
                "set it in the environment or in a file .env in this folder (values: "
                "Clopos back office, Add-ons, Open API); or try everything with "
                "--sandbox"
            ),
        )


def _base_url(text: str) -> str:
    """Return the address without its version, so that the version can be chosen."""
    try:
        parts = urlsplit(text)
        _ = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:  # a bracket that isn't closed, a port or a name that can't be
        parts = urlsplit("")
    url = re.sub(r"/+(v[12])?/*$", "", text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            tr("CLOPOS_BASE_URL is not an address: {value}", value=text.rpartition("@")[2][:80]),
            todo=tr(
                "write it like {default_base_url}, or leave it out",
                default_base_url=DEFAULT_BASE_URL,
            ),
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            tr("CLOPOS_BASE_URL holds more than an address"),
            why=tr("credentials and parameters don't belong there"),
            todo=tr("write it like {default_base_url}", default_base_url=DEFAULT_BASE_URL),
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError(
            tr("CLOPOS_BASE_URL is not encrypted: http://{hostname}", hostname=parts.hostname),
            why=tr(
                "secrets and customers would travel in the clear; http:// is for this machine only"
            ),
            todo=tr("use https://"),
        )
    return url
