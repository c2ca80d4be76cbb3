"""Questions about columns taken for codes: flags, dates, addresses, names, phones, amounts."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.mapping.content import Content, are_flags, phone_share
from importer.questions.question import Question, as_it_is, take

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from importer.questions.evidence import Evidence

PHONES = 0.7
"""Share of the values of a code from which on it is a column of phones, or of names."""
AMOUNTS = 0.9
"""Share of the codes that are amounts of money, of which so many have a fraction:"""
FRACTIONS = 0.3
_EXAMPLES = 3
_AMOUNT = re.compile(
    r"(?P<minus>[-−])?(?P<whole>[0-9]{1,3}(?P<grouped>[ \u00a0\u202f'’.,][0-9]{3})+|[0-9]{1,9})"
    r"(?:(?P<point>[.,])(?P<fraction>[0-9]{1,2}))?\s?(?P<money>[^\W\d_]{3}|[₼$€£₽₺₾₸₴]|руб?\.?)?"
)


def code_is_flag(seen: Evidence) -> Iterator[Question]:
    """Ask where all codes are words for yes and no."""
    column = _column(seen, "code_is_flag")
    if column is None:
        return
    texts = seen.sample(column)
    if len(texts) > 1 and are_flags(texts):
        message = tr(
            "«{header}» is taken for the code, but it says yes and no", header=seen.named(column)
        )
        yield _question(seen, column, "code_is_flag", message)


def code_is_dates(seen: Evidence) -> Iterator[Question]:
    """Ask where the codes are dates: a spreadsheet makes them of 7-3, and the code is lost."""
    column = _column(seen, "code_is_dates")
    if column is not None and seen.content(column) in {Content.DATES, Content.BIRTH_DATES}:
        message = tr(
            "«{header}» is taken for the code, but it holds dates", header=seen.named(column)
        )
        yield _question(seen, column, "code_is_dates", message)


def code_is_no_code(seen: Evidence) -> Iterator[Question]:
    """Ask where the codes are e-mail addresses, or names of two and more words."""
    column = _column(seen, "code_is_no_code")
    if column is None:
        return
    texts, content = seen.sample(column), seen.content(column)
    if are_amounts(texts):  # 12.50 AZN is another question
        return
    words = sum(len(text.split()) > 1 for text in texts)
    if content is Content.EMAILS or (content is Content.NAMES and words >= PHONES * len(texts)):
        message = tr(
            "«{header}» is taken for the code, but it seems to hold {content}",
            header=seen.named(column),
            content=tr(content),
        )
        yield _question(seen, column, "code_is_no_code", message)


def code_is_amounts(seen: Evidence) -> Iterator[Question]:
    """Ask where the codes are amounts of money: a balance in the column of cards."""
    column = _column(seen, "code_is_amounts")
    if column is not None and are_amounts(seen.sample(column)):
        message = tr(
            "«{header}» is taken for the code, but it seems to hold {content}",
            header=seen.named(column),
            content=tr("amounts of money"),
        )
        yield _question(seen, column, "code_is_amounts", message)


def _has_currency_sign(text: str) -> bool:
    return any(unicodedata.category(letter) == "Sc" for letter in text)


def are_amounts(texts: Sequence[str]) -> bool:
    """Return whether texts are amounts of money, not codes of two numbers as 12.05.

    Fractions alone don't tell: there must be a comma, a currency, a minus, grouped thousands, or
    whole numbers and fractions of one and of two digits, as a program writes 35.5 and 12.25.
    """
    found = [amount for text in texts if (amount := _AMOUNT.fullmatch(text))]
    fractions = [amount["fraction"] for amount in found if amount["fraction"]]
    if len(found) >= max(3, AMOUNTS * len(texts)) and all(map(_has_currency_sign, texts)):
        return True
    if len(found) < max(3, AMOUNTS * len(texts)) or len(fractions) < FRACTIONS * len(texts):
        return False
    if len(set(fractions)) < 2:
        return all(amount["money"] for amount in found)
    written = any(
        amount["money"]
        or (amount["fraction"] and (amount["minus"] or amount["grouped"] or amount["point"] == ","))
        for amount in found
    )
    whole = [amount["whole"] for amount in found]
    lengths = set(map(len, fractions))
    mixed = len(fractions) < len(found) and (len(lengths) > 1 or "00" in fractions)
    large = max(map(len, whole)) > 2 and len(set(map(len, whole))) > 1 and lengths == {2}
    return written or mixed or (large and len(set(whole)) >= PHONES * len(whole))


def code_is_phones(seen: Evidence) -> Iterator[Question]:
    """Ask where most codes are phone numbers and no column is taken for phones."""
    column = _column(seen, "code_is_phones")
    if column is None or seen.columns("phone") or seen.chosen("phone", "code_is_phones"):
        return
    texts, header = seen.sample(column), seen.named(column)
    if texts and phone_share(texts, seen.reading.region) >= PHONES:
        message = tr("«{header}» is taken for the code, but it holds phone numbers", header=header)
        yield _question(
            seen,
            column,
            "code_is_phones",
            message,
            assumed=tr("they are codes; customers are created without phone"),
            answer=f"{take('phone', header)} {take('code', '')}",
        )


def _column(seen: Evidence, code: str) -> int | None:
    """Return the column of codes; None: there is none, or a person has chosen it."""
    columns = seen.columns("code")
    return columns[0] if columns and not seen.chosen("code", code) else None


def _question(
    seen: Evidence, column: int, code: str, message: str, *, assumed: str = "", answer: str = ""
) -> Question:
    """Return a question about the column of codes, which is taken for no code by default."""
    return Question(
        code=code,
        field="code",
        message=message,
        columns=(seen.named(column),),
        rows=seen.filled(column),
        examples=tuple(dict.fromkeys(seen.sample(column)))[:_EXAMPLES],
        assumed=assumed or tr("they are codes"),
        answers=(answer or take("code", ""), as_it_is(code)),
    )
