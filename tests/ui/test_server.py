"""The command `ui`: its start, its address, and its end."""

from __future__ import annotations

import http.cookiejar
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from importer.ui.server import listen
from tests.cli_process import command
from tests.ui.browsing import command_ui
from tests.ui.conftest import SHEET

if TYPE_CHECKING:
    from urllib.request import OpenerDirector


@pytest.fixture
def env(folder: Path) -> dict[str, str]:
    return {"CLOPOS_STATE_DIR": str(folder.parent / "state")}


def visitor() -> OpenerDirector:
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    return urllib.request.build_opener(jar)


def test_server_listens_before_pandas_is_imported() -> None:
    code = (
        "import sys, importer.cli.ui_command, importer.ui.app\n"
        "print([m for m in ('pandas', 'pyarrow', 'pandera', 'phonenumbers') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_command_shows_a_link_and_new_ones_on_enter_and_ends_by_ctrl_c(
    folder: Path, env: dict[str, str]
) -> None:
    with command_ui(folder, "--lang", "ru", env=env) as served:
        assert served.link.startswith("http://127.0.0.1:")
        assert " " not in served.link
        page = visitor().open(served.link, timeout=30).read().decode()
        assert '<html lang="ru">' in page
        assert SHEET in page
        with pytest.raises(urllib.error.HTTPError, match="403"):
            visitor().open(served.link, timeout=30)
        again = served.new_link()
        assert again != served.link
        assert visitor().open(again, timeout=30).status == 200
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(30) == 0


def test_closed_standard_input_does_not_end_the_server_but_the_page_does(
    folder: Path, env: dict[str, str]
) -> None:
    with command_ui(folder, env=env) as served:
        assert served.process.stdin
        served.process.stdin.close()
        opener = visitor()
        opener.open(served.link, timeout=30)
        page = f"{served.root}sheets/{SHEET}/columns"  # pandas is imported for it meanwhile
        assert opener.open(page, timeout=30).status == 200
        assert served.process.poll() is None
        request = urllib.request.Request(  # noqa: S310
            f"{served.root}end", b"", {"Sec-Fetch-Site": "same-origin"}
        )
        assert b"The program has ended" in opener.open(request, timeout=30).read()
        assert served.process.wait(30) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_server_listens_on_loopback_only(folder: Path, env: dict[str, str]) -> None:
    with command_ui(folder, env=env) as served:
        port = int(served.link.split(":")[2].partition("/")[0])
        listening = [
            line.split()[1].partition(":")
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{name}").read_text("ascii").splitlines()[1:]
            if line.split()[3] == "0A"
        ]
        assert [host for host, _, at in listening if int(at, 16) == port] == ["0100007F"]


def test_port_in_use_is_an_error_if_it_was_named(folder: Path, env: dict[str, str]) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        said = command("ui", folder, "--no-open", "--port", port, env=env)
        assert said.returncode == 2
        assert f"Port {port} can't be used" in said.stderr
        assert "fix: give another one with --port" in said.stderr
    with listen(None) as first, listen(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_missing_folder_of_the_page_is_an_error(tmp_path: Path) -> None:
    said = command("ui", tmp_path / "nowhere", "--no-open")
    assert said.returncode == 2
    assert "There is no folder" in said.stderr
    (tmp_path / "list.csv").touch()
    said = command("ui", tmp_path / "list.csv", "--no-open")
    assert said.returncode == 2
    assert f"clopos-import ui {tmp_path}" in " ".join(said.stderr.split())
