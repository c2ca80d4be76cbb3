"""Results as CSV that Excel opens with a double click and runs nothing of.

Written column by column: Python's own writer needs ten times as long for a million rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import data_of, offsets_of
from importer.text import BEFORE_FORMULA, FORMULA_STARTS, SEPARATORS, escape_formula

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PHONE = r"^\+[0-9 ()-]+$"
# The first bytes of texts that may be a formula, or have an apostrophe that looks like ours.
_SUSPICIOUS = np.isin(np.arange(256), list(f"'{FORMULA_STARTS}".encode()))
_SUSPICIOUS |= np.isin(np.arange(256), list(b' "\xc2\xe2\xe3\xef'))  # BEFORE_FORMULA
_LATER = f"[{SEPARATORS}][{BEFORE_FORMULA}]*'*[{FORMULA_STARTS}]"
_SPECIAL = f'{SEPARATORS}"'


def write_csv(
    path: Path, header: list[str], blocks: Iterable[list[pa.Array]], delimiter: str | None
) -> None:
    """Write a header and blocks of columns of text.

    `delimiter` is the sheet's own, which its owner's Excel uses (a semicolon wherever numbers have
    a decimal comma); None or an unusual one becomes a comma.
    """
    if delimiter not in {",", ";", "\t"}:
        delimiter = ","
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")  # without the mark, Excel takes UTF-8 for something else
        file.write(_lines([pa.array([name]) for name in header], delimiter))
        for columns in blocks:
            file.write(_lines(columns, delimiter))


def _lines(columns: list[pa.Array], delimiter: str) -> pa.Buffer:
    """Return the bytes of the lines that the columns make together."""
    texts = [_quoted(_harmless(column)) for column in columns]
    texts[-1] = pc.binary_join_element_wise(texts[-1], "\r\n", "")
    lines = pc.binary_join_element_wise(*texts, delimiter)
    return data_of(lines)


def _harmless(texts: pa.Array) -> pa.Array:
    """Return what `escape_formula` makes of each text."""
    data, ends = data_of(texts), offsets_of(texts)
    if len(data) == 0:
        return texts
    # An empty text has no first byte of its own: it is given another's, and left out.
    first = np.frombuffer(data, np.uint8)[np.minimum(ends[:-1] - ends[0], len(data) - 1)]
    suspicious = pa.array(_SUSPICIOUS[first] & (ends[1:] > ends[:-1]))
    if _has_any(data, SEPARATORS):
        suspicious = pc.or_(suspicious, pc.match_substring_regex(texts, _LATER))
    if not pc.any(suspicious).as_py():
        return texts
    phones = pc.match_substring_regex(texts, _PHONE)
    suspicious = pc.and_not(suspicious, phones)
    made = [escape_formula(text) for text in texts.filter(suspicious).to_pylist()]
    return pc.replace_with_mask(texts, suspicious, pa.array(made, pa.string()))


def _quoted(texts: pa.Array) -> pa.Array:
    """Return the texts, in quotes where a quote, a line break or any usual delimiter is in them.

    The person's spreadsheet may take another character for the delimiter than we do.
    """
    if not _has_any(data_of(texts), _SPECIAL):
        return texts
    needed = pc.match_substring_regex(texts, f"[{_SPECIAL}]")
    doubled = pc.replace_substring(texts.filter(needed), '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.replace_with_mask(texts, needed, quoted)


def _has_any(data: pa.Buffer, characters: str) -> bool:
    whole = bytes(data)
    return any(character.encode() in whole for character in characters)
