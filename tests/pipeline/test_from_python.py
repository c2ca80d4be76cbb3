"""Calls from Python in the tasks of schedulers; the examples are those of the docs."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import importer.pipeline
from importer.pipeline import SendProgress, UsageError, arun, run
from tests.cli_process import ask_sandbox, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[2] / "samples" / "schedulers"
# Modules that take long to import, unlike asyncio or re.
HEAVY = "aiohttp anyascii click jinja2 numpy pandas pandera phonenumbers pyarrow sqlite3".split()
LOG = logging.getLogger("example")


class Refused(Exception):  # noqa: N818 - stands for exceptions with other names
    """Stands for a scheduler's exception that prevents a retry."""

    def __init__(
        self, text: str = "", *, description: str = "", allow_retries: bool = False
    ) -> None:
        super().__init__(text or description)
        assert not allow_retries


def bare(*arguments: Any, **options: Any) -> Any:
    """Stand for a decorator with or without options: return the function unchanged."""
    assert not (arguments and options)
    return arguments[0] if arguments else lambda function: function


def planned(**_: Any) -> Any:
    """Stand for the decorator of a DAG, whose tasks don't run on import."""
    return lambda _function: lambda: None


def options(**given: Any) -> SimpleNamespace:
    """Stand for a value of a scheduler."""
    return SimpleNamespace(**given)


CONTEXT = SimpleNamespace(log=LOG)
STAND_INS: dict[str, dict[str, Any]] = {
    "airflow": {},
    "airflow.exceptions": {"AirflowFailException": Refused},
    "airflow.sdk": {"dag": planned, "task": bare},
    "prefect": {"flow": bare, "task": bare, "get_run_logger": lambda: LOG},
    "dagster": {
        "AssetExecutionContext": SimpleNamespace,
        "Definitions": options,
        "Failure": Refused,
        "MaterializeResult": options,
        "RetryPolicy": options,
        "ScheduleDefinition": options,
        "asset": bare,
        "define_asset_job": lambda name, **given: options(name=name, **given),
    },
}


def by_airflow(example: Any) -> dict[str, Any]:
    return dict(json.loads(json.dumps(example.create_customers())))  # as XCom keeps it


def by_prefect(example: Any) -> dict[str, Any]:
    return dict(asyncio.run(example.clopos_customers()))


def by_dagster(example: Any) -> dict[str, Any]:
    return dict(example.clopos_customers(CONTEXT).metadata)


CALLS = {
    "airflow_dag": by_airflow,
    "prefect_flow": by_prefect,
    "dagster_asset": by_dagster,
}


def test_every_example_has_a_test() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == CALLS.keys()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serving(tmp_path_factory.mktemp("sandbox")) as served:
        yield served["2"]


@pytest.fixture
def clients(
    tmp_path: Path, sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[sqlite3.Connection]:
    """Make the database of an old POS, and set the variables of a worker."""
    for name, value in (sandbox | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POS_DATABASE_URL", f"sqlite:///{tmp_path}/pos.db")
    monkeypatch.chdir(tmp_path)
    database = sqlite3.connect(tmp_path / "pos.db")
    database.execute("CREATE TABLE clients (name TEXT, phone TEXT, card TEXT)")
    yield database
    database.close()


def add(database: sqlite3.Connection, *rows: tuple[str | None, str | None, str | None]) -> None:
    with database:
        database.executemany("INSERT INTO clients VALUES (?, ?, ?)", rows)


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for tool, names in STAND_INS.items():
        module = ModuleType(tool)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, tool, module)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", CALLS)
def test_example_creates_customers_once_and_reports_rows_that_are_held_back(
    name: str,
    clients: sqlite3.Connection,
    sandbox: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    code = f"00{list(CALLS).index(name)}"
    add(clients, (f"{name} Demo", f"0500000{code}", code), ("Lale Demo", "12", None))
    example = load(name, monkeypatch)
    caplog.set_level(logging.INFO)
    first, second = CALLS[name](example), CALLS[name](example)
    assert (first["created"], first["invalid"], first["exists"]) == (1, 1, 0)
    assert (second["created"], second["exists"]) == (0, 1)
    there = [each for each in ask_sandbox(sandbox, "customers") if each["name"] == f"{name} Demo"]
    assert [each["code"] for each in there] == [code]
    assert "rows are done" in caplog.text
    assert "Lale" not in caplog.text
    assert {each.name for each in tmp_path.iterdir()} == {"pos.db", "state"}  # no other file


@pytest.mark.parametrize("name", CALLS)
def test_example_fails_without_a_retry_if_a_question_is_open(
    name: str, clients: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.execute("ALTER TABLE clients RENAME COLUMN phone TO phones")
    clients.execute("ALTER TABLE clients RENAME COLUMN card TO phone")
    add(clients, *((f"Demo {n}", f"05000000{n:02}", None) for n in range(20)))
    example = load(name, monkeypatch)
    monkeypatch.setattr(example, "QUERY", "SELECT phones AS Remark, name AS Name FROM clients")
    with pytest.raises((Refused, UsageError), match=r"question|phone"):
        CALLS[name](example)


def test_public_names_load_no_heavy_module() -> None:
    """Schedulers import the file of a task again and again: under 0.3 seconds."""
    code = (
        "import sys; from importer.pipeline import *\n"
        f"print([each for each in {HEAVY!r} if each in sys.modules], len(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, _, number = done.stdout.rpartition(" ")
    assert heavy == "[]"
    assert int(number) < 300


def test_public_names_exist_and_are_typed() -> None:
    names = importer.pipeline.__all__
    assert sorted(names) == names
    assert all(hasattr(importer.pipeline, name) for name in names)
    assert (Path(importer.pipeline.__file__).parents[1] / "py.typed").is_file()


def test_error_keeps_its_parts_when_it_is_pickled() -> None:
    with pytest.raises(UsageError) as found:
        run(pd.DataFrame({"Name": ["Demo"]}), env={})
    again = pickle.loads(pickle.dumps(found.value))  # noqa: S301 - our own
    assert again.as_dict() == found.value.as_dict()
    assert again.fix


def test_call_within_a_running_loop_needs_arun(sandbox: dict[str, str], tmp_path: Path) -> None:
    """`arun` doesn't block other tasks of the loop while it reads and sends."""
    table = pd.DataFrame({"Name": [f"Demo {n}" for n in range(3)]})
    seen: list[SendProgress] = []
    ticks = 0

    class Seen(importer.pipeline.NullReporter):
        def sending(self, progress: SendProgress) -> None:
            seen.append(progress)

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    async def main() -> importer.pipeline.Result:
        ticking = asyncio.create_task(tick())
        env = sandbox | {"CLOPOS_STATE_DIR": str(tmp_path)}
        result = await arun(table, env=env, reporter=Seen())
        ticking.cancel()
        return result

    result = asyncio.run(main())
    assert result.exit_code == 0
    assert result.results is None
    assert seen[-1].done == 3
    assert ticks > 3
