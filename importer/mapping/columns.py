"""Headers → our nine fields. Pure.

What the person says wins; then the profile of a known system; then header words in four languages.
Two equal candidates are a question, never a guess.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.header_words import is_id, is_secret, key, meaning, stated_order
from importer.records import FIELDS, RESULT_COLUMNS, Mapping, MappingChoices, Sheet
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.mapping.profiles import Profile

# Of these the first usable value is taken, so several columns are no question.
_TRIED_IN_ORDER = frozenset({"phone", "email"})
_UUID = re.compile(r"[{(]?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}[)}]?")
_SAMPLE = 200  # rows that tell whether a column holds UUIDs
_VALUE = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|[+(]?[0-9][0-9 ()-]{6,}")
_NTH = re.compile(r"(.*?)\s*\(([1-9]\d{0,4})\)")


class UnclearError(UsageError):
    """Which of these columns makes the field only a person can say."""

    def __init__(self, field: str, columns: Sequence[int], what: str, **told: str) -> None:
        super().__init__(what, **told)
        self.field = field
        self.columns = tuple(columns)


@dataclass(slots=True)
class _Draft:
    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    languages: Counter[str] = field(default_factory=Counter)

    def take(self, name: str, columns: Iterable[int], reason: str) -> None:
        self.columns[name] = tuple(columns)
        self.reasons[name] = reason


def map_columns(sheet: Sheet, profiles: Sequence[Profile], choices: MappingChoices) -> Mapping:
    """Find out which columns of a sheet make which field.

    Raises UsageError when a choice names what isn't there, UnclearError when two columns claim
    the same field alike, and when nothing makes a name.
    """
    headers = sheet.headers
    secret = tuple(n for n, header in enumerate(headers) if is_secret(header))
    draft = _Draft()
    given = _given(headers, choices)
    profile = _profile(headers, profiles, choices.profile)
    if profile:
        _from_profile(draft, headers, profile)
    open_columns = [
        n
        for n in range(len(headers))
        if n not in secret and not any(n in taken for taken in draft.columns.values())
    ]
    _from_words(draft, sheet, open_columns, set(given))
    for name, columns in given.items():
        draft.columns.pop(name, None)
        if columns:
            draft.take(name, columns, "--map")
    if "name" not in draft.columns:
        raise _no_name(headers)
    used = {column for columns in draft.columns.values() for column in columns}
    return Mapping(
        columns={name: draft.columns[name] for name in FIELDS if name in draft.columns},
        profile=profile.name if profile else None,
        language=choices.language or (profile and profile.language) or _language(draft),
        dates=(profile and profile.dates) or _order(headers, draft.columns),
        region=profile.region if profile else None,
        genders=profile.genders if profile else (),
        unused=tuple(n for n in range(len(headers)) if n not in used and n not in secret),
        secret=tuple(n for n in secret if n not in used),
        reasons={name: draft.reasons[name] for name in FIELDS if name in draft.columns},
        notes=(tr("recognised: {title}", title=profile.title), *map(tr, profile.notes))
        if profile
        else (),
    )


# -- what the person says -------------------------------------------------------------------


def _given(headers: Sequence[str], choices: MappingChoices) -> dict[str, list[int]]:
    """Return field → columns as they are said now or, where nothing is said, were saved."""
    now = _columns_said(headers, choices.given)
    try:
        earlier = (pair for pair in choices.saved if field_of(pair[0]) not in now)
        return _columns_said(headers, earlier) | now
    except UsageError as error:
        raise UsageError(
            tr("The saved mapping {path} doesn't fit this sheet", path=choices.saved_in),
            why=error.what,
            todo=tr("mend or delete it; --save-mapping writes a new one"),
        ) from error


def _columns_said(headers: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for said, header in pairs:
        name = field_of(said)
        if name not in FIELDS:
            raise UsageError(
                tr("--map {said}={header}: there is no field {said}", said=said, header=header),
                todo=tr("the fields are {fields}", fields=", ".join(FIELDS)),
            )
        columns = found.setdefault(name, [])
        if header:
            columns.append(column_of(headers, said, header))
    return found


def field_of(said: str) -> str:
    """Return the field that is meant: `Date of birth` is date_of_birth."""
    return said.strip().lower().replace(" ", "_").replace("-", "_")


def address(headers: Sequence[str], column: int) -> str:
    """Return what `--map` calls a column: its header, with "(2)" for the second one of its name."""
    header = headers[column]
    if header and headers.count(header) == 1:
        return header
    return f"{header} ({headers[: column + 1].count(header)})".strip()


def column_of(headers: Sequence[str], said: str, header: str) -> int:
    """Return the column that a header, or an `address`, means. Raises UsageError."""
    if header in headers:
        return headers.index(header)
    wanted = key(header)
    if nth := _NTH.fullmatch(header):
        named = [number for number, text in enumerate(headers) if text == nth[1]]
        if int(nth[2]) <= len(named):
            return named[int(nth[2]) - 1]
        wanted = "" if named else key(header)
    for number, text in enumerate(headers):
        if wanted and key(text) == wanted:
            return number
    near = difflib.get_close_matches(header, headers, n=1)
    raise UsageError(
        tr("--map {said}={header}: the sheet has no column «{header}»", said=said, header=header),
        why=tr("its columns are {headers}", headers=_listed(headers)),
        todo=tr('did you mean --map "{said}={near}"?', said=said, near=near[0])
        if near
        else tr("take one of these"),
    )


# -- profiles -------------------------------------------------------------------------------


def _profile(
    headers: Sequence[str], profiles: Sequence[Profile], name: str | None
) -> Profile | None:
    if name is not None:
        for profile in profiles:
            if profile.name == name.strip().lower():
                return profile
        raise UsageError(
            tr("There is no profile {name}", name=name),
            todo=tr(
                "the profiles are {profiles}",
                profiles=", ".join(profile.name for profile in profiles),
            ),
        )
    there = {key(header) for header in headers}
    fitting = [p for p in profiles if all(key(header) in there for header in p.headers)]
    fitting.sort(key=lambda profile: -len(profile.headers))
    if len(fitting) > 1 and len(fitting[0].headers) == len(fitting[1].headers):
        return None  # header words are as good as either
    return fitting[0] if fitting else None


def _from_profile(draft: _Draft, headers: Sequence[str], profile: Profile) -> None:
    places: dict[str, int] = {}
    for number, header in enumerate(headers):
        places.setdefault(key(header), number)
    for name, columns in profile.fields:
        found = []
        for alternatives in columns:
            there = [places[key(header)] for header in alternatives if key(header) in places]
            found += there[:1]
        if found:
            draft.take(name, found, f"profile {profile.name}")


# -- header words ---------------------------------------------------------------------------


def _from_words(draft: _Draft, sheet: Sheet, columns: list[int], given: set[str]) -> None:
    candidates: dict[str, dict[int, list[int]]] = {}
    for number in columns:
        header = sheet.headers[number]
        if is_id(header) and _holds_uuids(sheet, number):
            candidates.setdefault("cid", {}).setdefault(1, []).append(number)
        elif word := meaning(header):
            candidates.setdefault(word.field, {}).setdefault(word.rank, []).append(number)
            draft.languages.update(word.languages)
    if "name" not in draft.columns and "name" not in given:
        _name(draft, sheet, candidates)
    for name in FIELDS:
        ranks = candidates.get(name)
        if not ranks or name in draft.columns or name in given:
            continue
        if name in _TRIED_IN_ORDER:
            ordered = [number for rank in sorted(ranks) for number in ranks[rank]]
            draft.take(name, ordered, "header word")
            continue
        best = _differing(sheet, ranks[min(ranks)])
        if len(best) > 1:
            raise _tie(name, sheet.headers, best)
        draft.take(name, best, "header word")


def _name(draft: _Draft, sheet: Sheet, candidates: dict[str, dict[int, list[int]]]) -> None:
    """Take a column of whole names, else first, middle and last name in this order.

    What is called a name is a first name where a surname stands beside it and not in it.
    """
    ranks = (candidates.get(part, {0: []}) for part in ("full", "first", "middle", "last"))
    full, first, middle, last = (_differing(sheet, of[min(of)]) for of in ranks)
    if not first and len(last) == len(full) == 1 and not _is_within(sheet, last[0], full[0]):
        first, full = full, []
    for part in (full,) if full else (first, middle, last):
        if len(part) > 1:
            raise _tie("name", sheet.headers, part)
    taken = full or [*first, *middle, *last]
    if taken:
        draft.take("name", taken, "header word")


def _is_within(sheet: Sheet, part: int, whole: int) -> bool:
    """Tell whether most texts of a column stand in those of another."""
    pairs = zip(
        sheet.table[part].head(_SAMPLE).tolist(),
        sheet.table[whole].head(_SAMPLE).tolist(),
        strict=True,
    )
    found = [fold(text) in fold(within) for text, within in pairs if text.strip()]
    return 2 * sum(found) > len(found)


def _differing(sheet: Sheet, columns: list[int]) -> list[int]:
    """Return equal candidates without those that make no difference: empty ones, and copies."""
    if len(columns) < 2:
        return columns
    found: list[int] = []
    # By header: what is found must not depend on the order of columns.
    for column in sorted(columns, key=lambda number: sheet.headers[number]):
        texts = sheet.table[column]
        if (texts != "").any() and not any((texts == sheet.table[of]).all() for of in found):
            found.append(column)
    return sorted(found or columns[:1])


def _holds_uuids(sheet: Sheet, column: int) -> bool:
    texts = [text.strip() for text in sheet.table[column].head(_SAMPLE).tolist() if text.strip()]
    return bool(texts) and sum(map(bool, map(_UUID.fullmatch, texts))) >= 0.8 * len(texts)


def _order(headers: Sequence[str], columns: dict[str, tuple[int, ...]]) -> str | None:
    """Return the order of dates that the header of a date of birth says."""
    orders = (stated_order(headers[column]) for column in columns.get("date_of_birth", ()))
    return next(filter(None, orders), None)


def _language(draft: _Draft) -> str | None:
    """Return the language that most headers are in, None when two are equal."""
    ranked = draft.languages.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


# -- questions ------------------------------------------------------------------------------


def _tie(name: str, headers: Sequence[str], columns: list[int]) -> UnclearError:
    called = [address(headers, column) for column in columns]
    lines = tr(" or ").join(f'--map "{name}={each}"' for each in called)
    return UnclearError(
        name,
        columns,
        tr("Several columns could be the {name}: {headers}", name=name, headers=_listed(called)),
        why=tr("nothing tells which one is meant"),
        todo=tr("say it with {lines}", lines=lines),
    )


def _no_name(headers: Sequence[str]) -> UsageError:
    if any(_VALUE.fullmatch(header.strip()) for header in headers):
        return UsageError(  # without its words: they are somebody's
            tr("The sheet has no row of headers"),
            why=tr("its first row holds a phone number or an e-mail address, like a customer"),
            todo=tr(
                "put a row above it that names the columns, such as Name, Phone, E-mail; or give "
                "the row that does with --header-row"
            ),
        )
    ours = [header for header in headers if header and header not in RESULT_COLUMNS]
    return UnclearError(
        "name",
        range(len(headers)),
        tr("No column holds the customers' names, which Clopos requires"),
        why=tr("the columns are {ours}", ours=_listed(ours)),
        todo=tr(
            'say which one with --map "name={ours}"; if these are no headers, '
            "give their row with --header-row",
            ours=ours[0] if ours else "…",
        ),
    )


def _listed(headers: Sequence[str]) -> str:
    shown = [f"«{header}»" for header in headers[:12] if header]
    return ", ".join(shown) + (" …" if len(headers) > 12 else "")
