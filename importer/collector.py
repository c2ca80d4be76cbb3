"""Switch the garbage collector off while many long-lived objects are made."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_THRESHOLDS = (10_000, 20, 20)  # objects; a sixth of the processor's time goes into Python's own


def collect_seldom() -> None:
    """Run the collector of this process less often: most objects that it makes stay."""
    gc.set_threshold(*_THRESHOLDS)


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Exempt all objects that exist now, e.g. modules and a sheet: they stay."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def no_collecting() -> Iterator[None]:
    """Switch the collector off: it would scan objects that all stay, again and again.

    Objects outside of cycles are freed as usual.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
