"""Headers and what the columns hold → our nine fields.

The user's choice comes first; then the profile of a known system; then header words in 37
languages and the values below them. Two equal candidates are an error, never a guess.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.choices import AmbiguousColumnsError, address, field_of, given_columns, listed
from importer.mapping.content import Content, content_of, holds_secrets
from importer.mapping.countries import country_column, stated_country
from importer.mapping.header_match import Draft, from_values, from_words
from importer.mapping.header_words import is_secret, stated_order
from importer.mapping.profiles import columns_of, find_profile
from importer.records import FIELDS, RESULT_COLUMNS, ColumnMapping, MappingChoices, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from importer.mapping.profiles import Profile

_VALUE = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|[+(]?[0-9][0-9 ()-]{6,}")


def map_columns(
    sheet: Sheet, profiles: Sequence[Profile], choices: MappingChoices
) -> ColumnMapping:
    """Find out which columns of a sheet make which field.

    Raises UsageError when a choice names a column that doesn't exist, or no column makes a name;
    AmbiguousColumnsError when two columns fit the same field equally well.
    """
    headers = sheet.headers
    secret = tuple(
        n for n, header in enumerate(headers) if is_secret(header) or holds_secrets(sheet, n)
    )
    draft = Draft()
    given = given_columns(headers, choices)
    profile = find_profile(headers, profiles, choices.profile)
    if profile:
        for name, columns in columns_of(profile, headers).items():
            draft.take(name, columns, f"profile {profile.name}")
    taken = {*secret, *(column for columns in draft.columns.values() for column in columns)}
    from_words(draft, sheet, [n for n in range(len(headers)) if n not in taken], set(given))
    now = {field_of(name) for name, _ in choices.given}
    for name, chosen in given.items():
        draft.columns.pop(name, None)
        draft.reasons[name] = "--map" if name in now else "saved"
        if chosen:
            draft.columns[name] = tuple(chosen)
    if "name" not in draft.columns and "name" not in given:
        used = {column for columns in draft.columns.values() for column in columns}
        from_values(draft, sheet, [n for n in range(len(headers)) if n not in used | set(secret)])
    if "name" not in draft.columns:
        raise _no_name(sheet)
    used = {column for columns in draft.columns.values() for column in columns}
    phones = draft.columns.get("phone", ())
    unused = [n for n in range(len(headers)) if n not in used and n not in secret]
    country = country_column(sheet, phones, unused) if phones else None
    regions = {column: region for column in phones if (region := stated_country(headers[column]))}
    return ColumnMapping(
        columns={name: draft.columns[name] for name in FIELDS if name in draft.columns},
        profile=profile.name if profile else None,
        language=choices.language or (profile and profile.language) or _language(draft),
        dates=(profile and profile.dates) or _order(headers, draft.columns),
        region=profile.region if profile else None,
        genders=profile.genders if profile else (),
        unused=tuple(unused),
        secret=tuple(n for n in secret if n not in used),
        country=country,
        phone_regions=regions,
        reasons={name: draft.reasons[name] for name in FIELDS if name in draft.reasons},
        notes=(
            *(_notes(profile) if profile else ()),
            *_country_notes(headers, country, regions),
        ),
    )


def _notes(profile: Profile) -> tuple[str, ...]:
    inferred = (tr("its header is inferred from its manual: look at the columns"),)
    return (
        tr("recognised: {title}", title=profile.title),
        *map(tr, profile.notes),
        *(inferred if profile.sure == "inferred" else ()),
    )


def _country_notes(
    headers: Sequence[str], country: int | None, stated: Iterable[int]
) -> Iterator[str]:
    """Yield where the country of phones comes from, if the sheet names it."""
    if country is not None:
        yield tr(
            "phones without a country code: of the country in column «{column}»",
            column=headers[country] or country + 1,
        )
    else:
        for column in stated:
            yield tr(
                "phones without a country code in «{column}»: of the country that its header names",
                column=headers[column],
            )


def _order(headers: Sequence[str], columns: dict[str, tuple[int, ...]]) -> str | None:
    """Return the order of dates that the header of a date of birth says."""
    orders = (stated_order(headers[column]) for column in columns.get("date_of_birth", ()))
    return next(filter(None, orders), None)


def _language(draft: Draft) -> str | None:
    """Return the language that most headers are in, None when two are equal."""
    ranked = draft.languages.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _no_name(sheet: Sheet) -> UsageError:
    headers = sheet.headers
    if any(_VALUE.fullmatch(header.strip()) for header in headers):
        return UsageError(  # without its words: they are personal data
            tr("The sheet has no row of headers"),
            why=tr("its first row holds a phone number or an e-mail address, like a customer"),
            fix=tr(
                "put a row above it that names the columns, e.g. Name, Phone, E-mail; or give "
                "the row that does with --header-row"
            ),
        )
    ours = [header for header in headers if header and header not in RESULT_COLUMNS]
    best = [
        address(headers, column)
        for column in range(len(headers))
        if content_of(sheet, column) is Content.NAMES
    ]
    return AmbiguousColumnsError(
        "name",
        range(len(headers)),
        tr("No column holds the customers' names, which Clopos requires"),
        why=tr("the columns are {ours}", ours=listed(ours)),
        fix=tr(
            'say which one with --map "name={ours}"; if these are no headers, '
            "give their row with --header-row",
            ours=(best or ours or ["…"])[0],
        ),
    )
