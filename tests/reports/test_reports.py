"""Sheets that other tools misread are read correctly, held back, or asked about.

`tests/manifests.py` says what the keys of `manifest.json` mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.manifests import parameters, verify_case

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("case", parameters(FOLDER))
def test_sheet_is_read_correctly_or_held_back_or_asked_about(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verify_case(FOLDER / "sheets", case, tmp_path, capsys)
