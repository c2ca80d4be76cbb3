"""A restaurant: its Clopos in another process, its sheets, and the command in this process."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from tests.cli_process import ask_sandbox, lines_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def clopos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    """Run a sandbox in a process of its own: version → the variables it printed."""
    with serving(tmp_path_factory.mktemp("clopos"), "--no-limits") as found:
        yield found


class Restaurant:
    """A brand at the sandbox, and the command that sends sheets to it."""

    def __init__(
        self,
        folder: Path,
        env: dict[str, str],
        brand: str,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.folder = folder
        self.env = env
        self.capsys = capsys
        self.monkeypatch = monkeypatch
        self.use_brand(brand)
        monkeypatch.setenv("CLOPOS_STATE_DIR", str(folder / "state"))
        monkeypatch.chdir(folder)

    def use_brand(self, brand: str) -> None:
        """Use this brand from now on."""
        ask_sandbox(self.env, "config", {"brands": [brand]})
        self.brand = brand
        for name, value in (self.env | {"CLOPOS_BRAND": brand}).items():
            if name != "CLOPOS_STATE_DIR":
                self.monkeypatch.setenv(name, value)

    def sheet(self, text: str, name: str = "list.csv") -> Path:
        """Write a sheet."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: object, command: str = "run") -> tuple[int, dict[str, Any]]:
        """Run the command; return its exit code and summary."""
        flags = ["--yes", "--rate", "none"] if command == "run" else []
        self.capsys.readouterr()
        code = run_command([command, *map(str, arguments), *flags, "--quiet", "--json"])
        return code, json.loads(self.capsys.readouterr().out)

    def output_of(self, *arguments: object) -> tuple[int, str]:
        """Run another command; return its exit code and output."""
        self.capsys.readouterr()
        code = run_command([*map(str, arguments)])
        printed = self.capsys.readouterr()
        return code, printed.out + printed.err

    def customers(self) -> list[tuple[str, str | None]]:
        """Return (name, phone) of all customers at Clopos."""
        return [(each["name"], each["phone"]) for each in self.records()]

    def records(self) -> list[dict[str, Any]]:
        """Return all customers at Clopos as the sandbox has them."""
        everybody = ask_sandbox(self.env, "customers")
        return [each for each in everybody if each["brand"] == self.brand and not each["hidden"]]

    def create_by_hand(self, **fields: str) -> str:
        """Create a customer as a cashier does; return its id."""
        return str(ask_sandbox(self.env, "customers", {"brand": self.brand, **fields})["id"])

    def delete(self, *ids: object) -> None:
        """Delete customers as the back office does."""
        url = self.env["CLOPOS_BASE_URL"].removesuffix("/open-api")
        for id_ in ids:
            request = urllib.request.Request(  # noqa: S310 - the sandbox of this machine
                f"{url}/sandbox/customers",
                json.dumps({"id": int(str(id_))}).encode(),
                {"Content-Type": "application/json"},
                method="DELETE",
            )
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def results(summary: dict[str, Any]) -> list[dict[str, str]]:
    """Return the lines of the results file that a summary names."""
    return lines_of(Path(summary["results"]))


@pytest.fixture(params=["1", "2"])
def restaurant(
    clopos: dict[str, dict[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Restaurant:
    """Return a restaurant without customers, on version 1 or 2 of the API."""
    brand = request.node.name.replace("[", "-").replace("]", "")
    return Restaurant(tmp_path, clopos[request.param], brand, capsys, monkeypatch)
