"""Options of a project file for outputs and for the limit of new customers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from importer.cli.main import run_command
from importer.environment import PROJECT_FILE
from importer.sandbox import Config, serve
from tests.ui.conftest import real_time, serving, words_of
from tests.ui.forms import SHEET, names, plan, send, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LIST = f"sheets/{SHEET}"


def project(folder: Path, text: str) -> None:
    path = folder / PROJECT_FILE
    path.write_text(text, "utf-8")
    path.chmod(0o600)


async def of_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return the summary of a command."""
    capsys.readouterr()
    await asyncio.to_thread(run_command, [*arguments, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@real_time
async def test_results_and_report_are_written_to_the_paths_in_the_project_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 3)
    project(
        folder,
        f'[[sheets]]\npath = "{SHEET}"\nresults = "out/done.csv"\nreport = "about.html"\n'
        'report-private = true\npayloads = "sent.jsonl"\n',
    )
    async with serve(Config()) as sandbox:
        env = {**sandbox.env(2), "CLOPOS_STATE_DIR": str(folder.parent / "state")}
        async with serving(folder, **env) as browser:
            page = words_of(await send(browser, await plan(browser), "all"))
            assert str(folder / "out" / "done.csv") in page
            lines = (folder / "out" / "done.csv").read_text("utf-8-sig").splitlines()
            assert len(lines) == 1 + 6
            report = (folder / "about.html").read_text("utf-8")
            assert "Bad Phone" not in report
            assert "Demo Number0" in (folder / "sent.jsonl").read_text("utf-8")
            assert not (folder / f"{SHEET}.results.xlsx").exists()
            page = words_of(await browser.get(f"{LIST}/results"))
            assert "done.csv" in page
            assert "Demo Number0" in page
            shown = await browser.get(f"{LIST}/download/report.html")
            assert "Bad Phone" in shown
            page = words_of(await browser.get(""))
            assert "about.html" not in page
            assert "sent.jsonl" not in page
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        before = (folder / "out" / "done.csv").read_bytes()
        summary = await of_command(capsys, "run", str(folder / SHEET), "--yes")
        assert summary["results"] == str(folder / "out" / "done.csv")
        assert summary["exists"] == 5
        assert (folder / "out" / "done.csv").read_bytes() != before
        about = str(folder / "again.html")
        command = ["report", str(folder / SHEET), "--to", about]
        assert await asyncio.to_thread(run_command, command) == 0


@real_time
async def test_more_new_customers_than_the_project_file_allows_need_a_confirmation(
    folder: Path,
) -> None:
    write(folder)
    project(folder, "[options]\nmax-new = 5\nkeep-results = 2\n")
    async with serve(Config()) as sandbox, serving(folder, **sandbox.env(2)) as browser:
        page = await plan(browser)
        assert "14 customers would be created, more than max-new in clopos.toml" in words_of(page)
        assert 'name="rows"' not in page
        wrong = {"code": "max_new", "answer": "13"}
        await browser.post(f"{LIST}/plan/answer", wrong, status=400)
        await browser.post(f"{LIST}/plan/answer", {"code": "max_new", "answer": "14"})
        page = await browser.get(f"{LIST}/plan")
        assert "more than max-new" not in words_of(page)
        page = words_of(await send(browser, page, "all", sure="14"))
        assert "Done" in page
        assert len(names(sandbox)) == 14


@real_time
async def test_send_form_of_too_many_new_customers_is_refused(folder: Path) -> None:
    write(folder)
    project(folder, "[options]\nmax-new = 14\n")
    async with serve(Config()) as sandbox, serving(folder, **sandbox.env(2)) as browser:
        assert "more than max-new" not in words_of(await plan(browser))
        project(folder, '[options]\nmax-new = "50%"\n')
        page = await plan(browser)
        number = browser.site.desk.sheet(SHEET).planned.at  # type: ignore[union-attr]
        form = {"plan": f"{number:.6f}", "rows": "first"}
        answer = words_of(await browser.post(f"{LIST}/run", form, status=400))
        assert "14 of 14 rows would be created" in answer
        assert "more than max-new" in words_of(page)
        assert names(sandbox) == []
