"""The bodies that are or would be sent, as JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from importer.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from importer.records import Customer


def write_payloads(path: Path, customers: Iterable[Customer], mode: int | None = None) -> None:
    """Write `{"row": n, "customer": {…}}` for each customer; `mode` as in `atomic_write`.

    Raises ServiceError when it can't be written; what was there before stays.
    """
    with (
        atomic_write(path, mode) as part,
        part.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for customer in customers:
            line = {"row": customer.row, "customer": customer.body()}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
