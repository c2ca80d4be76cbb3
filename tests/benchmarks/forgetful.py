"""The command with a journal that forgets: what keeping one costs is the difference.

python -m tests.benchmarks.forgetful run FILE …
"""

from __future__ import annotations

from importer.cli import main
from importer.journal import Journal


def _forget(journal: Journal) -> None:
    for durable in journal._intentions:
        durable.set_result(None)
    for forgotten in (journal._intentions, journal._notes, journal._left):
        forgotten.clear()


if __name__ == "__main__":
    setattr(Journal, "_commit_soon", _forget)  # noqa: B010 - mypy knows it is a method
    main()
