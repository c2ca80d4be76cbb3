"""The garbage collector of Python, kept away from work that makes many objects that all stay."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_THRESHOLDS = (10_000, 20, 20)  # objects; a sixth of the processor's time goes into Python's own


def collect_seldom() -> None:
    """Let the collector of this process look less often, as most of what it makes stays."""
    gc.set_threshold(*_THRESHOLDS)


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Keep the collector from what is there now: modules and a sheet, which stay."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def no_collecting() -> Iterator[None]:
    """Keep the collector away: among objects that all stay it looks again and again, for nothing.

    What isn't in a cycle is freed as ever.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
