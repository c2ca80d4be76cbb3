"""Text made for reading: drawn tables, columns lined up by blanks, dumps."""

from __future__ import annotations

import re

from importer.i18n import tr_noop

_LOOK_AT = 200  # lines that show what a text is
_RULER = re.compile(r"[ +|┌┬┐├┼┤└┴┘─═╔╦╗╠╬╣╚╩╝-]+")
_BAR = re.compile(r"[|│║]")
_COUNT = re.compile(r"\(?[0-9]+ (?:rows?|records?)\b[^|]{0,60}", re.IGNORECASE)
_DUMPS = {
    "insert into": tr_noop("a dump of a database (SQL)"),
    "create table": tr_noop("a dump of a database (SQL)"),
    "-- mysql dump": tr_noop("a dump of a database (SQL)"),
    "-- postgresql database dump": tr_noop("a dump of a database (SQL)"),
    "pragma foreign_keys": tr_noop("a dump of a database (SQL)"),
}


def dump_of(head: str) -> str | None:
    """Return what the beginning of a text, in lower case, is a dump of, in words; or None."""
    for line in head.split("\n")[:60]:
        for word, what in _DUMPS.items():
            if line.lstrip("/*! ").startswith(word):
                return what
    return None


def drawn_table(text: str) -> list[list[str]] | None:
    """Return the records of a table drawn for a terminal, None for any other text.

    Lines between are blank records, so that rows keep the number of their line.
    """
    head = text[:20_000].split("\n", _LOOK_AT)[:_LOOK_AT]
    rulers = [line for line in head if _is_ruler(line)]
    if not rulers:
        return None
    rows = [line for line in head if _BAR.search(line) and not _is_ruler(line)]
    if len(rows) < 2 or len({len(_BAR.findall(line)) for line in rows}) > 1:
        return None
    records: list[list[str]] = []
    for line in text.split("\n"):
        plain = line.strip()
        if not _BAR.search(plain) or _is_ruler(plain):
            # Output of the terminal below the table is no row of it.
            records.append([] if _is_ruler(plain) or _COUNT.fullmatch(plain) else [plain])
            continue
        cells = _BAR.split(plain)
        inner = cells[1 if not cells[0].strip() and plain[0] in "|│║" else 0 :]
        if plain[-1] in "|│║":
            inner = inner[:-1]
        records.append([cell.strip() for cell in inner])
    return records


def _is_ruler(line: str) -> bool:
    plain = line.strip()
    return len(plain) > 4 and bool(_RULER.fullmatch(plain)) and not set(plain) <= {"|", " "}


def fixed_width(text: str) -> list[list[str]] | None:
    """Return the records of a text whose columns are lined up by blanks, None for any other.

    A column begins where the header has two blanks before a word, and every line has one.
    """
    top = text.split("\n", _LOOK_AT)[:_LOOK_AT]
    head = [line for line in map(_expanded, top) if line.strip()]
    if len(head) < 2 or "\t" in text[:2000] or any(mark in head[0] for mark in ",;|\t"):
        return None
    width = max(map(len, head))
    if width > 2000 or "  " not in head[0].strip():
        return None
    blank = [all(line[at : at + 1] in {"", " "} for line in head) for at in range(width)]
    header = head[0]
    starts = [0] + [
        at
        for at in range(2, len(header))
        if header[at] != " " and header[at - 2 : at] == "  " and blank[at - 1]
    ]
    second = sum(bool(line[starts[1] :].strip()) for line in head) if len(starts) > 1 else 0
    if second < len(head) / 2:
        return None
    ends = [*starts[1:], None]
    return [
        [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        if line.strip()
        else []
        for line in map(_expanded, text.split("\n"))
    ]


def _expanded(line: str) -> str:
    return line.rstrip("\r").expandtabs()
