"""Metrics and health checks of a worker."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import aiohttp
import pytest

from importer.cli.fleet_options import parse_options
from importer.cli.main import run_command
from importer.errors import UsageError
from importer.fleet import jobs
from importer.fleet.database import open_database
from importer.fleet.metrics import Listen, serve_metrics
from importer.fleet.setup import set_up
from importer.fleet.worker import Work, Worker, read_brands

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_metrics_and_health_of_a_worker_are_served(url: str, tmp_path: Path) -> None:
    path = tmp_path / "brands.toml"
    path.write_text(
        '[brands.tea]\nbrand = "tea"\nsheet = "tea.csv"\n[brands.oops]\nbrand = "x"\n', "utf-8"
    )
    listen = Listen(port=free_port(), must=True)

    async def get(what: str) -> tuple[int, str]:
        address = f"http://{listen.host}:{listen.port}/{what}"
        async with aiohttp.ClientSession() as client, client.get(address) as answer:
            return answer.status, await answer.text()

    async def scenario() -> None:
        await set_up(url)
        async with open_database(url) as database:
            what = Work(path, url, os.environ, lambda brand: parse_options(brand, tmp_path))
            worker = Worker(what, database, read_brands(path))
            await jobs.give(database, {"tea": "default"})
            await database.rows(
                "INSERT INTO clopos.failures VALUES ('https://x', 'w',"
                " floor(extract(epoch FROM now())), 3)"
            )
            async with serve_metrics(listen, worker):
                status, text = await get("metrics")
                assert status == 200
                assert 'clopos_fleet_brands{state="waiting"} 1.0' in text
                assert 'clopos_fleet_brands{state="failed"} 1.0' in text
                assert "clopos_fleet_brands_needing_a_person 1.0" in text
                assert "clopos_worker_slots 50.0" in text
                assert 'clopos_failed_responses{address="https://x"} 3.0' in text
                assert "clopos_leases 0.0" in text
                assert "process_resident_memory_bytes" in text
                assert (await get("healthz"))[0] == 200
                database.is_away = True
                status, text = await get("healthz")
                assert status == 503
                assert "the database is away" in text
                with pytest.raises(UsageError, match="Metrics can't be shown"):
                    async with serve_metrics(listen, worker):
                        pass

    asyncio.run(scenario())


@pytest.mark.parametrize("address", ["9464x", "host:port", "host:99999"])
def test_invalid_address_is_refused(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOPOS_DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    (tmp_path / "brands.toml").write_text('[brands.tea]\nbrand = "tea"\nsheet = "x"\n', "utf-8")
    assert run_command(["fleet", "work", "--metrics", address]) == 2
    assert "is not an address" in capsys.readouterr().err
