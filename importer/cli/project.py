"""The project file clopos.toml: which sheets, with which options, into which restaurant.

[restaurant]
brand = "demo"                          # with what `login` kept; or env_file, …_file

[options]                               # flags of check, run, verify and report, by their names
region = "AZ"
window = ["22:00-08:00"]

[[sheets]]
path = "exports/customers-*.csv"
newest = true                           # of all that match the newest alone
map = ["phone=Mobil"]                   # options of this sheet go before [options]
"""

from __future__ import annotations

import datetime as dt
import difflib
import glob
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli import sources
from importer.cli.sheet_command import OF_ONE_SHEET, ONE_CALL
from importer.environment import PROJECT_FILE
from importer.errors import UsageError
from importer.files import check_trusted
from importer.i18n import tr
from importer.results.names import is_results_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

RESTAURANT = {
    "brand": "CLOPOS_BRAND",
    "venue_id": "CLOPOS_VENUE_ID",
    "integrator_id": "CLOPOS_INTEGRATOR_ID",
    "base_url": "CLOPOS_BASE_URL",
    "state_dir": "CLOPOS_STATE_DIR",
    "client_id_file": "CLOPOS_CLIENT_ID_FILE",
    "client_secret_file": "CLOPOS_CLIENT_SECRET_FILE",
    "token_file": "CLOPOS_TOKEN_FILE",
    "env_file": "",
    "secret_command": "CLOPOS_SECRET_COMMAND",
}
"""Keys of `[restaurant]`, and the variable that each sets."""
_SECRETS = frozenset({"client_id", "client_secret", "token"})
_PATHS = frozenset({"state_dir", "client_id_file", "client_secret_file", "token_file", "env_file"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One of `[[sheets]]`. `options` are values by the name of their flag."""

    path: Path  # absolute, or a pattern
    newest: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    restaurant: Mapping[str, str] = field(default_factory=dict)
    source: sources.Source | None = None  # from where the file is fetched first

    @property
    def is_pattern(self) -> bool:
        """Return whether it stands for files of several names."""
        return glob.has_magic(str(self.path))

    def all_files(self) -> list[Path]:
        """Return the files of its name or pattern, by name; results of ours are none."""
        if not self.is_pattern:
            return [self.path]
        root = Path(self.path.anchor)
        found = sorted(root.glob(str(self.path.relative_to(root))))
        return [each for each in found if each.is_file() and not _is_ours(each)]

    def files(self) -> list[Path]:
        """Return the files it stands for now: all of them, or the newest."""
        found = self.all_files()
        if self.newest and self.is_pattern and found:
            return [max(found, key=lambda each: (each.stat().st_mtime, each.name))]
        return found


@dataclass(frozen=True, slots=True)
class Project:
    """A project file. `named`: the user named it, it wasn't only found beside a sheet."""

    path: Path
    named: bool
    restaurant: Mapping[str, str]  # name of RESTAURANT → value
    options: Mapping[str, Any]
    sheets: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class InputSheet:
    """One sheet of a call. `project` is None where there is no project file."""

    file: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    restaurant: Mapping[str, str] = field(default_factory=dict)
    project: Project | None = None
    pattern: Path | None = None  # by which the sheet of each night is known as one
    source: sources.Source | None = None  # from where the file is fetched first

    def begin(self, *, fetch: bool, progress: sources.FetchProgress | None = None) -> None:
        """Fetch the sheet where it comes from elsewhere, and `fetch` asks for it.

        `progress` is as in `sources.fetch`.

        Raises UsageError where that can't be, or no file matches the sheet's pattern.
        """
        if self.source and fetch:
            sources.fetch(self.source, self.file, progress=progress)
        if self.project and glob.has_magic(str(self.file)) and not self.file.exists():
            raise UsageError(
                tr("No file matches {pattern}", pattern=self.file),
                why=tr("it is the path of a sheet in {path}", path=self.project.path),
                fix=tr("correct it, or see why the file wasn't written"),
            )

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables that the project sets for this sheet."""
        named = ((RESTAURANT[name], value) for name, value in self.restaurant.items())
        return {variable: value for variable, value in named if variable}


def find_project(files: Sequence[Path], named: Path | None) -> Path | None:
    """Return the project file: the one that is named, else beside the first sheet, else here."""
    if named:
        return named
    beside = [each.parent for each in files[:1] if str(each) != "-"]
    places = (folder / PROJECT_FILE for folder in [*beside, Path()])
    return next((place for place in places if place.is_file()), None)


def load_project(path: Path, flags: Mapping[str, click.Parameter], *, named: bool) -> Project:
    """Read a project file; `flags` are those that its options may name, by their names.

    Raises UsageError, naming the place, for what can't be read, isn't known or has a wrong value.
    """
    facts = _read(path)
    tables = {"restaurant", "options", "sheets"}
    _check_names(facts, tables, path, tr("table"))
    restaurant, options = facts.get("restaurant", {}), facts.get("options", {})
    sheets = facts.get("sheets", [])
    if not isinstance(options, dict) or not isinstance(sheets, list):
        raise _wrong(path, tr("[options] is a table, [[sheets]] are tables"))
    project = Project(
        path,
        named,
        _restaurant(restaurant, path, "[restaurant]"),
        _options(options, flags, path, "[options]"),
        tuple(_entry(each, place, flags, path) for place, each in enumerate(sheets, start=1)),
    )
    if len(project.sheets) > 1 and (shared := project.options.keys() & OF_ONE_SHEET):
        raise _wrong(
            path,
            tr("{name} in [options] would be one file for several sheets", name=min(shared)),
            fix=tr("move it into the [[sheets]] that it belongs to"),
        )
    if not named:
        _check_found(project, flags)
    return project


def inputs_of(files: Sequence[Path], project: Project | None) -> tuple[InputSheet, ...]:
    """Return the sheets of a call, each with its options: `files`, else those of the project."""
    if project is None:
        return tuple(InputSheet(file) for file in files)
    if files:
        return tuple(_input_of(file, _entry_of(file, project), project) for file in files)
    found: list[InputSheet] = []
    for entry in project.sheets:
        found += (_input_of(file, entry, project) for file in entry.files() or [entry.path])
    return tuple(found)


def _input_of(file: Path, entry: Entry | None, project: Project) -> InputSheet:
    if entry is None:
        return InputSheet(file, project.options, project.restaurant, project)
    pattern = entry.path if entry.newest and entry.is_pattern else None
    restaurant = entry.restaurant or project.restaurant
    options = {**project.options, **entry.options}
    return InputSheet(file, options, restaurant, project, pattern, entry.source)


def _entry_of(file: Path, project: Project) -> Entry | None:
    """Return the entry that stands for a file, also an older one of a pattern."""
    for entry in project.sheets:
        if os.path.realpath(file) in {os.path.realpath(each) for each in entry.all_files()}:
            return entry
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        check_trusted(path)
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or str(error)[:200]
        if isinstance(error, UnicodeDecodeError):
            why = tr("it is not UTF-8")
        fix = tr("correct it; clopos-import init --to other.toml writes a new one to compare")
        if isinstance(error, FileNotFoundError):
            fix = tr("correct its path, or write one: clopos-import init --to {path}", path=path)
        raise UsageError(
            tr("The project file {path} can't be read", path=path), why=why, fix=fix
        ) from error


def _check_found(project: Project, flags: Mapping[str, click.Parameter]) -> None:
    """Raise UsageError for what a project file may do only where the user named it.

    It may have come with a sheet. Outside the working folder it sends nothing, fetches nothing and
    names no file of another folder; anywhere it starts no program and puts no sheet elsewhere.
    """
    path = project.path
    reason = tr("a file that came with a sheet may not do that")
    fix = tr("name the file: --project {path}", path=path)
    restaurants = [project.restaurant, *(each.restaurant for each in project.sheets)]
    if any("secret_command" in each for each in restaurants):
        raise UsageError(tr("{path} would start a program", path=path), why=reason, fix=fix)
    fetched = [each.path for each in project.sheets if each.source]
    wrong = "path" if any(_leaves(path, each) for each in fetched) else None
    if _folder(path).resolve() != Path.cwd():
        options = [project.options, *(each.options for each in project.sheets)]
        sent = {"notify", "ping"}
        wrong = wrong or ("source" if fetched else None)
        for name, value in ((name, each[name]) for each in options for name in each):
            of_path = isinstance(flags[name].type, click.Path)
            if name in sent or (of_path and _leaves(path, Path(value))):
                wrong = name
    if wrong:
        raise _wrong(path, f"{wrong}: {reason}", fix)


def _leaves(project: Path, file: Path) -> bool:
    return not file.resolve().is_relative_to(_folder(project).resolve())


def _entry(facts: Any, place: int, flags: Mapping[str, click.Parameter], path: Path) -> Entry:
    where = tr("[[sheets]] number {n}", n=place)
    facts = dict(facts) if isinstance(facts, dict) else {}
    sheet, newest = facts.pop("path", None), facts.pop("newest", False)
    restaurant = facts.pop("restaurant", {})
    origin = {name: facts.pop(name) for name in sources.NAMES if name in facts}
    if not isinstance(sheet, str) or not sheet or not isinstance(newest, bool):
        raise _wrong(
            path,
            tr(
                '{where}: it needs a path, e.g. path = "list.xlsx"; newest is true or false',
                where=where,
            ),
        )
    try:
        source = sources.parse_source(origin, sheet, newest=newest)
    except ValueError as error:
        raise _wrong(path, f"{where}: {error}") from None
    if newest and not source and not glob.has_magic(sheet):
        raise _wrong(
            path,
            tr("{where}: newest is for a path with a *", where=where),
            fix=tr('write it like path = "customers-*.csv", or leave newest out'),
        )
    return Entry(
        _folder(path) / Path(sheet).expanduser(),
        newest,
        _options(facts, flags, path, where, also=("path", "newest", "restaurant", *sources.NAMES)),
        _restaurant(restaurant, path, f"{where}: restaurant"),
        source,
    )


def _restaurant(facts: Any, path: Path, where: str) -> dict[str, str]:
    if not isinstance(facts, dict):
        raise _wrong(path, tr("{where} is a table", where=where))
    if secret := _SECRETS & facts.keys():
        raise _wrong(
            path,
            tr("{where}: {name} is a secret", where=where, name=min(secret)),
            fix=tr("take it out; run clopos-import login, or name a file with env_file"),
        )
    _check_names(facts, RESTAURANT.keys(), path, where)
    values: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _wrong(path, tr("{where}: {name} is a text", where=where, name=name))
        text = str(value)
        values[name] = str(_folder(path) / Path(text).expanduser()) if name in _PATHS else text
    return values


def _options(
    facts: Mapping[str, Any],
    flags: Mapping[str, click.Parameter],
    path: Path,
    where: str,
    also: Iterable[str] = (),
) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in facts.items()}
    if wrong := ONE_CALL & named.keys():
        raise _wrong(
            path,
            tr("{where}: {name} is for the command line", where=where, name=min(wrong)),
            fix=tr("take it out, and give --{name} with the command", name=min(wrong)),
        )
    _check_names(named, {*flags, *also} - ONE_CALL, path, where)
    return {name: _value(name, value, flags[name], path, where) for name, value in named.items()}


def _value(name: str, value: Any, param: click.Parameter, path: Path, where: str) -> Any:
    """Return a value as click takes it from a default map. Raises UsageError where it can't."""
    is_flag = isinstance(param, click.Option) and param.is_flag
    listed = value if isinstance(value, list) and param.multiple else [value]
    if is_flag != isinstance(value, bool) or not all(
        isinstance(each, bool | str | int | float | dt.time) for each in listed
    ):
        kind = tr("true or false") if is_flag else tr("a text or a number")
        if param.multiple:
            kind = tr("a list of texts")
        raise _wrong(path, tr("{where}: {name} is {kind}", where=where, name=name, kind=kind))
    texts = [f"{each:%H:%M}" if isinstance(each, dt.time) else each for each in listed]
    if isinstance(param.type, click.Path):
        texts = [str(_folder(path) / Path(str(each)).expanduser()) for each in texts]
    ready = tuple(map(str, texts)) if param.multiple else texts[0]
    try:
        param.type_cast_value(click.Context(click.Command("project")), ready)
    except click.UsageError as error:
        raise _wrong(path, f"{where}: {name}: {error.message}") from error
    return ready


def _check_names(facts: Mapping[str, Any], known: Collection[str], path: Path, where: str) -> None:
    """Raise UsageError for a name that isn't known, with the one that is meant, likely."""
    for name in facts:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            raise _wrong(
                path,
                tr("{where}: there is no {name}", where=where, name=name),
                fix=tr("did you mean {name}?", name=near[0])
                if near
                else tr("see docs/reference/project-file.md"),
            )


def _folder(path: Path) -> Path:
    return path.absolute().parent


def _is_ours(path: Path) -> bool:
    return is_results_name(path) or path.name.endswith((".mapping.toml", ".fixes.jsonl"))


def _wrong(path: Path, why: str, fix: str | None = None) -> UsageError:
    return UsageError(
        tr("The project file {path} is wrong", path=path),
        why=why,
        fix=fix or tr("correct it, or remove it"),
        code="project",
    )
