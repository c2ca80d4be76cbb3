"""Results of an earlier run as a sheet: the user's own columns, and what is known of its rows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow, cells_of, frame, text_column
from importer.i18n import everywhere, trn
from importer.problems import CATALOGUE, LEFT_OUT
from importer.records import DECISION_COLUMN, DECISIONS, RESULT_COLUMNS, RESULTS_WORKSHEET
from importer.text import unescape_formula

if TYPE_CHECKING:
    import pandas as pd

    from importer.records import Sheet

_NUMBER = re.compile(r"\s*([1-9][0-9]{0,8})(?:\.0+)?\s*")  # as a spreadsheet may have saved it

# What earlier versions of this program wrote in its place, in the four languages.
_EARLIER_HINTS = frozenset(
    [
        "mend it (in results: empty its import_message too), or delete it",
        "düzəldin (nəticələrdə: import_message xanasını da boşaldın) və ya silin",
        "исправьте (в результатах: очистите и import_message) или удалите",
        "düzeltin (sonuçlarda: import_message hücresini de boşaltın) ya da silin",
    ]
)


def own_results(sheet: Sheet) -> Sheet:
    """Return the sheet that results are about: its columns, its order and its row numbers.

    `claims` are the ids in `clopos_id`, `decisions` the words in `import_decision` with the ids in
    `import_existing_id`, or of the row in `import_duplicate_of`. A row without a number of its own
    (it was added, or copied) gets one after all others. Cells that were escaped are given back; in
    our own workbook none is.
    """
    headers = list(sheet.headers)
    malformed = {**_held_before(headers, sheet.table), **sheet.malformed}
    rows, renumbered = _row_numbers(_texts(sheet, RESULT_COLUMNS[0]))
    number_of = dict(zip(sheet.table.index.tolist(), rows, strict=True))
    words = [text.strip().lower() for text in _texts(sheet, DECISION_COLUMN)]
    claims = [_whole(text.strip()) for text in _texts(sheet, "clopos_id")]
    about = [_whole(text.strip()) for text in _texts(sheet, "import_existing_id")]
    repeated = [_whole(text.strip()) for text in _texts(sheet, "import_duplicate_of")]
    claimed = {str(row): claim for row, claim in zip(rows, claims, strict=True)}
    order = sorted(range(len(rows)), key=rows.__getitem__)

    kept = [n for n, name in enumerate(headers) if name not in {*RESULT_COLUMNS, DECISION_COLUMN}]
    is_text = sheet.kind in {"jsonl", "parquet", "table"} or sheet.worksheet == RESULTS_WORKSHEET
    back = str if is_text else unescape_formula
    columns = {
        new: text_column([back(text) for text in cells_of(sheet.table[old])]).take(order)
        for new, old in enumerate(kept)
    }
    return replace(
        sheet,
        headers=tuple(back(headers[number]) for number in kept),
        table=frame(columns, [rows[place] for place in order]),
        malformed={number_of[row]: reason for row, reason in malformed.items()},
        notes=(*sheet.notes, *_notes(rows, renumbered, words)),
        # A workbook's days without a format are numbers in its results, whatever their kind.
        serial_dates=sheet.serial_dates or 1900,
        kinds={
            new: {number_of[row]: kind for row, kind in sheet.kinds[old].items()}
            for new, old in enumerate(kept)
            if old in sheet.kinds
        },
        hidden_rows=tuple(sorted(number_of[row] for row in sheet.hidden_rows)),
        hidden_columns=tuple(n for n, old in enumerate(kept) if old in sheet.hidden_columns),
        claims={row: id_ for row, id_ in zip(rows, claims, strict=True) if id_},
        decisions={
            # Once it was followed, `same` is about the customer that the row is; before, it may be
            # about another row, which is a customer by now.
            row: (word, id_ or (word == "same" and (claim or claimed.get(of))) or None)
            for row, word, id_, claim, of in zip(rows, words, about, claims, repeated, strict=True)
            if word in DECISIONS
        },
    )


def _texts(sheet: Sheet, header: str) -> list[str]:
    """Return the cells of a column, all empty if no column has that name."""
    if header not in sheet.headers:
        return [""] * len(sheet.table)
    return cells_of(sheet.table[sheet.headers.index(header)])


def _whole(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    return found[1] if found else text


def _row_numbers(texts: list[str]) -> tuple[list[int], int]:
    """Return the number of each row, and how many rows had none, or one of another row."""
    found = [_NUMBER.fullmatch(text) for text in texts]
    taken = {int(match[1]) for match in found if match}
    free = max(taken, default=1) + 1
    renumbered = 0
    rows = []
    for match in found:
        number = int(match[1]) if match else 0
        if number in taken:
            taken.remove(number)
        else:
            number = free + renumbered
            renumbered += 1
        rows.append(number)
    return rows, renumbered


def _notes(rows: list[int], renumbered: int, words: list[str]) -> list[str]:
    notes = []
    strange = [word for word in words if word and word not in DECISIONS]
    if renumbered:
        notes.append(
            trn(
                "{n} row has no import_row, or that of another row: numbered {first}",
                "{n} rows have no import_row, or that of another row: numbered from {first} on",
                renumbered,
                first=max(rows) - renumbered + 1,
            )
        )
    if strange:
        notes.append(
            trn(
                "{n} import_decision is ignored: «{word}» is none of {words}",
                "{n} import_decisions are ignored: «{word}», for one, is none of {words}",
                len(strange),
                word=strange[0][:20],
                words=", ".join(DECISIONS),
            )
        )
    return notes


def _held_before(headers: list[str], table: pd.DataFrame) -> dict[int, str]:
    """Return row → why it was held back as a whole by the run that wrote these results.

    The cells may no longer show what was wrong: shifted values have some header now. Only a person
    can confirm that it was corrected, by clearing the message.
    """
    if "import_message" not in headers:
        return {}
    messages = arrow(table[headers.index("import_message")])
    left_out = "|".join(re.escape(text) for text in everywhere(LEFT_OUT))
    by_hand = pc.match_substring_regex(messages, f"^(?:{left_out})(?:;|$)")
    found = dict.fromkeys(table.index[by_hand.to_numpy(zero_copy_only=False)].tolist(), LEFT_OUT)
    hints = everywhere(CATALOGUE["malformed_row"].hint) | _EARLIER_HINTS
    after = "|".join(sorted(re.escape(f": {hint}") for hint in hints))
    places = pc.indices_nonzero(pc.match_substring_regex(messages, after)).to_numpy()
    texts = messages.take(pa.array(places)).to_pylist()
    return found | {
        int(row): re.split(after, text, maxsplit=1)[0]
        for row, text in zip(table.index[places], texts, strict=True)
    }
