"""The environment of a run: what the process has, and what a file .env adds to it."""

from __future__ import annotations

import codecs
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import getproxies

from dotenv import dotenv_values

from importer.credentials import SECRET_COMMAND, secret_from_command, with_kept
from importer.errors import UsageError
from importer.files import check_trusted
from importer.i18n import tr
from importer.settings import NOTIFY, PING, SECRETS, without_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENV_FILES = (".env", ".env.txt")
"""Names of a file .env; the second is what Windows makes of a name that begins with a dot."""
PROJECT_FILE = "clopos.toml"

_DATABASE = ("CLOPOS_DATABASE_URL", "CLOPOS_DATABASE_URL_FILE")
_SECRET_FILES = tuple(f"{name}_FILE" for name in SECRETS)
_ADDRESSES = (NOTIFY, f"{NOTIFY}_FILE", PING, f"{PING}_FILE")
_IDENTITY = ("CLOPOS_BRAND", "CLOPOS_BASE_URL")  # where customers go: never by accident


@dataclass(frozen=True, slots=True)
class Source:
    """Variables of a file. `named`: the user named the file, it wasn't only found."""

    path: Path
    variables: Mapping[str, str]
    named: bool
    env_file: Path | None = None  # that it names

    @property
    def folder(self) -> Path:
        """Return where the file is, links followed: files of one folder came together."""
        return Path(os.path.realpath(self.path)).parent


def read_environment(
    sheet: Path | None,
    env_file: Path | None,
    environ: Mapping[str, str],
    *,
    secrets: bool = True,
    kept: bool = True,
    secret_command: str | None = None,
    project: Source | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Return the variables of a run, and warnings for people.

    What the environment lacks is taken from `project`, then from a file `.env` beside the sheet,
    else beside the project, else in the working folder; `env_file` names another one, which has
    to exist. What `login` kept adds the rest, where `kept`. Without `secrets` neither a keyring is
    asked nor the command run that prints the client's secret (`secret_command`, else
    CLOPOS_SECRET_COMMAND).

    Raises UsageError for a file that can't be read, that others may change, that disagrees with
    the environment about brand or address, or whose address would get secrets from elsewhere.
    """
    env = dict(environ)
    warnings: list[str] = []
    named = env_file is not None
    if project and project.env_file and not env_file:
        env_file, named = project.env_file, project.named
    sources = [project] if project else []
    path = env_file or _find(sheet, project)
    if path is not None:
        _check_owner(path, warnings)
        sources.append(Source(path, _parse(path), named))
        if path.name == ENV_FILES[1]:
            warnings.append(tr("{path} is read as .env", path=path))
    asked = {**environ, **({SECRET_COMMAND: secret_command} if secret_command else {})}
    places = dict.fromkeys(_IDENTITY, tr("the environment"))
    for source in sources:
        _check_agreement(source, env, places)
        if not source.named:
            others = [each for each in sources if each.folder != source.folder]
            _check_address(source, _merged(asked, others), asked)
            _check_no_command(source.variables, source.path)
            _check_no_addresses(source, env)
        env = _merged(env, [source])
    command = secret_command or env.get(SECRET_COMMAND)
    if command and secrets and not env.get("CLOPOS_CLIENT_SECRET"):
        env["CLOPOS_CLIENT_SECRET"] = secret_from_command(command)
    if kept:
        env = with_kept(env, secrets=secrets)
    if sys.platform in {"win32", "darwin"}:  # what the system's own settings say
        for scheme, proxy in getproxies().items():
            env.setdefault(f"{scheme}_proxy", proxy)
    return env, warnings


def _find(sheet: Path | None, project: Source | None) -> Path | None:
    beside = [sheet.parent] if sheet is not None and str(sheet) != "-" else []
    beside += [project.path.parent] if project else []
    return next(filter(None, map(env_file_in, [*beside, Path()])), None)


def env_file_in(folder: Path) -> Path | None:
    """Return the file .env of a folder, None where there is none."""
    return next((path for name in ENV_FILES if (path := folder / name).is_file()), None)


def _check_owner(path: Path, warnings: list[str]) -> None:
    """Raise UsageError where another user may have written the file; warn where one may read it."""
    try:
        readable = check_trusted(path)
    except OSError as error:
        raise _unreadable(path, error.strerror) from error
    if readable:
        warnings.append(tr("{path} can be read by other users: chmod 600 {path}", path=path))


def _parse(path: Path) -> dict[str, str]:
    """Return the variables of a file."""
    values = dotenv_values(stream=io.StringIO(read_env_text(path)), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def read_env_text(path: Path) -> str:
    """Return the text of a file .env in UTF-8, or in UTF-16 as Windows may save it.

    Raises UsageError when it can't be read.
    """
    try:
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or tr("it is not UTF-8")
        raise _unreadable(path, why) from error


def _check_agreement(source: Source, env: Mapping[str, str], places: dict[str, str]) -> None:
    """Raise UsageError where a file and what was read before it may mean different restaurants.

    `places` is variable → where its value is from; the file's own are added.
    """
    for name in _IDENTITY:
        ours, theirs = env.get(name, "").strip(), source.variables.get(name, "").strip()
        if ours and theirs and without_version(ours) != without_version(theirs):
            raise UsageError(
                tr(
                    "{name} is not the same in {place} and in {path}",
                    name=name,
                    place=places[name],
                    path=source.path,
                ),
                why=tr(
                    "first: {ours}; then: {theirs}",
                    ours=_shown(ours),
                    theirs=_shown(theirs),
                ),
                fix=tr("remove one of them: customers can't be moved between restaurants"),
            )
        if theirs:
            places[name] = str(source.path)


def _merged(env: Mapping[str, str], sources: Iterable[Source]) -> dict[str, str]:
    """Return an environment with what sources add; what was there before goes first."""
    merged = dict(env)
    for source in sources:
        merged = {**source.variables, **{name: value for name, value in merged.items() if value}}
    return merged


def _check_address(source: Source, others: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Raise UsageError where a file that was only found would say where secrets are sent.

    Or where it would say which database gets the journal, and the key of its digests. `others` are
    the variables of the environment and of files in other folders; a secret in a file of another
    folder is theirs, too, and one that a command prints.
    """
    added, path = source.variables, source.path
    secrets = [name for name in (*SECRETS, *_SECRET_FILES, SECRET_COMMAND) if others.get(name)]
    secrets += [name for name in _SECRET_FILES if _is_outside(added.get(name), source.folder)]
    if not secrets:
        return
    in_environment = bool(environ.get(secrets[0]))
    came_along = tr("a file that came with a sheet may not do that")
    if added.get("CLOPOS_BASE_URL") and not others.get("CLOPOS_BASE_URL"):
        raise UsageError(
            tr("{path} would send secrets of the environment to its own address", path=path),
            why=tr(
                "{name} is in the environment, CLOPOS_BASE_URL only in the file: {value}",
                name=secrets[0],
                value=_shown(added["CLOPOS_BASE_URL"]),
            )
            if in_environment
            else came_along,
            fix=tr(
                "set CLOPOS_BASE_URL in the environment too, or name the file: --env-file {path}",
                path=path,
            )
            if path.suffix != ".toml"
            else tr("name the file: --project {path}", path=path),
        )
    if any(added.get(name) and not others.get(name) for name in _DATABASE):
        raise UsageError(
            tr("{path} would keep the journal in a database of its own", path=path),
            why=tr(
                "{name} is in the environment, CLOPOS_DATABASE_URL only in the file",
                name=secrets[0],
            )
            if in_environment
            else came_along,
            fix=tr(
                "set CLOPOS_DATABASE_URL in the environment too, or name the file: --env-file "
                "{path}",
                path=path,
            ),
        )


def _is_outside(file: str | None, folder: Path) -> bool:
    return bool(file) and not Path(os.path.realpath(str(file))).is_relative_to(folder)


def _check_no_command(added: Mapping[str, str], path: Path) -> None:
    """Raise UsageError where a file that was only found would start a program."""
    if added.get(SECRET_COMMAND):
        raise UsageError(
            tr("{path} would start a program", path=path),
            why=tr("a file that came with a sheet may not do that"),
            fix=tr("name the file: --env-file {path}; or use --secret-command", path=path),
        )


def _check_no_addresses(source: Source, env: Mapping[str, str]) -> None:
    """Raise UsageError where a file of another folder, only found, would report to addresses."""
    if source.folder == Path.cwd():
        return
    for name in _ADDRESSES:
        if source.variables.get(name) and not env.get(name):
            raise UsageError(
                tr("{path}: {name} can't be used", path=source.path, name=name),
                why=tr("a file that came with a sheet may not do that"),
                fix=tr("name the file: --env-file {path}", path=source.path),
            )


def _shown(value: str) -> str:
    return value.rpartition("@")[2][:80]


def _unreadable(path: Path, why: str | None) -> UsageError:
    return UsageError(
        tr("{path} can't be read", path=path), why=why, fix=tr("fix it, or remove it")
    )
