"""Sheets and results in an object store: files of this machine while a job runs.

A job works on files. Those that belong to a sheet (`NAME…` in its folder: the list itself, its
mapping, fixes and results) are copied into a folder of the brand, and what the job changed is
copied back once it has ended. What fsspec opens needs the extra `[sources]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
import warnings
from dataclasses import replace
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from importer.errors import ImporterError, ServiceError, UsageError
from importer.fleet.upload import FRESH, LOOK_AGAIN, NotNowError, still_written
from importer.i18n import tr
from importer.pipeline.remote_files import changed_at, open_system, shown, without_passwords

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from importer.fleet.brands import Brand


@contextlib.asynccontextmanager
async def copied(brand: Brand, folder: Path) -> AsyncIterator[Brand]:
    """Give the brand with sheet and results as files below `folder`; copy changes back at the end.

    After an error nothing is copied back: results are those of the process that has the brand.

    Raises UsageError where an address can't be used, or no sheet is there; ServiceError where its
    host doesn't answer; NotNowError where the sheet is still being written.
    """
    if not (brand.sheet_at or brand.results_at):
        yield brand
        return
    folder /= quote(brand.name, safe="")
    places = []
    try:
        if brand.sheet_at:
            sheet = await asyncio.to_thread(_Files, brand.sheet_at, folder / "sheet")
            await _bring_sheet(sheet)
            places.append(sheet)
            brand = replace(brand, sheet=sheet.here / sheet.name)
        if brand.results_at:
            address, is_file = brand.results_at.rstrip("/"), PurePosixPath(brand.results_at).suffix
            address = address if is_file else f"{address}/{brand.sheet.name}"
            results = await asyncio.to_thread(_Files, address, folder / "results")
            await asyncio.to_thread(results.bring)
            places.append(results)
            brand = replace(brand, results=results.here / results.name if is_file else results.here)
        yield brand
        for place in places:
            await asyncio.to_thread(place.hand_back)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def address_of(path: str, brand: Brand, here: Brand) -> str:
    """Return the address of a copy that `copied` gave as `here`; of another file its path."""
    places = [(brand.sheet_at.rpartition("/")[0], here.sheet.parent)] if brand.sheet_at else []
    if brand.results_at and here.results:
        if here.results.suffix:
            places.append((brand.results_at.rpartition("/")[0], here.results.parent))
        else:
            places.append((brand.results_at.rstrip("/"), here.results))
    file = PurePath(path)
    return next((f"{at}/{file.name}" for at, folder in places if folder == file.parent), path)


async def _bring_sheet(sheet: _Files) -> None:
    await asyncio.to_thread(sheet.bring)
    facts = sheet.facts.get(sheet.name)
    if facts is None:
        raise UsageError(
            tr("There is no sheet at {url}", url=sheet.shown),
            fix=tr("put it there, or correct its address in brands.toml"),
        )
    if abs(time.time() - changed_at(facts)) < FRESH:
        await asyncio.sleep(LOOK_AGAIN)
        if (await asyncio.to_thread(sheet.look)).get(sheet.name) != facts:
            raise NotNowError(still_written(sheet.shown))


class _Files:
    """Files whose addresses begin like `address`, as files in the folder `here`. Methods block.

    `facts` is name → properties of each: size, when it was changed, perhaps its checksum.
    """

    def __init__(self, address: str, here: Path) -> None:
        self.here = here
        self._address = address
        self.shown = shown(address)
        self.facts: dict[str, dict[str, Any]] = {}
        self._states: dict[str, tuple[int, int]] = {}
        with self._explained():
            self._system, path = open_system(address)
        self._folder, _, self.name = path.rpartition("/")

    def bring(self) -> None:
        """Copy the files into the folder, which is made anew."""
        shutil.rmtree(self.here, ignore_errors=True)
        self.here.mkdir(mode=0o700, parents=True)
        self.facts = self.look()
        with self._explained():
            for name in self.facts:
                self._system.get_file(f"{self._folder}/{name}", str(self.here / name))
        self._states = self._local()

    def look(self) -> dict[str, dict[str, Any]]:
        """Return the facts of each file as they are now."""
        with self._explained():
            self._system.invalidate_cache()
            try:
                found = self._system.ls(self._folder, detail=True)
            except FileNotFoundError:
                return {}
        files = {PurePosixPath(each["name"]).name: each for each in found if each["type"] == "file"}
        return {name: facts for name, facts in files.items() if name.startswith(self.name)}

    def hand_back(self) -> None:
        """Copy back what is new or changed, and delete there what is gone here."""
        now = self._local()
        with self._explained():
            self._system.makedirs(self._folder, exist_ok=True)
            for name, state in now.items():
                if self._states.get(name) != state:
                    self._system.put_file(str(self.here / name), f"{self._folder}/{name}")
            for name in self._states.keys() - now.keys():
                self._system.rm_file(f"{self._folder}/{name}")

    def _local(self) -> dict[str, tuple[int, int]]:
        found = {path.name: path.stat() for path in self.here.iterdir() if path.is_file()}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn exceptions of the libraries into ImporterError."""
        what = tr("{url} can't be used", url=self.shown)
        try:
            with warnings.catch_warnings(action="ignore"):  # of other people's libraries
                yield
        except ImporterError:
            raise
        except ImportError as error:
            raise UsageError(
                what,
                why=self._why(error),
                fix=tr(
                    'install it: pip install "clopos-import[sources]", and what the error names'
                ),
                code="source",
            ) from None
        except (PermissionError, FileNotFoundError, ValueError) as error:
            raise UsageError(
                what,
                why=self._why(error),
                fix=tr("check that it is there and that these credentials may use it"),
                code="source",
            ) from None
        except Exception as error:  # noqa: BLE001 - libraries raise what they like
            raise ServiceError(
                what, why=self._why(error), fix=tr("it is tried again later"), code="source"
            ) from None

    def _why(self, error: Exception) -> str:
        text = " ".join(str(error).split()) or type(error).__name__
        return without_passwords(text, self._address)[:200]
