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
from importer.header_words import is_id, is_secret, key, meaning
from importer.messages import tr
from importer.records import FIELDS, RESULT_COLUMNS, Mapping, MappingChoices, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.profiles import Profile

# Of these the first usable value is taken, so several columns are no question.
_TRIED_IN_ORDER = frozenset({"phone", "email"})
_UUID = re.compile(r"[{(]?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}[)}]?")
_SAMPLE = 200  # rows that tell whether a column holds UUIDs


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

    Raises UsageError when a choice names what isn't there, when two columns claim the same field
    alike, and when nothing makes a name.
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
        dates=profile.dates if profile else None,
        region=profile.region if profile else None,
        unused=tuple(n for n in range(len(headers)) if n not in used and n not in secret),
        secret=tuple(n for n in secret if n not in used),
        reasons={name: draft.reasons[name] for name in FIELDS if name in draft.columns},
        notes=(tr("recognised: {title}", title=profile.title), *map(tr, profile.notes))
        if profile
        else (),
    )


# -- what the person says -------------------------------------------------------------------


def _given(headers: Sequence[str], choices: MappingChoices) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for said, header in choices.given:
        name = said.strip().lower().replace(" ", "_").replace("-", "_")
        if name not in FIELDS:
            raise UsageError(
                tr("--map {said}={header}: there is no field {said}", said=said, header=header),
                todo=tr("the fields are {fields}", fields=", ".join(FIELDS)),
            )
        columns = found.setdefault(name, [])
        if header:
            columns.append(_column(headers, said, header))
    return found


def _column(headers: Sequence[str], said: str, header: str) -> int:
    for same in (lambda text: text == header, lambda text: key(text) == key(header)):
        matches = [number for number, text in enumerate(headers) if same(text)]
        if matches:
            return matches[0]
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
        _name(draft, sheet.headers, candidates)
    for name in FIELDS:
        ranks = candidates.get(name)
        if not ranks or name in draft.columns or name in given:
            continue
        if name in _TRIED_IN_ORDER:
            ordered = [number for rank in sorted(ranks) for number in ranks[rank]]
            draft.take(name, ordered, "header word")
            continue
        best = ranks[min(ranks)]
        if len(best) > 1:
            raise _tie(name, [sheet.headers[number] for number in best], best)
        draft.take(name, best, "header word")


def _name(
    draft: _Draft, headers: Sequence[str], candidates: dict[str, dict[int, list[int]]]
) -> None:
    """Take a column of whole names, else first, middle and last name in this order.

    A column that says just "name" is a first name where there is one for the surname.
    """
    full, first, middle, last = (
        candidates.get(part, {}).get(0, []) for part in ("full", "first", "middle", "last")
    )
    if not first and last and len(full) == 1 and key(headers[full[0]]) == "name":
        first, full = full, []
    for part in (full,) if full else (first, middle, last):
        if len(part) > 1:
            raise _tie("name", [headers[number] for number in part], part)
    taken = full or [*first, *middle, *last]
    if taken:
        draft.take("name", taken, "header word")


def _holds_uuids(sheet: Sheet, column: int) -> bool:
    texts = [text.strip() for text in sheet.table[column].head(_SAMPLE).tolist() if text.strip()]
    return bool(texts) and sum(map(bool, map(_UUID.fullmatch, texts))) >= 0.8 * len(texts)


def _language(draft: _Draft) -> str | None:
    """Return the language that most headers are in, None when two are equal."""
    ranked = draft.languages.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


# -- questions ------------------------------------------------------------------------------


def _tie(name: str, headers: list[str], columns: list[int]) -> UsageError:
    if len(set(headers)) == 1:
        return UsageError(
            tr(
                "{columns} columns are called «{headers}»: which is the {name}?",
                columns=len(columns),
                headers=headers[0],
                name=name,
            ),
            todo=tr("give them different headers in the sheet"),
        )
    lines = tr(" or ").join(f'--map "{name}={header}"' for header in headers)
    return UsageError(
        tr("Several columns could be the {name}: {headers}", name=name, headers=_listed(headers)),
        why=tr("nothing tells which one is meant"),
        todo=tr("say it with {lines}", lines=lines),
    )


def _no_name(headers: Sequence[str]) -> UsageError:
    ours = [header for header in headers if header and header not in RESULT_COLUMNS]
    return UsageError(
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
