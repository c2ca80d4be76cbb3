"""Caches of this room: how names are spelled, what can be compared of a customer."""

from __future__ import annotations

from importer.matching import comparable, evidence, names, spellings


def clear_caches() -> None:
    """Clear them all; for a process that goes on when a sheet is done.

    Of 100,000 customers they take more than the sheet.
    """
    for module in (comparable, evidence, names, spellings):
        for each in vars(module).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()
