"""Bytes → text: what proves an encoding, then what speaks for one, else a question.

A byte order mark, the zeros of UTF-16 and valid UTF-8 over the whole file are proof. The legacy
encodings are told apart by the words of all non-ASCII lines: in the right one, a word stays within
an alphabet and its capitals stand where capitals do. A detector library was tried: on short lists
it is unsure of everything, and a wrong guess is worse than a question.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from importer.errors import UsageError

_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўәғҹһөүҝ")
_LATIN = frozenset("çğıöşüəâîûéèêëáàäãåíìïóòôõøúùñýßæœžšđčć" + "i̇")
_FREQUENT = frozenset("оеаинтсрвлкм" + "əıişçöüğ")
_CANDIDATES = {
    "windows-1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "mac-cyrillic": _CYRILLIC,
    "windows-1254": _LATIN,
}
_WORD = re.compile(r"[^\s\d,;|\t\"'()<>@.:/+=_#&*!?%-]+")
_SAMPLE = 65_536  # bytes of non-ASCII lines that are looked at
_SURE = 0.7  # likeness below which a person is asked
_AHEAD = 0.05  # lead over the second below which a person is asked


class Decoded(NamedTuple):
    """Text and the encoding it was in."""

    text: str
    encoding: str


def decode(data: bytes, name: str, encoding: str | None) -> Decoded:
    """Decode the bytes of the file `name`, in `encoding` if it is given.

    Raises UsageError when the encoding is not one, doesn't fit, or can't be told.
    """
    if encoding:
        return _as_told(data, name, encoding)
    for mark, proven in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _as_told(data, name, proven)
    if without_mark := _zeros(data):
        return _as_told(data, name, without_mark)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _guess(data, name)


def _as_told(data: bytes, name: str, encoding: str) -> Decoded:
    try:
        known = codecs.lookup(encoding)
        if not known._is_text_encoding:  # noqa: SLF001 - base64 and the like decode to bytes
            raise LookupError
    except LookupError as error:
        raise UsageError(
            f"There is no encoding {encoding}",
            todo="use a name such as utf-8, windows-1251 or windows-1254",
        ) from error
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeError as error:
        where = getattr(error, "start", None)
        line = "" if where is None else f", line {data.count(bytes([10]), 0, where) + 1}"
        raise UsageError(
            f"{name} is not in {encoding}{line}",
            why="there are bytes that mean nothing in it",
            todo="leave --encoding out, or give another one",
        ) from error


def _zeros(data: bytes) -> str | None:
    """Recognise UTF-16 without a mark: nearly every other byte of western text is zero."""
    head = data[:4096]
    if len(head) < 4 or len(data) % 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.3 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _guess(data: bytes, name: str) -> Decoded:
    sample = _non_ascii_lines(data)
    scores: list[tuple[float, str, str]] = []
    for encoding, alphabet in _CANDIDATES.items():
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        scores.append((_likeness(text, alphabet), encoding, text))
    scores.sort(reverse=True)
    if scores and scores[0][0] >= _SURE:
        best, encoding, _ = scores[0]
        if len(scores) == 1 or best - scores[1][0] >= _AHEAD:
            return Decoded(data.decode(encoding, errors="replace"), encoding)
    shown = "; ".join(f"{encoding}: {_preview(text)}" for _, encoding, text in scores[:4])
    raise UsageError(
        f"The encoding of {name} can't be told",
        why=f"its first words would read {shown}" if shown else "no known encoding fits",
        todo="say which one reads right, such as --encoding windows-1251",
    )


def _non_ascii_lines(data: bytes) -> bytes:
    """Return the lines with a byte above 127, of the whole file, up to a sample's size."""
    lines: list[bytes] = []
    size = 0
    for match in re.finditer(rb"[^\r\n]*[\x80-\xff][^\r\n]*", data):
        lines.append(match[0])
        size += len(match[0])
        if size > _SAMPLE:
            break
    return b"\n".join(lines)


def _likeness(text: str, alphabet: frozenset[str]) -> float:
    """Return from 0 to 1 how much the words with non-ASCII letters look like ones of the alphabet.

    Three quarters are for good words, one is for the letters that are frequent in any text.
    """
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if not words:
        return 0.0
    good = sum(_is_good(word, alphabet) for word in words) / len(words)
    letters = [letter for word in words for letter in word.lower() if not letter.isascii()]
    frequent = sum(letter in _FREQUENT for letter in letters) / len(letters)
    return 0.75 * good + 0.25 * frequent


def _is_good(word: str, alphabet: frozenset[str]) -> bool:
    foreign = [letter for letter in word if not letter.isascii()]
    if not all(letter.lower() in alphabet or letter in "İ«»–—…’№" for letter in foreign):
        return False
    letters = [letter for letter in word if letter.isalpha()]
    if alphabet is _CYRILLIC:
        # No Latin letter in a Cyrillic word.
        if any(letter.isascii() for letter in letters):
            return False
    elif 2 * len([letter for letter in foreign if letter.isalpha()]) > len(letters) + 2:
        return False
    tail = letters[1:]
    lower = all(letter.islower() for letter in tail)
    return lower or (letters[0].isupper() and all(letter.isupper() for letter in tail))


def _preview(text: str) -> str:
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    return " ".join(words[:3])
