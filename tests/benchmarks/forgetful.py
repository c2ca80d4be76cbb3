"""The command with a journal that forgets: what keeping one costs is the difference.

python -m tests.benchmarks.forgetful run FILE …
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from importer.cli import main
from importer.journal import Journal

if TYPE_CHECKING:
    import asyncio


def _forget(*given: Any) -> None:
    durable: asyncio.Future[None] | None = given[3] if len(given) > 3 else None
    if durable:
        durable.set_result(None)


if __name__ == "__main__":
    setattr(Journal, "_write", _forget)  # noqa: B010 - mypy knows it is a method
    main()
