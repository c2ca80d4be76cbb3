"""Bytes → text: by what proves an encoding, then by the likeliest one, else a question.

A byte order mark, the shape of UTF-16, valid UTF-8 over the whole file and what a page declares
are proof. The legacy encodings are distinguished by the words of all non-ASCII lines: in the right
one, a word stays within an alphabet, its capitals stand where capitals do, and its letters are
frequent ones. A detector library was tried: on short lists it is always unsure, and a wrong guess
is worse than a question.
"""

from __future__ import annotations

import codecs
import itertools
import re
from typing import NamedTuple

from importer.errors import UsageError
from importer.i18n import tr
from importer.read.letter_frequencies import ENCODINGS, LetterScore, letter_score

_SAMPLE = 16_384  # bytes of non-ASCII lines that are looked at
_SURE = 0.6  # share of words like those of a language, below which a person is asked
_AHEAD = 4.5  # lead over the second, as a logarithm: 90 to 1; below it a person is asked
_BY_LETTERS = 3.0  # what the letters of two countries can prove at most
_HEBREW = re.compile(rb"[\xe0-\xfa]{6,}")  # as Cyrillic: no capitals, no ы, ь, э, ю, я
_CONTROLS = bytes(n for n in range(1, 32) if n not in b"\t\n\v\f\r\x1a\x1b")
_FEW = 16  # control bytes that any text may have
_MOST_CONTROLS = 0.05  # share of these above which the bytes are no text
_DAMAGED = 0.25  # broken letters for each whole one, up to which a file is UTF-8 all the same
_DECLARED = re.compile(
    rb"<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE
)
_LOW = frozenset((0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x20, 0x21))  # first halves of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the next one
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Decoded(NamedTuple):
    """Text and the encoding it was in; `damaged`: invalid bytes became U+FFFD."""

    text: str
    encoding: str
    damaged: bool = False


def decode(data: bytes, name: str, encoding: str | None) -> Decoded:
    """Decode the bytes of the file `name`, in `encoding` if it is given.

    Raises UsageError when the encoding is not one, doesn't fit, or is unclear.
    """
    if encoding:
        return _decode_as(data, name, encoding)
    proven = next((each for mark, each in _MARKS if data.startswith(mark)), None) or _halves(data)
    if proven:
        return _as_proven(data, proven)
    head = data[:4000]
    if len(head) - len(head.translate(None, _CONTROLS)) > max(_FEW, _MOST_CONTROLS * len(head)):
        raise UsageError(
            tr("{name} is not text and not a workbook", name=name),
            fix=tr("export the customers as CSV or Excel"),
        )
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        # A file that was cut off in the middle of its last letter.
        if error.reason == "unexpected end of data" and error.start > len(data) - 4:
            return _as_proven(data, "utf-8")
    return _declared(data) or _nearly_utf8(data) or _guess(data, name)


def _decode_as(data: bytes, name: str, encoding: str) -> Decoded:
    try:
        known = codecs.lookup(encoding)
        if not known._is_text_encoding:  # noqa: SLF001 - base64 and the like decode to bytes
            raise LookupError
    except (LookupError, ValueError) as error:
        raise UsageError(
            tr("There is no encoding {encoding}", encoding=encoding),
            fix=tr("use a name, e.g. utf-8, windows-1251 or windows-1254"),
        ) from error
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeError as error:
        where = getattr(error, "start", None)
        line = "" if where is None else tr(", line {row}", row=data.count(b"\n", 0, where) + 1)
        raise UsageError(
            tr("{name} is not in {encoding}{line}", name=name, encoding=encoding, line=line),
            why=tr("there are bytes that mean nothing in it"),
            fix=tr("leave --encoding out, or give another one"),
        ) from error


def _as_proven(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeError:
        return Decoded(data.decode(encoding, errors="replace"), encoding, damaged=True)


def _halves(data: bytes) -> str | None:
    """Recognise UTF-16 without a mark: in one half of every pair stand a few low bytes only.

    Latin letters have 0 to 2 there, Cyrillic ones 4, quotes and dashes 0x20; 8-bit text has none
    of these but the space.
    """
    head = data[:8192]
    if len(head) < 4:
        return None
    even, odd = head[0::2], head[1::2]

    def low(half: bytes) -> float:
        return sum(byte in _LOW for byte in half) / len(half)

    def below_space(half: bytes) -> float:
        return sum(byte < 6 for byte in half) / len(half)

    for high, other, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if low(high) > 0.95 and below_space(high) > 0.7 and below_space(other) < 0.2:
            return encoding
    return None


def _declared(data: bytes) -> Decoded | None:
    """Return the text of a page or an XML file that names its own encoding."""
    if not (found := _DECLARED.search(data, 0, 4096)):
        return None
    try:
        return Decoded(data.decode(found[1].decode()), found[1].decode().lower())
    except (LookupError, UnicodeError):
        return None


def _nearly_utf8(data: bytes) -> Decoded | None:
    """Return UTF-8 with a few damaged letters, which no other encoding would look like."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    whole = sum(not letter.isascii() for letter in text) - broken
    return Decoded(text, "utf-8", damaged=True) if broken <= _DAMAGED * whole else None


class _Reading(NamedTuple):
    """Lines with letters beyond ASCII, decoded in one encoding."""

    score: float
    like: LetterScore
    encoding: str
    text: str


def _guess(data: bytes, name: str) -> Decoded:
    sample = _non_ascii_lines(data)
    readings: list[_Reading] = []
    for name_of_it, encoding in ENCODINGS.items():
        try:
            text = sample.decode(name_of_it)
        except UnicodeDecodeError:
            continue
        like = letter_score(text, encoding.alphabets)
        readings.append(_Reading(like.likely - encoding.rarity, like, name_of_it, text))
    readings.sort(key=lambda reading: -reading.score)
    if readings:
        best = readings[0]
        # Encodings that read the same are no question.
        second = next((each for each in readings[1:] if each.text != best.text), None)
        if best.encoding == "windows-1251" and _HEBREW.fullmatch(_letters(sample)):
            raise _question(name, [("windows-1255", sample.decode("cp1255", errors="replace"))])
        if best.like.good >= _SURE and (second is None or _lead(best, second) >= _AHEAD):
            try:
                return Decoded(data.decode(best.encoding), best.encoding)
            except UnicodeDecodeError:
                text = data.decode(best.encoding, errors="replace")
                return Decoded(text, best.encoding, damaged=True)
    raise _question(name, [(each.encoding, each.text) for each in readings])


def _letters(sample: bytes) -> bytes:
    return bytes(byte for byte in sample if byte > 127)


def _lead(best: _Reading, second: _Reading) -> float:
    """Return how much likelier one reading is than another, as a logarithm.

    Of two countries' alphabets the commoner letters prove little: João is a Portuguese, and Joăo
    would be a Romanian. Words that none of the languages can have prove it.
    """
    rarities = [ENCODINGS[each.encoding].rarity for each in (best, second)]
    lead = best.score - second.score
    if rarities[0] == rarities[1] or best.like.bad != second.like.bad:
        return lead
    by_letters = best.like.likely - second.like.likely
    return lead - by_letters + max(-_BY_LETTERS, min(_BY_LETTERS, by_letters))


def _question(name: str, readings: list[tuple[str, str]]) -> UsageError:
    shown: dict[str, str] = {}  # preview → the first encoding that reads so
    for encoding, text in readings:
        words = (word[:20] for word in re.split(r"[\s,;|]", text) if not word.isascii())
        shown.setdefault(" ".join(itertools.islice(words, 3)), encoding)
    listed = "; ".join(f"{encoding}: {words}" for words, encoding in list(shown.items())[:5])
    best = next(iter(shown.values()), "windows-1251")
    return UsageError(
        tr("The encoding of {name} can't be determined", name=name),
        why=tr("its first words would read {listed}", listed=listed)
        if listed
        else tr("no known encoding fits"),
        fix=tr("say which one reads right, e.g. --encoding {best}", best=best),
    )


def _non_ascii_lines(data: bytes) -> bytes:
    """Return the lines with a byte above 127, of the whole file, up to a sample's size."""
    lines: list[bytes] = []
    size = 0
    for match in re.finditer(rb"[^\r\n]+", data):
        line = match[0]
        if line.isascii():
            continue
        first = next(at for at, byte in enumerate(line) if byte > 127)
        line = line[max(0, first - 100) :][:_SAMPLE]
        lines.append(line)
        size += len(line)
        if size > _SAMPLE:
            break
    return b"\n".join(lines)
