"""A question about letters: names that a program read in a wrong encoding before it wrote them.

In the file they are valid text, so the file doesn't show it. `Ayþe Yýldýz`, `Àííà` and `юММЮ` are
such names; the words of their right encoding are far likelier (`read.letter_frequencies`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from importer.i18n import tr
from importer.questions.question import Question, as_it_is
from importer.read.letter_frequencies import ENCODINGS, letter_score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.questions.evidence import Evidence

AHEAD = 7.0
"""Lead of another reading, as a logarithm: 1,100 to 1."""
FEWEST = 2
"""Different names with letters beyond ASCII that are evidence."""
_MOST = 0.9  # share of these names that must be text of one encoding; of Cyrillic some are enough
_SURE = 0.6  # share of good words in the other reading
_EXAMPLES = 3
_ALPHABETS = {id(each.alphabets): each.alphabets for each in ENCODINGS.values()}.values()
"""Those of all encodings, once each: several encodings have the same."""


class _Reading(NamedTuple):
    ahead: float
    wrong: str
    right: str
    names: list[str]
    meant: list[str]


def misread_letters(seen: Evidence) -> Iterator[Question]:
    """Ask where names would be far likelier if they had been read in another encoding."""
    if seen.chosen("name", "misread_letters"):
        return
    names = [text for column in seen.columns("name") for text in seen.sample(column)]
    odd = list(dict.fromkeys(name for name in names if not name.isascii()))
    best = max(_readings(odd), key=lambda reading: reading.ahead, default=None)
    if best is None or best.ahead < AHEAD:
        return
    name, meant = next(
        pair for pair in zip(best.names, best.meant, strict=True) if len({*pair}) > 1
    )
    yield Question(
        code="misread_letters",
        field="name",
        message=tr(
            "names in «{header}» look like {right} that was read as {wrong}: «{name}» would be "
            "«{repaired}»",
            header=" + ".join(seen.headers("name")),
            right=best.right,
            wrong=best.wrong,
            name=name,
            repaired=meant,
        ),
        columns=seen.headers("name"),
        rows=len(best.names),
        examples=tuple(best.names[:_EXAMPLES]),
        assumed=tr("they are the names"),
        answers=(as_it_is("misread_letters"),),
    )


def _readings(names: list[str]) -> Iterator[_Reading]:
    """Return what names are in each encoding, if they were read in another one before.

    Names with letters that the other one lacks were read rightly.
    """
    likely_as_is: dict[str, float] = {}  # the same names fit most encodings
    for wrong in ENCODINGS:
        known = [(name, data) for name in names if (data := _encoded(name, wrong))]
        if len(known) < FEWEST:
            continue
        most = len(known) >= _MOST * len(names)
        as_is = [name for name, _ in known]
        written = [data for _, data in known]
        text = "\n".join(as_is)
        if text not in likely_as_is:
            likely_as_is[text] = max(letter_score(text, each).likely for each in _ALPHABETS)
        for right, encoding in ENCODINGS.items():
            if right == wrong:
                continue
            if not most and (_is_cyrillic(wrong) or not _is_cyrillic(right)):
                continue
            try:
                meant = [data.decode(right) for data in written]
            except UnicodeDecodeError:
                continue
            score = letter_score("\n".join(meant), encoding.alphabets)
            if score.good >= _SURE:
                ahead = score.likely - encoding.rarity - likely_as_is[text]
                yield _Reading(ahead, wrong, right, as_is, meant)


def _is_cyrillic(encoding: str) -> bool:
    return ENCODINGS[encoding].alphabets[0].cyrillic


def _encoded(name: str, encoding: str) -> bytes | None:
    try:
        return name.encode(encoding)
    except UnicodeEncodeError:
        return None
