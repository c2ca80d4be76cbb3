"""The credentials of a restaurant: where they were found, whether they work, where they are kept.

No value of them is ever shown: neither on a page nor in a log, an error or an address.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from importer.credentials import SECRET_COMMAND
from importer.environment import read_env_text
from importer.errors import ServiceError, UsageError
from importer.files import atomic_write
from importer.i18n import tr
from importer.pipeline.sign_in import try_credentials
from importer.results.wording import duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.pipeline.sign_in import SignedIn
    from importer.settings import Settings

NAMES = (
    "CLOPOS_BRAND",
    "CLOPOS_CLIENT_ID",
    "CLOPOS_CLIENT_SECRET",
    "CLOPOS_INTEGRATOR_ID",
    "CLOPOS_VENUE_ID",
)
"""Fields of the form, in its order."""

_LONGEST = 45.0  # seconds


def sources_of(
    typed: Mapping[str, str],
    environ: Mapping[str, str],
    env: Mapping[str, str],
    whole: Mapping[str, str],
) -> dict[str, str]:
    """Return name → where its value was found: typed, environment, file, kept, "" for nowhere.

    `typed` was typed into the page, `env` is `environ` with what a file .env adds to it, and
    `whole` that with what was typed and what `login` kept.
    """
    places = {"typed": typed, "environment": environ, "file": env, "kept": whole}
    return {name: _source(name, places) for name in NAMES}


def _source(name: str, places: Mapping[str, Mapping[str, str]]) -> str:
    command = SECRET_COMMAND if name == "CLOPOS_CLIENT_SECRET" else name
    names = (name, f"{name}_FILE", command)
    found = (
        place
        for place, values in places.items()
        if any(values.get(each, "").strip() for each in names)
    )
    return next(found, "")


async def try_soon(settings: Settings) -> SignedIn:
    """Try credentials as `login` does, but for no longer than a page waits.

    Raises UsageError where something is missing, ServiceError where Clopos refuses or can't be
    reached. Neither holds a value.
    """
    try:
        async with asyncio.timeout(_LONGEST):
            return await try_credentials(settings)
    except TimeoutError as error:
        raise ServiceError(
            tr("Clopos doesn't answer"),
            why=tr("no answer within {time}", time=duration(_LONGEST)),
            fix=tr("try again in a minute"),
        ) from error


def keep_in_file(path: Path, values: Mapping[str, str]) -> None:
    """Write variables into a file .env, for its owner alone; other lines stay as they are.

    An empty value takes its line away.

    Raises UsageError when a value can't stand in such a file, ServiceError when it can't be
    written.
    """
    kept = _lines_without(path, values)
    if kept and not kept[-1].endswith(("\r", "\n")):
        kept[-1] += "\n"
    kept += [f"{name}={_quoted(name, value)}\n" for name, value in values.items() if value]
    _write(path, kept)


def take_from_file(path: Path) -> bool:
    """Take the credentials out of a file .env; return whether it held any.

    Raises UsageError when the file can't be read, ServiceError when it can't be written.
    """
    if not path.is_file():
        return False
    kept = _lines_without(path, dict.fromkeys(NAMES, ""))
    if "".join(kept) == _text(path):
        return False
    _write(path, kept)
    return True


def _text(path: Path) -> str:
    return read_env_text(path) if path.exists() else ""


def _lines_without(path: Path, names: Mapping[str, str]) -> list[str]:
    """Return the statements of a file without those that set one of the names, as they stand."""
    statements = parse_stream(io.StringIO(_text(path), newline=""))
    return [each.original.string for each in statements if each.key not in names]


def _write(path: Path, lines: list[str]) -> None:
    if path.is_symlink():
        raise UsageError(
            tr("{path} is a link", path=path),
            why=tr("what is written would take its place"),
            fix=tr("replace it by a file, or keep the credentials until the program ends"),
        )
    with contextlib.suppress(OSError):  # it would keep the mode of the one that it replaces
        path.chmod(0o600)
    with atomic_write(path, 0o600) as part:
        part.write_text("".join(lines), encoding="utf-8", newline="")


def _quoted(name: str, value: str) -> str:
    """Return a value as a file .env holds it."""
    if not value.isprintable():
        raise UsageError(
            tr("{name} holds a character that can't be seen", name=name),
            why=tr("a line break, most likely, that was copied with it"),
            fix=tr("copy the value anew, on one line"),
        )
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
