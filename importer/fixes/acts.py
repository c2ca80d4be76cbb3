"""The acts of a person on a sheet: one line of JSON each.

    {"n":1,"at":"…","do":"set","column":"Cinsi","was":["Qad1n"],"is":"Qadın"}
    {"n":2,"at":"…","do":"set","column":"Mobil","row":412,"was":["9,945E+11"],"is":"050 111 22 33"}
    {"n":3,"at":"…","do":"set","column":"Mobil","was":["O50 1","O50 2"],"is":["050 1","050 2"]}
    {"n":4,"at":"…","do":"leave out","rows":[77,90],"was":["Cəmi;;1 204","Cəmi;;88"]}
    {"n":5,"at":"…","do":"take in","row":12,"was":"Aysel;050 111 22 33;K"}
    {"n":6,"at":"…","do":"take back","act":2}

A line that is about one row may have `"row": 77` and one text in `was` instead of lists.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class SetText:
    """Give cells of a column another text: `texts[k]` where `was[k]` stands.

    `row` names one cell; None: every cell of the column that holds one of `was`.
    """

    column: str  # as `--map` calls it
    was: tuple[str, ...]
    texts: tuple[str, ...]
    row: int | None = None
    n: int = 0  # 0: not in a file yet
    at: str = ""


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Leave rows out; `was` is the text of each as the file has it (`apply.row_text`)."""

    rows: tuple[int, ...]
    was: tuple[str, ...]
    n: int = 0
    at: str = ""


@dataclass(frozen=True, slots=True)
class TakeIn:
    """Take rows for customers that were held back as a whole; `was` as in LeaveOut."""

    rows: tuple[int, ...]
    was: tuple[str, ...]
    n: int = 0
    at: str = ""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take an earlier act back, also one that took back."""

    act: int
    n: int = 0
    at: str = ""


Fix = SetText | LeaveOut | TakeIn
Act = Fix | TakeBack

_KEYS = {
    "set": ({"n", "at", "do", "column", "row", "was", "is"}, {"column", "was", "is"}),
    "leave out": ({"n", "at", "do", "row", "rows", "was"}, {"was"}),
    "take in": ({"n", "at", "do", "row", "rows", "was"}, {"was"}),
    "take back": ({"n", "at", "do", "act"}, {"act"}),
}
"""Allowed and required keys of an act; `n` and `do` are always required."""


def act_of(facts: Any) -> Act:
    """Return the act that a line of JSON is.

    Raises ValueError, in words for the user, without any value: it may be personal.
    """
    do = facts.get("do") if isinstance(facts, dict) else None
    keys = _KEYS.get(do) if isinstance(do, str) else None
    if keys is None:
        raise ValueError(tr('"do" must be set, leave out, take in or take back'))
    allowed, needed = keys
    for wrong in sorted((facts.keys() - allowed) | ((needed | {"n"}) - facts.keys())):
        raise _wrong(wrong)
    n, at = _number(facts, "n"), facts.get("at", "")
    if not isinstance(at, str):
        raise _wrong("at")
    match do:
        case "set":
            return _set_of(facts, n, at)
        case "leave out" | "take in":
            rows, was = _rows(facts), _texts(facts, "was")
            if len(rows) != len(was):
                raise _wrong("was")
            kind = LeaveOut if do == "leave out" else TakeIn
            return kind(rows, was, n, at)
    act = _number(facts, "act")
    if act >= n:
        raise _wrong("act")
    return TakeBack(act, n, at)


def line_of(act: Act) -> str:
    """Return an act as a line of JSON, without a line break."""
    facts: dict[str, Any] = {"n": act.n, "at": act.at}
    match act:
        case SetText(column, was, texts, row):
            one = texts[0] if len(set(texts)) == 1 else list(texts)
            facts |= {"do": "set", "column": column}
            facts |= {"row": row} if row is not None else {}
            facts |= {"was": list(was), "is": one}
        case LeaveOut(rows, was) | TakeIn(rows, was):
            facts["do"] = "leave out" if isinstance(act, LeaveOut) else "take in"
            if len(rows) == 1:
                facts |= {"row": rows[0], "was": was[0]}
            else:
                facts |= {"rows": list(rows), "was": list(was)}
        case TakeBack(number):
            facts |= {"do": "take back", "act": number}
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def numbered(acts: Iterable[Act], first: int, at: str) -> list[Act]:
    """Return acts with their numbers, from `first` on, and the time they were made at."""
    return [replace(act, n=n, at=at) for n, act in enumerate(acts, start=first)]


def standing(acts: Iterable[Act]) -> list[Fix]:
    """Return the acts that hold, in their order: without those that were taken back.

    An act that takes back may itself be taken back; its own act holds again then.
    """
    taken_back: set[int] = set()
    found: list[Fix] = []
    for act in reversed(list(acts)):  # an act that takes another back comes after it
        if act.n in taken_back:
            continue
        if isinstance(act, TakeBack):
            taken_back.add(act.act)
        else:
            found.append(act)
    return found[::-1]


def _set_of(facts: dict[str, Any], n: int, at: str) -> SetText:
    was, texts = _texts(facts, "was"), _texts(facts, "is")
    if isinstance(facts["is"], str):
        texts *= len(was)
    row = _number(facts, "row") if "row" in facts else None
    if not was or len(texts) != len(was) or (row is not None and len(was) != 1):
        raise _wrong("is")
    if not isinstance(facts["column"], str):
        raise _wrong("column")
    return SetText(facts["column"], was, texts, row, n, at)


def _rows(facts: dict[str, Any]) -> tuple[int, ...]:
    if "row" in facts and "rows" not in facts:
        return (_number(facts, "row"),)
    rows = facts.get("rows")
    if not isinstance(rows, list) or "row" in facts:
        raise _wrong("rows")
    return tuple(_number({"rows": row}, "rows") for row in rows)


def _texts(facts: dict[str, Any], key: str) -> tuple[str, ...]:
    texts = facts[key]
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _wrong(key)
    try:
        "".join(texts).encode()  # half a character is no text
    except UnicodeEncodeError:
        raise _wrong(key) from None
    return tuple(texts)


def _number(facts: dict[str, Any], key: str) -> int:
    number = facts[key]
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**9:
        raise _wrong(key)
    return number


def _wrong(key: str) -> ValueError:
    return ValueError(tr("{key} is missing, wrong or not expected here", key=f'"{key[:20]}"'))
