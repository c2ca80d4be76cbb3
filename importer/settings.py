"""Read the CLOPOS_* variables into one frozen object.

The environment is an argument. Secrets are not in `repr` and are sent only to the API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from yarl import URL

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_BASE_URL = "https://integrations.clopos.com/open-api"
_BAD_HOST = re.compile(r"[\s\[\]/\\\\@]")
NOTIFY, PING = "CLOPOS_NOTIFY", "CLOPOS_PING"  # of --notify and --ping
SECRETS = ("CLOPOS_CLIENT_ID", "CLOPOS_CLIENT_SECRET", "CLOPOS_TOKEN")
"""Credentials that are sent to Clopos."""

_IN_FILES = (*SECRETS, "CLOPOS_DATABASE_URL", NOTIFY, PING)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PROXIES = tuple(
    name for upper in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY") for name in (upper.lower(), upper)
)
_OTHER_CA_FILES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the API from the environment. Empty text where there is none."""

    base_url: str = DEFAULT_BASE_URL  # without a version and a final slash
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    brand: str = ""
    venue_id: str = ""
    integrator_id: str = ""  # its presence selects v2
    token: str = field(default="", repr=False)  # one already issued
    region: str = ""  # "": the profile's, else AZ
    state_dir: str = ""  # "": the user's state folder
    database_url: str = field(default="", repr=False)  # PostgreSQL; "": the state folder
    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # variable, value
    ca_file: str = ""  # further certificate authorities, PEM
    other_ca_file: str = ""  # of a variable that other programs use, and we don't

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

    For each secret, `CLOPOS_…_FILE` may name a file that holds it; the variable itself goes first.

    Raises UsageError when customers may not be sent to that address, a value can't be sent in a
    header, or such a file can't be read.
    """

    def text(name: str, default: str = "") -> str:
        value = env.get(f"CLOPOS_{name}", "").strip() or _from_file(name, env) or default
        if not value.isprintable():
            raise UsageError(
                tr("CLOPOS_{name} holds a character that can't be seen", name=name),
                why=tr("a line break, most likely, that was copied with it"),
                fix=tr("copy the value anew, on one line"),
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
        database_url=text("DATABASE_URL"),
        proxies=tuple((name, env[name]) for name in _PROXIES if env.get(name)),
        ca_file=env.get("SSL_CERT_FILE", ""),
        other_ca_file=next((env[name] for name in _OTHER_CA_FILES if env.get(name)), ""),
    )


def read_addresses(env: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """Return the addresses of CLOPOS_NOTIFY, and that of CLOPOS_PING; "" where there is none.

    They may hold passwords. `CLOPOS_…_FILE` may name a file that holds them.

    Raises UsageError when such a file can't be read.
    """
    notify, ping = (
        env.get(name, "").strip() or _from_file(name.removeprefix("CLOPOS_"), env)
        for name in (NOTIFY, PING)
    )
    return tuple(notify.split()), ping


def _from_file(name: str, env: Mapping[str, str]) -> str:
    """Return a secret from the file that `CLOPOS_…_FILE` names, "" where none is named."""
    path = env.get(f"CLOPOS_{name}_FILE", "") if f"CLOPOS_{name}" in _IN_FILES else ""
    if not path:
        return ""
    try:
        value = Path(path).read_text("utf-8-sig").strip()
    except (OSError, ValueError) as error:
        value, why = "", getattr(error, "strerror", None) or tr("it is not UTF-8")
    else:
        why = tr("it is empty")
    if not value:
        raise UsageError(
            tr("CLOPOS_{name}_FILE can't be used: {path}", name=name, path=path),
            why=why,
            fix=tr("set it to the path of a file that holds the value, on one line"),
        )
    return value


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
            fix=tr(
                "run clopos-import login, or set it in the environment or in a file .env in this "
                "folder (values: Clopos back office, Add-ons, Open API); or try everything with "
                "--sandbox"
            ),
        )


def _base_url(text: str) -> str:
    """Return the address without its version, so that the version can be chosen."""
    try:
        url = URL(text)  # what connects later reads it the same way
        host, _ = url.host or "", url.port
        host.encode("idna")
        valid = url.scheme in {"http", "https"} and bool(host) and not _BAD_HOST.search(host)
    except ValueError:  # a bracket that isn't closed, a port or a name that can't be
        url, host, valid = URL(), "", False
    shown = text.rpartition("@")[2][:80]
    if not valid or shown.startswith("//"):
        raise UsageError(
            tr("CLOPOS_BASE_URL is not an address: {value}", value=shown),
            fix=tr(
                "write it like {default_base_url}, or leave it out",
                default_base_url=DEFAULT_BASE_URL,
            ),
        )
    if url.user or url.password or "?" in text or "#" in text:
        raise UsageError(
            tr("CLOPOS_BASE_URL holds more than an address"),
            why=tr("credentials and parameters don't belong there"),
            fix=tr("write it like {default_base_url}", default_base_url=DEFAULT_BASE_URL),
        )
    if url.scheme == "http" and host not in LOOPBACK:
        raise UsageError(
            tr("CLOPOS_BASE_URL is not encrypted: http://{hostname}", hostname=host),
            why=tr(
                "secrets and customers would travel in the clear; http:// is for this machine only"
            ),
            fix=tr("use https://"),
        )
    return without_version(text)


def without_version(url: str) -> str:
    """Return an address without its version and final slashes."""
    return re.sub(r"/+(v[12])?/*$", "", url)
