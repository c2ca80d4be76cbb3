"""Files elsewhere, by addresses of fsspec, e.g. `s3://…`; needs the extra `[sources]`."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from importer.clopos.redact import redact
from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHANGED = ("LastModified", "mtime", "last_modified", "updated", "created")
"""Names under which filesystems of fsspec say when a file was changed."""


def fsspec() -> Any:
    """Return the package fsspec; raises ImportError where that extra isn't installed."""
    import fsspec  # noqa: PLC0415

    return fsspec


def open_system(url: str) -> tuple[Any, str]:
    """Return the filesystem of an address, and the file's name in it.

    Raises UsageError for one that fsspec doesn't know, and for a host that can't be trusted.
    """
    scheme, systems = scheme_of(url), fsspec()
    if scheme not in systems.available_protocols():
        near = difflib.get_close_matches(scheme, ["https", "http", "s3", "sftp"], 1, 0.5)
        raise UsageError(
            tr("{source} can't be fetched; nothing was sent", source=shown(url)),
            why=tr("addresses with {scheme}:// aren't supported", scheme=scheme[:20]),
            fix=tr("did you mean {name}?", name=f"{near[0]}://")
            if near
            else tr("write it like https://, s3:// or sftp://"),
            code="source",
        )
    if scheme not in {"sftp", "ssh"}:
        return systems.core.url_to_fs(url)  # type: ignore[no-any-return]
    # Left to itself, fsspec believes any host that answers, and gives it the password.
    import asyncssh  # noqa: PLC0415 - an extra

    try:
        return systems.core.url_to_fs(  # type: ignore[no-any-return]
            url, known_hosts=(), skip_instance_cache=True
        )
    except asyncssh.HostKeyNotVerifiable as error:
        raise UsageError(
            tr("{source} can't be fetched; nothing was sent", source=shown(url)),
            why=str(error)[:200],
            fix=tr(
                "connect once with ssh as the user of the job, and compare the key that it shows: "
                "it is then in ~/.ssh/known_hosts"
            ),
            code="source",
        ) from None


def changed_at(facts: Mapping[str, Any]) -> float:
    """Return when a file was changed, in epoch seconds; 0 where it is unknown."""
    for name in _CHANGED:
        if (value := facts.get(name)) is not None:
            return float(value.timestamp() if hasattr(value, "timestamp") else value)
    return 0.0


def without_passwords(text: str, address: str) -> str:
    """Return a text without the passwords of an address, nor what a wrong sign made of them."""
    secrets: list[str] = []
    for part in address.split("::"):
        before, at, _ = part.partition("://")[2].rpartition("@")
        password = before.partition(":")[2] if at else ""
        secrets += [password, unquote(password), *re.split("[:/@?#]", password)]
    return redact(text, filter(None, secrets), secrets)


def scheme_of(url: str) -> str:
    """Return the scheme of an address in small letters."""
    return url.partition("://")[0].lower()


def shown(url: str) -> str:
    """Return an address without password and parameters, also of one within another."""
    parts = []
    for part in url.split("::"):
        scheme, mark, rest = part.partition("://")
        before, at, after = rest.rpartition("@")
        # A password may hold any sign; a user alone is no secret.
        rest = after if at and ":" in before else rest
        parts.append(f"{scheme}{mark}{re.split('[?#]', rest)[0]}")
    return "::".join(parts)[:200]
