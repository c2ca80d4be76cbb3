"""A sheet that is still being written is no failure: the brand waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from importer.fleet.brands import Brand
from importer.fleet.judge import Judge
from importer.fleet.upload import NotNowError, Options, Watch, upload
from importer.pipeline.options import Output, SendOptions, SheetOptions
from importer.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_sheet_that_is_still_being_written_is_postponed(tmp_path: Path) -> None:
    sheet = tmp_path / "tea.csv"
    sheet.write_text("Name,Phone\n", "utf-8")

    async def begun(_run: int) -> None:
        raise AssertionError("nothing may be sent")

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.3, sheet.write_text, "Name,Phone\nDemo,+994501234567\n", "utf-8")
        with pytest.raises(NotNowError, match="still being written"):
            await upload(
                Brand("tea", "tea", sheet),
                Settings(brand="tea", state_dir=str(tmp_path)),
                Options(SheetOptions(), SendOptions(), Output()),
                Judge(),
                Watch("tea"),
                asyncio.Event(),
                begun,
            )

    asyncio.run(scenario())
