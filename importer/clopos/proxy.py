"""Which proxy leads to Clopos, by the usual environment variables.

Own code instead of aiohttp's `trust_env`, which also sends the password of ~/.netrc, ignores a
proxy it can't use, and doesn't name the proxy in errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from importer.errors import UsageError
from importer.i18n import tr
from importer.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")  # the first one counts


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. `str()` of it is for people: without its password."""

    url: URL = field(repr=False)
    variable: str

    def __str__(self) -> str:
        """Return its address and the variable that names it."""
        return f"{self.url.with_user(None)} ({self.variable})"


def choose_proxy(base_url: str, variables: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an address, None for a direct connection.

    This machine is always reached directly, and so is what NO_PROXY lists (names with their
    subdomains, or *). An address without a scheme is taken as http://, as curl does.

    Raises UsageError for a proxy that can't be used: bypassing it would be no better.
    """
    host = URL(base_url).host or ""
    name = next((name for name in _VARIABLES if variables.get(name, "").strip()), None)
    no_proxy = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
    if name is None or host in LOOPBACK or _excepted(host.lower(), no_proxy):
        return None
    text = variables[name].strip()
    try:
        url = URL(text if "://" in text else f"http://{text}")
        usable = url.scheme == "http" and bool(url.host)
        _ = url.port
    except ValueError:
        usable = False
        url = URL()
    if not usable:
        shown = text.rpartition("@")[2][:80]
        raise UsageError(
            tr("The proxy in {name} can't be used: {value}", name=name, value=shown),
            why=tr("only proxies with an http:// address can be used"),
            fix=tr(
                "write it like http://proxy.example:3128, or except Clopos from it: "
                "NO_PROXY={host}",
                host=host,
            ),
        )
    return Proxy(url, name)


def _excepted(host: str, no_proxy: str) -> bool:
    """Return whether NO_PROXY lists a host: itself, a domain above it, or everything."""
    for entry in no_proxy.lower().split(","):
        domain = entry.strip().partition(":")[0].removeprefix("*").removeprefix(".")
        everything = entry.strip() == "*"
        if everything or (domain and (host == domain or host.endswith(f".{domain}"))):
            return True
    return False
