"""A project file in the folder: the page uses it as the commands do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from importer.environment import PROJECT_FILE
from importer.sandbox import Config, serve
from tests.ui.conftest import real_time, serving, words_of
from tests.ui.forms import SHEET, ended, field, form_of, plan, send, write

if TYPE_CHECKING:
    from collections.abc import Callable

LIST = f"sheets/{SHEET}"
EXPORT = Path(__file__).parents[2] / "samples" / "exports" / "poster-ru.csv"
PEOPLE = """Ad,Mobil,Status,Cins
AYSEL DEMO,0500000001,vip,Qadın
Orxan Demo,0500000002,closed,Kişi
LEYLA DEMO,12,vip,Qad1n
Kamran Demo,0500000004,vip,Kişi
"""


@pytest.fixture
def project(folder: Path) -> Callable[[str], None]:
    """Return a function that writes the project file of the folder."""

    def write_project(text: str) -> None:
        path = folder / PROJECT_FILE
        path.write_text(text, "utf-8")
        path.chmod(0o600)

    return write_project


async def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the summary of `clopos-import check` in the same folder."""
    capsys.readouterr()
    flags = ["--json", "--results", str(folder.parent / "out.csv")]
    await asyncio.to_thread(run_command, ["check", str(folder / SHEET), *flags])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("untraced")
@real_time
async def test_counts_with_a_project_file_equal_those_of_the_command_after_any_act(
    folder: Path,
    project: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(folder.parent / "state"))
    (folder / SHEET).write_text(PEOPLE, "utf-8")
    project('[options]\nwhere = ["Status != closed"]\nname-case = "title"\n')
    async with serving(folder) as browser:

        async def same(ready: int) -> None:
            assert (await checked(folder, capsys))["ready"] == ready
            page = words_of(await browser.get(f"{LIST}/customers"))
            many = {1: "1 customer as Clopos"}.get(ready, f"{ready} customers as Clopos")
            assert many in page

        await same(2)
        page = await browser.get(f"{LIST}/customers")
        assert "Aysel Demo" in page
        assert "Orxan Demo" not in page
        page = words_of(await browser.get(f"{LIST}/columns"))
        assert "Options of clopos.toml go before what is chosen here: where, name-case" in page
        (folder / "mine.jsonl").touch()
        project("[options]\ndrop-bad-values = true\nfixes = 'mine.jsonl'\n")
        await same(4)
        page = await browser.get(f"{LIST}/problems/gender.unknown_gender")
        form = form_of(page, "set") | {"is": "Qadın"}
        await browser.post(f"{LIST}/fixes", form)
        assert "Qad1n" in (folder / "mine.jsonl").read_text("utf-8")
        assert (await checked(folder, capsys))["fixes"]["cells"] == 1
        project("[options]\nno-fixes = true\n")
        await browser.get(f"{LIST}/customers")  # the file is read anew
        page = words_of(await browser.post(f"{LIST}/fixes", form, status=400))
        assert "says no-fixes" in page
        (folder / PROJECT_FILE).unlink()
        await same(3)


@pytest.mark.slow(reason="counts what each answer makes ready, of a hundred odd phones")
@real_time
async def test_answer_that_the_project_file_overrides_is_an_error(
    folder: Path, project: Callable[[str], None]
) -> None:
    (folder / SHEET).write_bytes(EXPORT.read_bytes())
    project(f'[[sheets]]\npath = "{SHEET}"\nregion = "AZ"\n')
    async with serving(folder) as browser:
        assert "Russia" in words_of(await browser.get(f"{LIST}/questions"))
        form = {"code": "other_region", "answer": "1"}
        page = words_of(await browser.post(f"{LIST}/questions", form, status=400))
        assert "clopos.toml goes before it" in page
        assert "it sets region" in page
        project(f'[[sheets]]\npath = "{SHEET}"\n')
        assert "75 rows are ready" in words_of(await browser.get(f"{LIST}/questions"))


@real_time
async def test_wrong_project_file_is_an_error_in_three_parts(
    folder: Path, project: Callable[[str], None]
) -> None:
    write(folder, 3)
    project('[options]\nregoin = "AZ"\n')
    async with serving(folder) as browser:
        assert "there is no regoin" in words_of(await browser.get(""))
        page = words_of(await browser.get(f"{LIST}/columns"))
        assert "there is no regoin" in page
        assert "did you mean region?" in page
        assert "there is no regoin" in words_of(await browser.get("credentials", status=400))
        project('[options]\nregion = "AZ"\n')
        assert "comma" in words_of(await browser.get(f"{LIST}/columns"))


@real_time
async def test_restaurant_and_options_of_sending_are_those_of_the_project_file(
    folder: Path, project: Callable[[str], None]
) -> None:
    write(folder, 3)
    async with serve(Config()) as sandbox:
        env = sandbox.env(2)
        brand = env.pop("CLOPOS_BRAND")
        project(
            f'[restaurant]\nbrand = "{brand}"\n[options]\nreserve = "15%"\nlimit = 2\n'
            'window = ["00:00-12:00", "12:00-23:59"]\nname-case = "title"\n'
        )
        async with serving(folder, **env) as browser:
            page = await browser.get(f"{LIST}/plan")
            assert f"Restaurant {brand}" in words_of(page)
            assert '<option value="15" selected>15%' in page
            form = {"reserve": "15", "from": "00:00", "until": "12:00", "by": ""}
            await browser.post(f"{LIST}/plan", form)
            await ended(browser, "plan")
            shown = await plan(browser)
            assert "to create 2" in words_of(shown)
            assert field(shown, "plan")
            page = words_of(await send(browser, shown, "all"))
            assert "Done" in page
        assert [each["name"] for each in sandbox.customers()] == ["Demo Number0", "Demo Number1"]


@real_time
async def test_guards_of_the_project_file_stop_the_page_as_they_stop_the_command(
    folder: Path, project: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(folder.parent / "state"))
    write(folder, 6)
    project("[options]\nmin-age = 3600\n")
    async with serve(Config()) as sandbox, serving(folder, **sandbox.env(2)) as browser:
        page = words_of(await browser.post(f"{LIST}/plan", {}, status=400))
        assert "may not be complete yet" in page
        project('[options]\nmin-rows = "50%"\nknown-problems = "ok"\n')
        shown = await plan(browser)
        await send(browser, shown, "first")
        write(folder, 7)
        page = words_of(await send(browser, await plan(browser), "all"))
        assert "1 of these rows was reported by the last run" in page
        write(folder, 1)
        page = words_of(await browser.post(f"{LIST}/plan", {}, status=400))
        assert "The sheet has 4 rows, fewer than" in page
        assert "the last run read 10 rows" in page
        assert "may be an option in clopos.toml" in page
        project('[options]\nmin-rows = "4"\n')
        assert "4 are at Clopos already" not in words_of(await plan(browser))
