"""Takes docs/images/report.png: the page about a run of 3,000 invented customers.

The run is real but for its clock: twelve minutes pass at once, some answers are lost, and Clopos
asks to wait now and then.
"""

from __future__ import annotations

import asyncio
import csv
import random
import shutil
import sys
import tempfile
import uuid
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from importer.pipeline import SendOptions
from importer.pipeline.prepare import Prepared, prepare
from importer.pipeline.session import open_upload, recorded
from importer.records import Status
from importer.report.facts import gather
from importer.report.page import write_report
from importer.report.tables import from_sheet
from importer.results.outcomes import Outcomes
from importer.sandbox import Config, serve
from importer.sandbox.virtual_time import VirtualTimeLoop, run
from importer.settings import read_settings
from tests.ui.browsing import FLAGS

if TYPE_CHECKING:
    import pandas as pd

    from importer.pipeline.upload import Upload

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "report.png"
NAMES = "Aysel Orxan Leyla Kamran Günel Əli Şəbnəm Rəşad Nigar Tural".split()
WHEN = 1795500000.0  # a night in November
FAULTS = {"504b": 0.004, "429": 0.002}


def sheet(path: Path, rows: int) -> None:
    """Write invented customers: some rounded phones, bad addresses and repeated people."""
    chance = random.Random(7)  # noqa: S311 - a picture needs no secret
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Ad Soyad", "Mobil", "E-poçt", "Doğum tarixi"])
        for number in range(rows):
            phone = f"050 {number // 10000:03} {number // 100 % 100:02} {number % 100:02}"
            email, born = f"demo{number}@example.com", f"{1 + number % 28:02}.05.1990"
            match chance.randrange(40):
                case 0:
                    phone = "9,945E+11"
                case 1:
                    email = f"demo{number}@example"
                case 2:
                    born = "14.05"
                case 3 if number > 100:
                    phone = f"+994500000{number % 100:03}"
            writer.writerow([f"{chance.choice(NAMES)} Demo", phone, email, born])


async def send(prepared: Prepared, folder: Path) -> tuple[Upload, datetime]:
    """Send what is ready to a sandbox that holds a few of the phones already."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    async with serve(Config(seed=7, rates=FAULTS), now=lambda: loop.wall) as sandbox:

        async def sent(values: pd.DataFrame, state: str, rate: str) -> Upload:
            async with open_upload(
                values,
                read_settings(sandbox.env(2) | {"CLOPOS_STATE_DIR": str(folder / state)}),
                SendOptions(rate=rate),
                file="customers.csv",
                now=lambda: loop.wall,
            ) as upload:
                async with recorded(upload):
                    async for _ in upload.send(await upload.plan()):
                        pass
                return upload

        there = prepared.values.head(300).copy()
        for number, row in enumerate(there.index[:9]):
            there.loc[row, "name"] = "Somebody Else"
            there.loc[row, "cid"] = str(uuid.UUID(int=number))
        await sent(there, "before", "200/min")
        await asyncio.sleep(3600)
        upload = await sent(prepared.values, "state", "300/min")
        return upload, datetime.fromtimestamp(loop.wall).astimezone()


def main() -> int:
    """Make the page and take its picture."""
    if not (chromium := shutil.which("chromium")):
        sys.stderr.write("There is no chromium on this machine\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sheet(folder / "customers.csv", 3000)
        prepared = prepare(folder / "customers.csv", today=date(2026, 11, 24))
        offline = Counter(outcome.status for outcome in prepared.outcomes.values())
        facts = gather("customers.csv", prepared, offline, results="customers.csv.results.csv")
        upload, when = run(send(prepared, folder), WHEN)
        explicit = prepared.outcomes | upload.outcomes
        outcomes = Outcomes(prepared.sheet.table.index, explicit, Status.PENDING)
        seconds = len(upload.timeline.minutes()) * 60.0
        ended = upload.ended(facts, seconds)
        page = folder / "report.html"
        write_report(page, ended, from_sheet(prepared, outcomes, ended.examples()), when)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            tab = browser.new_page(viewport={"width": 1000, "height": 1800})
            tab.goto(page.as_uri())
            tab.screenshot(path=PICTURE)
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
