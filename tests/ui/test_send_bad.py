"""Sending from the page when something fails: a kill, a full disk, hostile input."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import signal
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
import pytest

from importer.cli.project_reader import project_reader
from importer.credentials import keep_credentials
from importer.sandbox import Config, serve
from importer.settings import read_settings
from importer.ui.site import Site
from tests.cli_process import ask_sandbox, started
from tests.cli_process import serving as sandbox_process
from tests.ui.conftest import Browser, real_time, serving, words_of
from tests.ui.forms import SHEET, ended, field, plan, send, write

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator
    from pathlib import Path

SECRET = "open-sesame-4711"
TOKENS = re.compile(r"oauth_\w{8}|eyJ[\w-]{8}")


@contextlib.asynccontextmanager
async def page_process(
    folder: Path, env: dict[str, str]
) -> AsyncIterator[tuple[subprocess.Popen[str], Browser]]:
    """Run `clopos-import ui` in another process, and give an admitted browser."""
    flags = ("ui", str(folder), "--port", "0", "--no-open")
    with started(*flags, env=env, stdin=None) as process:
        assert process.stdout
        link = (await asyncio.to_thread(process.stdout.readline)).strip()
        port, key = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/(\w+)/enter\?token=.*", link).groups()  # type: ignore[union-attr]
        site = Site(folder, {}, project_reader(), port=int(port), key=key)
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.get(link) as response:
                assert response.status == 200
            yield process, Browser(site, session)


async def at_work(browser: Browser, env: dict[str, str], number: int) -> None:
    """Plan, and send until this number of customers was created."""
    shown = await plan(browser)
    form = {"plan": field(shown, "plan"), "rows": "all", **sure(shown)}
    await browser.post(f"sheets/{SHEET}/run", form)
    while len(created(env)) < number:  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.05)


def created(env: dict[str, str]) -> list[str]:
    return [each["name"] for each in ask_sandbox(env, "customers")]


@pytest.mark.slow(reason="real pace, and three servers one after the other")
@real_time
async def test_run_killed_while_sending_continues_at_the_next_start_and_creates_none_twice(
    folder: Path,
) -> None:
    write(folder, 24)
    with sandbox_process(folder.parent, "--latency", "0.2-0.4") as found:
        env = found["2"]
        for kills in range(3):
            async with page_process(folder, env) as (process, browser):
                if kills == 2:
                    shown = await plan(browser)
                    page = words_of(await send(browser, shown, "all", **sure(shown)))
                    assert "Done" in page
                    page = words_of(await browser.get(f"sheets/{SHEET}/results"))
                    break
                await at_work(browser, env, len(created(env)) + 5)
                process.kill()
                await asyncio.to_thread(process.wait)
            async with page_process(folder, env) as (_, browser):
                page = words_of(await browser.get(f"sheets/{SHEET}/results"))
                assert "didn't come to its end" in page
                assert "interrupted" in words_of(await browser.get(""))
        names = created(env)
        assert sorted(names) == sorted(
            [f"Demo Number{n}" for n in range(24)] + ["Aysel Demo", "Leyla Demo"]
        )
        creates = [each for each in ask_sandbox(env, "requests") if each["route"] == "create"]
        assert len(creates) < 26 + 30, "the rest only is sent again"


def sure(page: str) -> dict[str, str]:
    return {"sure": field(page, "sure")} if 'name="sure"' in page else {}


@pytest.mark.slow(reason="real pace, and a server of its own")
@real_time
async def test_full_disk_is_shown_in_the_page_and_no_row_is_sent_without_a_record(
    folder: Path,
) -> None:
    write(folder, 12)
    with sandbox_process(folder.parent, "--latency", "0.1-0.2") as found:
        env = found["2"]
        async with page_process(folder, env) as (process, browser):
            await at_work(browser, env, 3)
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
            await ended(browser, "run")
            page = words_of(await browser.get(f"sheets/{SHEET}/run"))
            assert "can't be written" in page
            assert "Fix:" in page
            noted = len(created(env))
            assert noted < 14
            conflict = {"row": "2", "about": "", "answer": "skip"}
            await browser.post(f"sheets/{SHEET}/conflicts", conflict, 400)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
            shown = await plan(browser)
            page = words_of(await send(browser, shown, "all", **sure(shown)))
            assert "Done" in page
        names = created(env)
        assert len(names) == len(set(names)) == 14


@real_time
async def test_planted_secret_is_in_no_response_and_no_log_and_no_file(
    folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Clopos repeats it in each refusal, and the test opens every page."""
    write(folder, 3)
    texts: list[str] = []
    config = Config(client_secret=SECRET, client_id="client-4711", echo=True)
    async with serve(config) as sandbox:
        env = sandbox.env(2)
        typed = {name: env.pop(name) for name in ("CLOPOS_CLIENT_SECRET", "CLOPOS_CLIENT_ID")}
        async with serving(folder, **env) as browser:
            await _record(browser, texts)
            wrong = typed | {"CLOPOS_CLIENT_SECRET": f"{SECRET}-wrong"}
            page = await browser.post("credentials", wrong, 400)
            assert "«Client secret»" in page, "a field is called as on the page"
            assert "Clopos refuses" in page
            texts.append(page)
            texts.append(await browser.post("credentials", typed | {"keep": "memory"}))
            page = words_of(await browser.get("credentials"))
            assert "They work" in page
            assert "venue: Main" in page
            assert "typed here" in page
            shown = await plan(browser)
            form = {"plan": field(shown, "plan"), "rows": "all"}
            texts.append(await browser.post(f"sheets/{SHEET}/run", form))
            async with browser.session.get(
                browser.address(f"events?kind=run&sheet={SHEET}")
            ) as stream:
                texts.append((await stream.content.readline()).decode())
                texts.append((await stream.content.readline()).decode())
            await ended(browser, "run")
            for what in ("results", "results.csv", "report.html", "report-private.html"):
                address = browser.address(f"sheets/{SHEET}/download/{what}")
                async with browser.session.get(address) as answer:
                    assert "attachment" in answer.headers["Content-Disposition"]
                    texts.append((await answer.read()).decode("utf-8", "replace"))
            sandbox.change(permitted=False)
            await plan(browser)
            await _record(browser, texts)
    files = [each for each in folder.parent.rglob("*") if each.is_file()]
    texts += [each.read_bytes().decode("latin-1") for each in files]
    texts += [str(each) for each in files]
    out, err = capfd.readouterr()
    left = "\n".join([*texts, out, err, caplog.text])
    assert "created" in left
    for trace in (SECRET, "client-4711", "Traceback"):
        assert trace not in left
    assert not TOKENS.search(left)


async def _record(browser: Browser, texts: list[str]) -> None:
    """Record the text and the headers of every page."""
    pages = ("plan", "rehearsal", "run", "results", "conflicts")
    for path in ("", "credentials", "state", *(f"sheets/{SHEET}/{each}" for each in pages)):
        async with browser.session.get(browser.address(path)) as answer:
            texts += [await answer.text(), str(answer.headers), str(answer.url)]


@real_time
async def test_credentials_are_kept_in_a_file_on_request_and_forgotten(
    folder: Path,
) -> None:
    async with serve(Config()) as sandbox:
        env = sandbox.env(1)
        address = {"CLOPOS_BASE_URL": env.pop("CLOPOS_BASE_URL")}
        kept = folder / ".env"
        kept.write_text("PORT=80\n", encoding="utf-8")
        async with serving(folder, **address) as browser:
            page = words_of(await browser.get("credentials"))
            assert "found in" not in page
            missing = env | {"CLOPOS_BRAND": ""}
            assert "CLOPOS_BRAND" in words_of(await browser.post("credentials", missing, 400))
            assert kept.read_text("utf-8") == "PORT=80\n"
            await browser.post("credentials", env | {"keep": "file"})
            assert kept.read_text("utf-8").startswith("PORT=80\nCLOPOS_BRAND='sandbox'\n")
            assert kept.stat().st_mode & 0o777 == 0o600
            page = words_of(await browser.get("credentials"))
            assert "found in the file .env" in page
            assert "typed here" not in page
        async with serving(folder, **address) as browser:
            page = words_of(await browser.get("credentials"))
            assert "found in the file .env" in page
            # Empty fields: the found credentials are tried.
            await browser.post("credentials", {"keep": "memory"})
            await browser.post("credentials/forget", {"file": "on"})
            assert kept.read_text("utf-8") == "PORT=80\n"
            assert "found in" not in words_of(await browser.get("credentials"))


@pytest.mark.slow(reason="the same with another name of the file")
@real_time
async def test_credentials_are_kept_in_an_existing_env_file_with_a_windows_name(
    folder: Path,
) -> None:
    """A new file would override the existing one."""
    async with serve(Config()) as sandbox:
        env = sandbox.env(1)
        kept = folder / ".env.txt"
        kept.write_text(f"CLOPOS_BASE_URL={env.pop('CLOPOS_BASE_URL')}\n", encoding="utf-8")
        before = kept.read_text("utf-8")
        async with serving(folder) as browser:
            await browser.post("credentials", env | {"keep": "file"})
            assert kept.read_text("utf-8").startswith(f"{before}CLOPOS_BRAND='sandbox'\n")
            assert not (folder / ".env").exists()
            await browser.post("credentials", {"keep": "memory"})
            await browser.post("credentials/forget", {"file": "on"})
            assert kept.read_text("utf-8") == before


@real_time
async def test_credentials_for_another_address_or_brand_than_that_of_the_environment_are_refused(
    folder: Path,
) -> None:
    typed = dict.fromkeys(("CLOPOS_BRAND", "CLOPOS_CLIENT_ID", "CLOPOS_CLIENT_SECRET"), "x")
    typed["CLOPOS_INTEGRATOR_ID"] = "x"
    (folder / ".env").write_text("CLOPOS_BASE_URL=https://clopos.example\n", encoding="utf-8")
    (folder / ".env").chmod(0o600)
    async with serving(folder) as browser:
        page = words_of(await browser.get("credentials"))
        assert "clopos.example, which is not the address of Clopos" in page
        page = words_of(await browser.post("credentials", typed, 400))
        assert "would go to another address" in page
    (folder / ".env").unlink()
    async with serve(Config()) as sandbox:
        env = sandbox.env(2)
        brand = {"CLOPOS_BRAND": "another", "CLOPOS_BASE_URL": env.pop("CLOPOS_BASE_URL")}
        async with serving(folder, **brand) as browser:
            page = words_of(await browser.post("credentials", env | {"keep": "file"}, 400))
            assert "CLOPOS_BRAND is in the environment, too" in page
            assert not (folder / ".env").exists()
            await browser.post("credentials", env | {"keep": "memory"})
            assert "Restaurant: sandbox" in words_of(await browser.get("credentials"))


@pytest.mark.slow(reason="real pace, and a server of its own")
@real_time
async def test_ctrl_c_pauses_a_run_and_writes_its_results_and_ends_the_program(
    folder: Path,
) -> None:
    write(folder, 24)
    with sandbox_process(folder.parent, "--latency", "0.1-0.2") as found:
        env = found["2"]
        async with page_process(folder, env) as (process, browser):
            await at_work(browser, env, 3)
            process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(process.wait, 30) == 0
            assert process.stderr
            assert not process.stderr.read()
        assert (folder / f"{SHEET}.results.xlsx").is_file()
        names = created(env)
        assert 3 <= len(names) == len(set(names)) < 24


@real_time
async def test_credentials_kept_by_login_are_found_and_one_of_several_is_chosen_by_name(
    folder: Path,
) -> None:
    write(folder, 1)
    async with serve(Config(brands=("sandbox", "second"))) as sandbox:
        env = sandbox.env(2)
        address = {"CLOPOS_BASE_URL": env["CLOPOS_BASE_URL"]}
        keep_credentials(read_settings(env))
        async with serving(folder, **address) as browser:
            assert "kept by clopos-import login" in words_of(await browser.get("credentials"))
            assert "to create 3" in words_of(await plan(browser))
        keep_credentials(read_settings(env | {"CLOPOS_BRAND": "second"}))
        async with serving(folder, **address) as browser:
            page = words_of(await browser.get(f"sheets/{SHEET}/plan"))
            assert "It isn't clear which restaurant to use" in page
            await browser.post("credentials", {"CLOPOS_BRAND": "second"})
            page = words_of(await plan(browser))
            assert "Restaurant second" in page
            assert "to create 3" in page


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWX"
HOSTILE = (
    "<x-evil>",
    "</td><x-evil onclick=alert(1)>",
    '" onfocus=x-evil autofocus x="',
    "' onfocus=x-evil autofocus x='",
    "{{ 7 * 6 }} <x-evil>",
    "<!-- <x-evil>",
    "</script><x-evil>",
    "&lt;x-evil&gt;",
)


class _Tags(HTMLParser):
    """Collects tags and attributes of a page that only injected markup can have."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if tag == "x-evil" or any(name.startswith("on") or name == "autofocus" for name in names):
            self.found.append(f"{tag} {names}")


@pytest.mark.slow(reason="a run, a plan and all pages of hostile names")
@real_time
async def test_hostile_names_in_list_and_clopos_never_become_markup(folder: Path) -> None:
    """In plan, conflicts, results and messages; the holders at Clopos have such names, too."""
    quoted = [each.replace('"', '""') for each in HOSTILE]
    rows = "".join(f'"Demo Number{n} {each}",05000030{n:02}\n' for n, each in enumerate(quoted))
    others = "".join(f"Demo {letter}ysel,05000031{n:02}\n" for n, letter in enumerate(LETTERS))
    rows += others  # still a list of names
    (folder / SHEET).write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    async with serve(Config()) as sandbox:
        for n, each in enumerate(HOSTILE[1:], start=1):
            sandbox.add(name=f"Other {each}", phone=f"+9945000030{n:02}")
        async with serving(folder, **sandbox.env(2)) as browser:
            pages = [await plan(browser)]
            pages.append(await send(browser, pages[0], "first"))
            pages += [
                await browser.get(f"sheets/{SHEET}/{path}")
                for path in ("conflicts", "results", "results?status=conflict", "run", "plan")
            ]
    assert "{{ 7 * 6 }}" in pages[2]
    assert pages[2].count("Other ") > len(HOSTILE)
    for page in pages:
        tags = _Tags()
        tags.feed(page)
        assert tags.found == []


@real_time
async def test_results_that_are_a_link_out_of_the_folder_are_not_shown(folder: Path) -> None:
    write(folder, 2)
    elsewhere = folder.parent / "elsewhere.csv"
    header = "import_row,import_status,clopos_id,import_field,import_existing_id"
    header += ",import_duplicate_of,import_message,Name"
    elsewhere.write_text(f"{header}\n2,created,1,,,,,Secret Person\n", encoding="utf-8")
    (folder / f"{SHEET}.results.csv").symlink_to(elsewhere)
    async with serving(folder) as browser:
        page = await browser.get(f"sheets/{SHEET}/results")
        assert "There are no results yet" in page
        assert "Secret" not in await browser.get(f"sheets/{SHEET}/conflicts")
        for what in ("results", "results.csv", "report.html", "..", ".env", "undo-run-1.xlsx"):
            await browser.get(f"sheets/{SHEET}/download/{quote(what)}", 404)
