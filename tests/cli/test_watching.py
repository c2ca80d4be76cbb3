"""Unattended runs: the notifications and pings, each at most once."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.guards import move_done
from importer.cli.main import run_command
from importer.errors import UsageError
from importer.pipeline.guards import unchanged
from importer.records import Status
from importer.results.summary import Summary
from tests.cli_process import ask_sandbox, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = "".join(f"Demo {n},05000{n:05}\n" for n in range(1, 31))
BAD = "Kamran Demo,12\n"


class Receiver:
    """A web server that records requests: pings and notifications."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pings: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.status = 200


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.pings.append(self.path)
            self._answer()

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            found.bodies.append(json.loads(self.rfile.read(length)))
            self._answer()

        def _answer(self) -> None:
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serving(tmp_path_factory.mktemp("sandbox"), "--no-limits") as served:
        yield served["2"]


@pytest.fixture
def folder(tmp_path: Path, sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in (sandbox | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}).items():
        monkeypatch.setenv(name, value)
    write(tmp_path, GOOD)
    return tmp_path


def write(folder: Path, rows: str) -> None:
    (folder / "list.csv").write_text(f"Name,Phone\n{rows}", "utf-8")


def nightly_run(*flags: str) -> int:
    return run_command(["run", "list.csv", "--yes", "--quiet", "--rate", "none", *flags])


def test_problem_is_reported_once_and_again_when_it_changes(folder: Path) -> None:
    flags = ("--known-problems", "ok")
    write(folder, GOOD + BAD)
    assert nightly_run(*flags) == 1
    assert nightly_run(*flags) == 0
    assert nightly_run() == 1  # without the flag every problem is reported
    write(folder, "Zaur Demo,0510000003\n" + GOOD + BAD)  # same row under another number
    assert nightly_run(*flags) == 0
    write(folder, GOOD + "Kamran Demo,123\n")
    assert nightly_run(*flags) == 1
    write(folder, GOOD)
    assert nightly_run(*flags) == 0
    write(folder, GOOD + "Kamran Demo,123\n")  # fixed and wrong again: a new problem
    assert nightly_run(*flags) == 1


def test_failed_run_keeps_the_record_of_known_problems(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, GOOD + BAD)
    assert nightly_run() == 1
    with monkeypatch.context() as patch:
        patch.setenv("CLOPOS_CLIENT_SECRET", "expired")
        assert nightly_run("--known-problems", "ok") == 3
    assert nightly_run("--known-problems", "ok") == 0


def test_known_problems_are_counted_and_stored_without_values(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, GOOD + BAD)
    nightly_run()
    capsys.readouterr()
    assert nightly_run("--known-problems", "ok", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["invalid"], facts["known_problems"]) == (1, 1)
    (kept,) = (folder / "state").rglob("*.problems")
    assert "Kamran" not in kept.read_text()
    assert run_command(["erase", "--brand", "--yes"]) == 0
    assert not kept.exists()


def test_notification_is_sent_for_new_problems_and_names_no_customer(
    folder: Path, receiver: Receiver
) -> None:
    flags = ("--notify", f"json://{receiver.url}", "--known-problems", "ok")
    assert nightly_run(*flags) == 0
    assert not receiver.bodies
    write(folder, GOOD + BAD)
    assert nightly_run(*flags) == 1
    assert nightly_run(*flags) == 0
    (body,) = receiver.bodies
    assert body["title"] == "clopos-import: a person is needed"
    assert body["type"] == "warning"
    assert "1 invalid" in body["message"]
    assert "list.csv.results.xlsx" in body["message"]
    assert not {"Kamran", "0500000001"} & set(body["message"].split())


@pytest.mark.parametrize(
    ("when", "secret", "sent"),
    [
        ("always", "", ["info"]),
        ("failure", "", []),
        ("need", "wrong", ["failure"]),
        ("failure", "wrong", ["failure"]),
    ],
)
def test_notifications_follow_the_notify_on_flag(
    when: str,
    secret: str,
    sent: list[str],
    folder: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if secret:
        monkeypatch.setenv("CLOPOS_CLIENT_SECRET", secret)
    monkeypatch.setenv("CLOPOS_NOTIFY", f"json://{receiver.url}")
    assert nightly_run("--notify-when", when) == (3 if secret else 0)
    assert [body["type"] for body in receiver.bodies] == sent
    assert "wrong" not in str(receiver.bodies)
    assert (folder / "list.csv").exists()


def test_pings_are_sent_at_start_and_end(
    folder: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ping = ("--ping", f"http://{receiver.url}/uuid")
    write(folder, GOOD + BAD)
    assert nightly_run(*ping) == 1
    assert receiver.pings == ["/uuid/start", "/uuid"]
    monkeypatch.setenv("CLOPOS_CLIENT_SECRET", "expired")
    assert nightly_run(*ping) == 3
    assert receiver.pings[2:] == ["/uuid/start", "/uuid/fail"]
    assert nightly_run(*ping, "--map", "phone") == 2  # a wrong value that is found after the start
    assert receiver.pings[4:] == ["/uuid/start", "/uuid/fail"]


def test_failed_ping_or_notification_changes_neither_results_nor_exit_code(
    folder: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.status = 404
    flags = ("--ping", f"http://{receiver.url}/hidden", "--notify-when", "always")
    assert nightly_run(*flags, "--notify", f"json://user:hidden@{receiver.url}") == 0
    told = capsys.readouterr()
    assert "The notification could not be sent" in told.err
    assert "The ping of the end got no answer: answer 404" in told.err
    assert "hidden" not in told.err + told.out
    assert (folder / "list.csv.results.xlsx").exists()


@pytest.mark.parametrize("place", [".env", "a named file", "files of secrets"])
def test_addresses_of_pings_and_notifications_are_read_like_secrets(
    place: str, folder: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several addresses of CLOPOS_NOTIFY are separated by spaces or lines."""
    notify = f"json://{receiver.url}/a json://{receiver.url}/b"
    ping = f"http://{receiver.url}/uuid"
    flags: tuple[str, ...] = ()
    if place == "files of secrets":
        for name, value in (("NOTIFY", notify.replace(" ", "\n")), ("PING", f"{ping}\n")):
            (folder / name).write_text(value)
            monkeypatch.setenv(f"CLOPOS_{name}_FILE", str(folder / name))
    else:
        path = folder / (".env" if place == ".env" else "other.env")
        path.write_text(f'CLOPOS_NOTIFY="{notify}"\nCLOPOS_PING={ping}\n')
        path.chmod(0o600)
        flags = () if place == ".env" else ("--env-file", str(path))
    assert nightly_run("--notify-when", "always", *flags) == 0
    assert receiver.pings == ["/uuid/start", "/uuid"]
    assert len(receiver.bodies) == 2
    assert (
        nightly_run("--ping", f"http://{receiver.url}/flag", *flags) == 0
    )  # a flag overrides the variable
    assert receiver.pings[2:] == ["/flag/start", "/flag"]


def test_found_env_file_of_another_folder_provides_no_ping_address(
    folder: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have come with the sheet: no ping is sent, and its address isn't shown."""
    (folder / "from-elsewhere").mkdir()
    (folder / "list.csv").rename(folder / "from-elsewhere" / "list.csv")
    env = folder / "from-elsewhere" / ".env"
    env.write_text(f"CLOPOS_PING=http://{receiver.url}/hidden\n")
    env.chmod(0o600)
    command = ["run", "from-elsewhere/list.csv", "--yes", "--json", "--rate", "none"]
    assert run_command(command) == 2
    told = capsys.readouterr()
    assert "--env-file" in json.loads(told.out)["error"]["fix"]
    assert "hidden" not in told.out + told.err
    assert not receiver.pings
    assert run_command([*command, "--env-file", str(env)]) == 0
    assert receiver.pings == ["/hidden/start", "/hidden"]


def test_missing_file_of_an_address_is_an_error_before_the_run_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOPOS_PING_FILE", str(folder / "none"))
    assert nightly_run("--json") == 2
    assert "CLOPOS_PING_FILE" in json.loads(capsys.readouterr().out)["error"]["what"]
    assert (folder / "list.csv").exists()
    assert not list(folder.glob("*.results.*"))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--notify", "nonsense://x"),
        ("--notify", "x"),
        ("--ping", "x"),
        ("--ping", "ftp://x/y"),
        ("--ping", "http://user:word@x/y"),
        ("--ping", "http://x:70000/"),
    ],
)
def test_invalid_ping_address_is_an_error_before_the_run_begins(
    flag: str,
    value: str,
    folder: Path,
    sandbox: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = len(ask_sandbox(sandbox, "requests"))
    assert nightly_run(flag, value, "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["fix"]
    assert len(ask_sandbox(sandbox, "requests")) == before
    assert (folder / "list.csv").exists()


def test_metrics_of_a_run_keep_the_time_of_the_last_success(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, GOOD + BAD)
    path = folder / "clopos.prom"
    assert nightly_run("--metrics", str(path)) == 1
    first = dict(line.rsplit(" ", 1) for line in path.read_text().splitlines() if line[0] != "#")
    labels = 'sheet="list.csv",brand="sandbox"'
    assert first[f'clopos_import_rows{{{labels},status="invalid"}}'] == "1"
    assert first[f"clopos_import_exit_code{{{labels}}}"] == "1"
    success = f"clopos_import_last_success_timestamp_seconds{{{labels}}}"
    monkeypatch.setenv("CLOPOS_CLIENT_SECRET", "expired")
    assert nightly_run("--metrics", str(path)) == 3
    second = dict(line.rsplit(" ", 1) for line in path.read_text().splitlines() if line[0] != "#")
    assert second[success] == first[success]
    assert second[f"clopos_import_exit_code{{{labels}}}"] == "3"


def test_sheet_that_is_still_being_written_is_not_sent(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nightly_run("--min-age", "60", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "growing"
    past = time.time() - 61
    os.utime(folder / "list.csv", (past, past))
    assert nightly_run("--min-age", "60") == 0


def test_sheet_with_many_rows_fewer_is_not_sent(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nightly_run("--min-rows", "50%") == 0
    write(folder, "".join(GOOD.splitlines(keepends=True)[:10]))
    assert nightly_run("--min-rows", "50%", "--json") == 2
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["error"]["code"] == "min_rows"
    assert nightly_run("--min-rows", "100") == 2
    assert nightly_run("--min-rows", "5") == 0


def test_sheet_that_changes_while_it_is_read_is_not_sent(folder: Path) -> None:
    sheet = folder / "list.csv"
    with pytest.raises(UsageError, match="may not be complete yet"), unchanged(sheet):
        sheet.write_text(sheet.read_text("utf-8") + BAD, "utf-8")
    with unchanged(sheet):
        pass
    with unchanged(folder / "missing.csv"), unchanged(folder):
        pass


def test_finished_sheet_is_moved_and_one_with_unsent_rows_stays(folder: Path) -> None:
    sheet, done = folder / "list.csv", folder / "done"
    write(folder, GOOD + "Zaur Demo,0510000077\nLale Demo,0510000078\n" + BAD)
    flags = ("--move-to", "done")
    assert nightly_run("--limit", "1", *flags) == 1
    assert sheet.exists()
    assert nightly_run(*flags) == 1  # a row needs a person, none is still to be sent
    assert [each.name for each in done.iterdir()] == ["list.csv"]
    write(folder, GOOD)
    assert nightly_run("--accept", "drift", *flags) == 0
    assert not sheet.exists()
    assert len(list(done.iterdir())) == 2


def test_new_sheet_under_the_name_of_the_sent_one_is_not_moved(folder: Path) -> None:
    sheet, done = folder / "list.csv", folder / "done"
    with unchanged(sheet) as read:
        pass
    write(folder, GOOD + "Zaur Demo,0510000077\n")
    words: list[str] = []
    summary = Summary(file=str(sheet), counts={Status.CREATED: 1})
    move_done(sheet, done, summary, read, say=words.append, warn=words.append)
    assert sheet.exists()
    assert not list(done.iterdir())
    assert "can't be moved" in words[0]


def test_json_log_has_one_object_a_line(folder: Path) -> None:
    assert nightly_run("--log-file", "run.log", "--log-format", "json") == 0
    lines = [json.loads(line) for line in (folder / "run.log").read_text().splitlines()]
    assert {"time", "level", "process", "logger", "message"} == set(lines[0])
    assert any("rows are ready" in line["message"] for line in lines)


def test_run_without_rows_to_send_tries_the_credentials(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nightly_run() == 0
    monkeypatch.setenv("CLOPOS_CLIENT_SECRET", "expired")
    assert nightly_run() == 3
    write(folder, BAD)  # no row can be sent
    assert nightly_run("--accept", "drift") == 3
    assert nightly_run("--accept", "drift", "--match", "never") == 3
