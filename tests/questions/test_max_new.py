"""A run that would create more customers than allowed creates none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from importer.pipeline import Output, SendOptions, arun
from importer.sandbox import Config, serve

if TYPE_CHECKING:
    from pathlib import Path

LIST = "Name,Phone\n" + "".join(f"Demo {n},05000000{n:02}\n" for n in range(1, 11))


@pytest.mark.parametrize(
    ("most", "sent"), [(9, False), (10, True), (0.5, False), (1.0, True), (None, True)]
)
async def test_run_with_more_new_customers_than_allowed_sends_no_row(
    most: float | None, sent: bool, tmp_path: Path
) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text(LIST, encoding="utf-8")
    async with serve(Config()) as sandbox:
        env = sandbox.env(2) | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}
        options = SendOptions(max_new=most, rate="none")
        result = await arun(sheet, None, Output(), options, env=env)
        summary = result.summary.as_dict()
    assert summary["created"] == (10 if sent else 0)
    assert summary["pending"] == (0 if sent else 10)
    if not sent:
        assert (summary["exit_code"], summary["error"]["code"]) == (2, "max_new")
