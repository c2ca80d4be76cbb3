"""Evidence: what can be compared of a row or a customer, as opaque tokens.

A token is a keyed digest: equal values have equal tokens, and without the key no value can be read
from one. So the same record serves for a row of the sheet and for what is kept of a customer. It is
kept packed, as one ASCII text; two packed texts are equal if everything comparable is equal.
"""

from __future__ import annotations

from binascii import b2a_base64
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from importer.matching.comparable import comparable_code, comparable_email, comparable_phones
from importer.matching.names import name_evidence
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from importer.matching.names import Token
    from importer.records import Customer

_TOKEN = 10  # characters of 6 bits: of 10^9 customers no two share one by accident
_SHORT = 4  # of what is only named when it differs

KINDS = ("own", "code", "phone", "email", "birthday", "name")
"""Kinds of values that a cid is made of (who-is-this-customer §1)."""
_KEYS = {"phone": "p", "code": "k", "cid": "c"}
"""First letters of the keys by which a row is found, of the fields that are unique at Clopos."""
_KIND_MARKS = {kind: str(number) for number, kind in enumerate(KINDS)}


class Evidence(NamedTuple):
    """The tokens of a row or of a customer. "" and () for what it hasn't.

    `made_of` is one of KINDS, "" for a customer at Clopos. A code is its token without leading
    zeros and `.0`, with `=` and its own token behind where it has these; so equal codes are equal
    items, and `loosely` marks those that a spreadsheet may have changed.
    """

    cid: str
    made_of: str
    phones: tuple[str, ...]
    codes: tuple[str, ...]
    emails: tuple[str, ...]
    birthday: str
    gender: str
    description: str
    outlines: tuple[str, ...]
    name: str

    @property
    def name_only(self) -> bool:
        """Return whether nothing but the name tells who this is."""
        return not (self.phones or self.codes or self.emails or self.birthday)


def loosely(code: str) -> str:
    """Return the token of a code without leading zeros and a trailing `.0`."""
    return code[:_TOKEN]


def row_evidence(customer: Customer, made_of: str, key: bytes) -> str:
    """Return the packed evidence of a row as it would be sent: cleaned, its phone in E.164.

    `made_of` is the kind of its key, one of KINDS; `key` the secret of the digests.
    """
    phone = customer.phone
    return _packed(
        customer,
        phones=(phone.lstrip("+"),) if phone else (),
        kind=_KIND_MARKS[made_of],
        token=tokens(key),
    )


def customer_evidence(customer: Mapping[str, Any], region: str, key: bytes) -> str:
    """Return the packed evidence of a customer as Clopos returns it (API facts §5.3).

    National phone numbers belong to `region`, an ISO 3166 code.
    """
    values = _Values(customer)
    cells = [customer.get("phone"), *(customer.get("phones") or ())]
    phones = [phone for cell in cells if cell for phone in comparable_phones(str(cell), region)]
    return _packed(values, phones=tuple(sorted(set(phones))), kind="", token=tokens(key))


class _Values:
    """The fields of a customer by attribute, None for what isn't there."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        return self._fields.get(name)


@lru_cache(maxsize=16)
def tokens(key: bytes) -> Token:
    """Return the function that makes a token of a text, for one secret key."""
    keyed = blake2b(key=key, digest_size=9)

    def token(text: str, size: int) -> str:
        state = keyed.copy()
        state.update(text.encode())
        return b2a_base64(state.digest(), newline=False)[:size].decode()

    return token


def _packed(values: Any, *, phones: Sequence[str], kind: str, token: Token) -> str:
    name, outlines = name_evidence(values.name or "", token)
    cid, gender, note = values.cid, values.gender, values.description
    birthday = str(values.date_of_birth)[:10] if values.date_of_birth else ""
    email = comparable_email(str(values.email)) if values.email else ""
    code_token = ""
    if values.code:
        code, loose = comparable_code(str(values.code))
        code_token = token(f"code {loose}", _TOKEN) if code else ""
        if code != loose:
            code_token += "=" + token(f"code as it is {code}", _TOKEN)
    return "|".join(
        (
            kind + token(f"cid {str(cid).lower()}", _TOKEN) if cid else "",
            ",".join([token(f"phone {phone}", _TOKEN) for phone in phones]),
            code_token,
            token(f"email {email}", _TOKEN) if email else "",
            _frequent(token, f"birthday {birthday}", _TOKEN) if birthday else "",
            _frequent(token, f"gender {gender}", _SHORT) if gender in {1, 2} else "",
            token(f"description {note}", _SHORT) if note else "",
            ",".join(outlines),
            name,
        )
    )


@lru_cache(maxsize=50_000)
def _frequent(token: Token, text: str, size: int) -> str:
    """Return the token of a text that many rows have."""
    return token(text, size)


@lru_cache(maxsize=50_000)
def unpack(packed: str) -> Evidence:
    """Return the evidence that was packed. Raises ValueError for any other text."""
    cid, phones, codes, email, birthday, gender, description, outlines, name = packed.split("|")
    kind, cid = cid[:-_TOKEN], cid[-_TOKEN:]
    return Evidence(
        cid=cid,
        made_of=KINDS[int(kind)] if kind else "",
        phones=tuple(phones.split(",")) if phones else (),
        codes=tuple(codes.split(",")) if codes else (),
        emails=(email,) if email else (),
        birthday=birthday,
        gender=gender,
        description=description,
        outlines=tuple(outlines.split(",")) if outlines else (),
        name=name,
    )


def whole_key(packed: str) -> str:
    """Return the key by which a row finds a customer that was seen with all the same values."""
    digest = blake2b(packed.encode(), digest_size=9).digest()
    return "w" + b2a_base64(digest, newline=False)[:_TOKEN].decode()


def index_keys(packed: str) -> tuple[str, ...]:
    """Return the keys under which a customer is found by what it shares with a row.

    With `whole_key` for the look of a row (the evidence of a customer at Clopos names no kind).
    """
    cid, phones, codes, email, birthday, _gender, _description, outlines, _name = packed.split("|")
    keys = _shared_keys(cid, phones, codes, email)
    for outline in outlines.split(",") if outlines else ():
        if birthday:
            keys.append(f"b{birthday}{outline}")
        keys.append(f"n{outline}")
    if cid[:-_TOKEN]:
        keys.append(whole_key(packed))
    return tuple(keys)


def cid_key(packed: str) -> str:
    """Return the key by which a customer with the cid of packed evidence is found, "" for none."""
    cid = packed.partition("|")[0]
    return f"c{cid[-_TOKEN:]}" if cid else ""


def lookup_keys(packed: str) -> tuple[str, ...]:
    """Return the keys by which a row finds the customers it shares something with.

    By its name alone only where it has nothing else.
    """
    cid, phones, codes, email, birthday, _gender, _description, outlines, _name = packed.split("|")
    keys = _shared_keys(cid, phones, codes, email)
    if birthday:
        keys += [f"b{birthday}{outline}" for outline in outlines.split(",") if outline]
    elif not (phones or codes or email):
        keys += [f"n{outline}" for outline in outlines.split(",") if outline]
    return tuple(keys)


def keys_as_sent(keys: Iterable[str], without: Collection[str]) -> list[str]:
    """Return the keys of a row that is sent without these fields, and thus not under its own cid.

    A thousand rows may have one phone: what is left out finds nothing, and takes time squared.
    """
    left_out = {"c", *(_KEYS[field] for field in without)} if without else set()
    return [key for key in keys if key[0] not in left_out]


def _shared_keys(cid: str, phones: str, codes: str, email: str) -> list[str]:
    keys = [f"p{phone}" for phone in phones.split(",")] if phones else []
    if cid:
        keys.append(f"c{cid[-_TOKEN:]}")
    if codes:
        keys += [f"k{code[:_TOKEN]}" for code in codes.split(",")]
    if email:
        keys.append(f"e{email}")
    return keys


def look_keys(packed: str) -> tuple[str, ...]:
    """Return the keys that two records with one name, and one phone or none, have in common.

    By them a customer is found that was created from a row, whatever its cid.
    """
    _cid, phones, *_others, name = packed.split("|")
    return tuple(f"{phone}|{name}" for phone in phones.split(","))


def folded_name(name: str) -> str:
    """Return a name without case, accents and repeated spaces."""
    return " ".join(fold(name).split())


def as_at_clopos(packed: str) -> str:
    """Return the evidence of a row as that of a customer with the same values would be."""
    has_kind = packed.find("|") == _TOKEN + 1  # in front of the cid
    return packed[1:] if has_kind else packed


def is_name_only(packed: str) -> bool:
    """Return whether nothing but the name tells who this is."""
    return packed.startswith("|||||", packed.find("|"))  # no phone, code, e-mail and birthday


def name_of(packed: str) -> str:
    """Return the token of the name in packed evidence."""
    return packed.rpartition("|")[2]


def outlines_of(packed: str) -> list[str]:
    """Return the outlines of the name in packed evidence."""
    outlines = packed.split("|", 8)[7]
    return outlines.split(",") if outlines else []


def has_code(packed: str) -> bool:
    """Return whether packed evidence has a code."""
    return packed.split("|", 3)[2] != ""


def without_codes(packed: str) -> str:
    """Return packed evidence in which codes are no evidence, nor a cid made of one."""
    cid, phones, _codes, *rest = packed.split("|")
    if cid[:-_TOKEN] == str(KINDS.index("code")):
        cid = ""
    return "|".join((cid, phones, "", *rest))
