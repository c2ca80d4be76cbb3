"""brands.toml → frozen values. No file is read here, no variable looked up.

    [defaults]              of every brand
    [groups.NAME]           of the brands with `group = "NAME"`
    [brands.NAME]           one brand

A key of the brand overrides that of its group, which overrides the default. Credentials are only
named here.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.fleet.schedule import check_schedule
from importer.i18n import tr
from importer.settings import DEFAULT_BASE_URL, without_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NUMBERS = ("integrator_id", "venue_id")  # texts that people write as numbers
LISTS = ("options",)
KEYS = (
    "brand",
    "base_url",
    "integrator_id",
    "venue_id",
    "sheet",
    "results",
    "credentials",
    "schedule",
    "zone",
    "options",
    "queue",
)
DEFAULT_QUEUE = "default"
_LONGEST = 100  # letters of a name: the queue's columns take 128


@dataclass(frozen=True, slots=True)
class Brand:
    """One brand of the fleet.

    `sheet` and `results` are whole paths. `results` None: beside the sheet; without a suffix: a
    folder. What is elsewhere has its address in `sheet_at` and `results_at`, e.g. `s3://…`; `sheet`
    is its name alone then.

    `credentials` is `env`, `file:PATH` or `command:…`. `schedule` None: by `fleet run` alone.
    """

    name: str
    brand: str  # its name at Clopos
    sheet: Path
    results: Path | None = None
    base_url: str = DEFAULT_BASE_URL
    integrator_id: str = ""
    venue_id: str = ""
    credentials: str = "env"
    schedule: str | None = None  # five or six fields of cron
    zone: str = "UTC"
    options: tuple[str, ...] = ()  # flags of `run`
    queue: str = DEFAULT_QUEUE
    sheet_at: str = ""
    results_at: str = ""

    @property
    def prefix(self) -> str:
        """Return how the names of its own environment variables begin."""
        return f"CLOPOS_{re.sub('[^A-Z0-9]', '_', self.name.upper())}_"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Brands of a file, by name. `broken` are those whose entry can't be used, and why."""

    brands: Mapping[str, Brand]
    broken: Mapping[str, UsageError]

    @property
    def names(self) -> list[str]:
        """Return the names of all brands, broken ones included, in the order of the alphabet."""
        return sorted([*self.brands, *self.broken])


def parse_brands(text: str, path: Path) -> Fleet:
    """Read brands.toml; `path` is where it lies: paths in it are relative to its folder.

    Raises UsageError where nothing of it can be used: no TOML, no brands, or a mistake in the
    defaults. A mistake in one brand, or in its group, breaks that brand alone.
    """
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(
            tr("{path} can't be read", path=path), why=str(error), fix=tr("correct that line")
        ) from error
    _check_known(tables, ("defaults", "groups", "brands"), str(path))
    defaults = _table(tables, "defaults")
    _check_known(defaults, KEYS, "[defaults]")
    groups, named = _table(tables, "groups"), _table(tables, "brands")
    if not named:
        raise UsageError(
            tr("{path} has no brand", path=path), fix=tr("add a table, e.g. [brands.coffee]")
        )
    brands: dict[str, Brand] = {}
    broken: dict[str, UsageError] = {}
    for name in named:
        try:
            brands[name] = _brand(name, _table(named, name), groups, defaults, path.parent)
        except UsageError as error:
            broken[name] = error
    for name, double in _doubles(brands.values()):
        brands.pop(name, None)
        broken[name] = double
    return Fleet(brands, broken)


def _brand(
    name: str,
    own: Mapping[str, Any],
    groups: Mapping[str, Any],
    defaults: Mapping[str, Any],
    folder: Path,
) -> Brand:
    where = f"[brands.{name}]"
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST:
        raise UsageError(
            tr("{where}: this can't be the name of a brand", where=where),
            fix=tr("take at most {n} letters and digits", n=_LONGEST),
        )
    _check_known(own, (*KEYS, "group"), where)
    group = _group(own, groups, where)
    values = {key: _value(key, value, where) for key, value in {**defaults, **group, **own}.items()}
    for key in ("brand", "sheet"):
        if not values.get(key):
            raise UsageError(
                tr("{where} lacks {key}", where=where, key=key),
                fix=tr("add a line, e.g. {key} = …", key=key),
            )
    for key in ("sheet", "results"):
        if text := values.pop(key, ""):
            values |= _place(key, text, folder, where)
    schedule, zone = values.get("schedule"), values.get("zone", "UTC")
    check_schedule(schedule, zone, where)
    values["credentials"] = _credentials(values.get("credentials", "env"), folder, where)
    values.pop("group", None)
    return Brand(name=name, **values)


def _place(key: str, text: str, folder: Path, where: str) -> dict[str, Any]:
    """Return the path of a sheet or its results, with the address where it is elsewhere."""
    scheme, is_address, path = text.partition("://")
    if not is_address:
        return {key: folder / text}
    name = path.rpartition("/")[2]
    if scheme in {"http", "https"} or (key == "sheet" and not name):
        raise UsageError(
            tr("{where}: {key} can't be at this address", where=where, key=key),
            why=tr("results are kept beside the sheet, and a web page takes no files"),
            fix=tr("name a file in a store, like s3://bucket/folder/customers.csv"),
        )
    return {f"{key}_at": text, key: Path(name)} if key == "sheet" else {f"{key}_at": text}


def _group(own: Mapping[str, Any], groups: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    name = own.get("group")
    if name is None:
        return {}
    if not isinstance(name, str) or name not in groups:
        raise UsageError(
            tr("{where}: there is no group {name}", where=where, name=name),
            fix=_did_you_mean(str(name), groups) or tr("add a table [groups.NAME]"),
        )
    group = _table(groups, name)
    _check_known(group, KEYS, f"[groups.{name}]")
    return group


def _value(key: str, value: Any, where: str) -> Any:
    """Return a value as its field has it. Raises UsageError for one of another type."""
    if key in LISTS:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        wanted = tr("a list of texts")
    else:
        if key in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str):
            return value.strip()
        wanted = tr("a text in quotes")
    raise UsageError(
        tr("{where}: {key} is not {wanted}", where=where, key=key, wanted=wanted),
        fix=tr("see docs/how-to/fleet.md for what each key takes"),
    )


def _credentials(text: str, folder: Path, where: str) -> str:
    """Return where secrets are, a file by its whole path. Raises UsageError for anything else."""
    kind, _, value = text.partition(":")
    if text == "env" or (kind == "command" and value.strip()):
        return text
    if kind == "file" and value.strip():
        return f"file:{folder / value.strip()}"
    raise UsageError(
        # Not the value itself: it may be the secret.
        tr("{where}: credentials is neither env, file:PATH nor command:…", where=where),
        why=tr("this file says where secrets are; it never holds them"),
        fix=tr('write it like credentials = "file:secrets/coffee.env"'),
    )


def _doubles(brands: Iterable[Brand]) -> list[tuple[str, UsageError]]:
    """Return name → error of all brands that share one brand of Clopos, or their variables."""
    found: dict[tuple[str, ...], list[str]] = {}
    for brand in brands:
        target = (without_version(brand.base_url).lower(), brand.brand.lower())
        found.setdefault(("brand", *target), []).append(brand.name)
        if brand.credentials == "env":
            found.setdefault(("variables", brand.prefix), []).append(brand.name)
    errors = []
    for key, names in found.items():
        if len(names) == 1:
            continue
        listed = ", ".join(f"[brands.{name}]" for name in names)
        error = UsageError(
            tr("{brands} are one brand of Clopos: {brand}", brands=listed, brand=key[-1])
            if key[0] == "brand"
            else tr("{brands} have the same variables: {prefix}…", brands=listed, prefix=key[-1]),
            fix=tr("remove one of them, or correct its brand")
            if key[0] == "brand"
            else tr("rename one of them"),
        )
        errors += [(name, error) for name in names]
    return errors


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(
            tr("{name} is not a table", name=name), fix=tr("write it as [{name}]", name=name)
        )
    return table


def _check_known(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Raise UsageError for a key that isn't known, naming the nearest one."""
    for key in table:
        if key not in known:
            raise UsageError(
                tr("{where}: there is no key {key}", where=where, key=key),
                fix=_did_you_mean(key, known),
            )


def _did_you_mean(text: str, known: Iterable[str]) -> str | None:
    nearest = difflib.get_close_matches(text.lower(), known, 1, 0.0)
    return tr("did you mean {nearest}?", nearest=nearest[0]) if nearest else None
