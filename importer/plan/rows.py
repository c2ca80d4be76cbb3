"""Rows that can be sent → customers with their cid, made a batch at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from importer.arrow import cells_of
from importer.matching.keys import RowKey, cid_of, row_key, scope_of
from importer.records import FIELDS, Customer

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import pandas as pd

_BATCH = 500  # rows


@dataclass(frozen=True, slots=True)
class Variant:
    """A row that is sent otherwise than it stands in the sheet.

    `generation` is that of its key (who-is-this-customer §1), `without` the fields left out.
    """

    generation: int = 0
    without: tuple[str, ...] = ()


class KeyedRow(NamedTuple):
    """A customer as it is sent, and the key that its cid is made of."""

    customer: Customer
    key: RowKey


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a sheet that may be sent.

    `values` has a column for each of FIELDS and the row number as index, in the sheet's order.
    Read anew each time it is iterated: of a million rows only some hundreds are customers at any
    moment. `as_read` are those of the same sheet without the fixes of a person, None where it has
    none; `fixed` the numbers of the rows that they changed.
    """

    values: pd.DataFrame
    base_url: str
    brand: str
    as_read: Rows | None = None
    fixed: Collection[int] = ()

    @property
    def scope(self) -> uuid.UUID:
        """Return the namespace of the brand's cids."""
        return scope_of(self.base_url, self.brand)

    def __len__(self) -> int:
        return len(self.values)

    def keyed(self, variants: Mapping[int, Variant] | None = None) -> Iterator[KeyedRow]:
        """Yield every row with its key; `variants` is row → how it is sent."""
        variants = variants or {}
        seen: Counter[str] = Counter()
        scope = self.scope
        for start in range(0, len(self.values), _BATCH):
            block = self.values.iloc[start : start + _BATCH]
            columns = [cells_of(block[name]) for name in FIELDS]
            for row, cells in zip(block.index.tolist(), zip(*columns, strict=True), strict=True):
                fields = dict(zip(FIELDS, cells, strict=True))
                yield _keyed(row, fields, seen, scope, variants.get(row))

    def customers(
        self, rows: Iterable[int] | None = None, variants: Mapping[int, Variant] | None = None
    ) -> Iterator[Customer]:
        """Yield the customers of `rows`, all when None; both in the sheet's order."""
        if rows is None:
            yield from (keyed.customer for keyed in self.keyed(variants))
            return
        wanted = iter(rows)
        row = next(wanted, None)
        for keyed in self.keyed(variants):
            if row is None:
                return
            if keyed.customer.row == row:
                yield keyed.customer
                row = next(wanted, None)


def _keyed(
    row: int, fields: dict[str, Any], seen: Counter[str], scope: uuid.UUID, variant: Variant | None
) -> KeyedRow:
    generation = 0
    if variant:
        generation = variant.generation
        fields.update(dict.fromkeys(variant.without))
    key = row_key(fields, seen)
    fields["cid"] = cid_of(key, scope, generation)
    return KeyedRow(Customer(row=row, made_of=key.made_of, **fields), key)
