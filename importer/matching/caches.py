"""Caches of this room: how names are spelled, what can be compared of a customer."""

from __future__ import annotations

from importer.matching import comparable, evidence, names, spellings


def clear_caches() -> None:
    """Clear all caches; for a process that continues after a sheet.

    For 100,000 customers they take more memory than the sheet.
    """
    for module in (comparable, evidence, names, spellings):
        for each in vars(module).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()
