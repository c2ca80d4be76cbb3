"""Sheets of the kinds of `tests/reports` in other words, and innocent ones that look like them.

Of each kind: other languages, headers, encodings, file formats, and bad rows elsewhere.
`tests/manifests.py` says what the keys of `manifest.json` mean; `-i-` in a name marks an innocent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.manifests import parameters, verify_case

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("case", parameters(FOLDER, most=2))
def test_sheet_of_a_kind_is_read_correctly_or_held_back_or_asked_about(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verify_case(FOLDER / "sheets", case, tmp_path, capsys)
