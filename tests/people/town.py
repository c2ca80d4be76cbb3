"""A town, night by night, through the whole pipeline and the sandbox on a real socket.

People, sheets and counts are those of `tests.matching.nights`; the outcome of a row is that of the
program, and the customers are those of the sandbox.

`python -m tests.people.town SIZE NIGHTS SEED…` prints the counts, for longer runs.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.matching.verdicts import Kind, Verdict
from importer.pipeline import Output, SendOptions, SheetOptions, arun
from importer.records import DECISION_COLUMN, RESULT_COLUMNS, Status
from importer.sandbox import Config, serve
from importer.sandbox.virtual_time import VirtualTimeLoop, run
from tests.matching.nights import Nights, Tally, comparable
from tests.population import Line, Record

if TYPE_CHECKING:
    from importer.pipeline.result import Result
    from importer.records import Outcome
    from importer.sandbox import Sandbox

UNLIMITED = Config(per_minute=None, v1_per_minute=None, v1_per_hour=None, auth_per_minute=None)
HEADERS = {
    "name": "Ad",
    "phone": "Telefon",
    "code": "Kod",
    "email": "E-poçt",
    "date_of_birth": "Doğum tarixi",
}
KINDS = {
    Status.CREATED: Kind.CREATE,
    Status.EXISTS: Kind.EXISTS,
    Status.DUPLICATE: Kind.DUPLICATE,
    Status.CONFLICT: Kind.CONFLICT,
}
DONE = {Status.CREATED, Status.EXISTS, Status.DUPLICATE}


@dataclass(frozen=True, slots=True)
class TownScenario:
    """Scenario of a town: API version, options, other clients, and actions of the user."""

    version: int = 2
    shared_phone: str = "hold"
    match: str = "auto"
    rate: str = "none"
    recreate: int | None = None
    decide: bool = False
    newcomers: int = 0  # customers of other names and phones


class Town(Nights):
    """A population, its sandbox, and the folder from which its sheet is sent."""

    def __init__(self, seed: int, size: int, scenario: TownScenario, folder: Path) -> None:
        super().__init__(seed, size, decide=scenario.decide)
        self.scenario = scenario
        self.folder = folder
        self.answers: dict[int, tuple[str, str]] = {}  # person → decision and customer

    async def go(self, nights: int) -> Tally:
        """Run some nights and return the counts."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with serve(UNLIMITED, now=lambda: loop.wall) as self.sandbox:
            for record in self.records.values():
                fields: dict[str, Any] = {**record.fields}
                assert str(self.sandbox.add(**fields)["id"]) == record.id
            for n in range(self.scenario.newcomers):
                self.sandbox.add(name=f"Yad{n}", phone=f"06011{n:05}")
            for night in range(nights):
                if night:
                    self._day(self.sandbox)
                    self.population.next_night()
                await self._send(night)
                if self.scenario.decide and self._answer():
                    await self._send(night)
        return self.tally

    def _day(self, sandbox: Sandbox) -> None:
        """Change customers at Clopos by one day: delete some, and create some of the sheet."""
        for id_ in self.population.day_at_clopos(self.records):
            sandbox.remove(int(id_))
            self.gone.add(id_)
        # Customers changed by hand keep their ids.
        database = sandbox.store._db
        for record in self.records.values():
            database.execute(
                "UPDATE customers SET name = ?, folded_name = ?, phone = ?, numbers = ?"
                " WHERE id = ?",
                (
                    name := record.fields["name"],
                    name.casefold(),
                    phone := record.fields.get("phone"),
                    phone or "",
                    int(record.id),
                ),
            )

    async def _send(self, night: int) -> None:
        for record in self.records.values():
            self._remember(record)
        lines = dict(enumerate(self.population.lines, start=2))
        scenario, path = self.scenario, self.folder / "list.csv"
        self._write(path, lines)
        result = await arun(
            path,
            SheetOptions(shared_phone=scenario.shared_phone, accept=("two_codes",)),
            Output(results=self.folder / "results.csv"),
            SendOptions(match=scenario.match, rate=scenario.rate, recreate=scenario.recreate),
            env=self.sandbox.env(scenario.version)
            | {"CLOPOS_STATE_DIR": str(self.folder / "state")},
        )
        assert result.summary.error is None, (result.summary.error, result.summary.questions)
        self._count(night, lines, tuple(map(_verdict, result.outcomes.values())))
        self._take(night, lines, result)

    def _write(self, path: Path, lines: dict[int, Line]) -> None:
        """Write the sheet; with claims or decisions it is a results file."""
        with path.open("w", encoding="utf-8", newline="") as file:
            is_results = any(line.claim for line in lines.values()) or bool(self.answers)
            out = csv.writer(file)
            ours = [*RESULT_COLUMNS, DECISION_COLUMN] if is_results else []
            out.writerow([*ours, *HEADERS.values()])
            for row, line in lines.items():
                word, customer = self.answers.get(line.person, ("", ""))
                known = {
                    "import_row": row,
                    "clopos_id": line.claim,
                    "import_existing_id": customer,
                    DECISION_COLUMN: word,
                }
                front = [known.get(name) or "" for name in ours]
                out.writerow([*front, *(line.fields.get(name, "") for name in HEADERS)])
        self.answers = {}

    def _take(self, night: int, lines: dict[int, Line], result: Result) -> None:
        """Read the customers at Clopos, and compare them with the results of the program."""
        everybody = {str(each["id"]): each for each in self.sandbox.customers()}
        outcomes = result.outcomes
        created = {o.clopos_id: row for row, o in outcomes.items() if o.status is Status.CREATED}
        new = everybody.keys() - self.records.keys() - self.owner.keys()
        new = {id_ for id_ in new if not everybody[id_]["name"].startswith("Yad")}
        assert new == created.keys()  # no other customer
        for id_ in new:
            line = lines[created[id_]]
            fields = {name: everybody[id_][name] for name in HEADERS if everybody[id_][name]}
            self.records[id_] = Record(id_, line.person, fields, line.look)
            self._remember(self.records[id_])
        needs = any(o.status not in DONE and not o.decided for o in outcomes.values())
        assert result.summary.exit_code == int(needs)
        at_clopos = {record.person for record in self.records.values()}
        self.open = {}
        for row, outcome in outcomes.items():
            line = lines[row]
            customer = _customer(outcome, outcomes)
            if customer and self.owner.get(customer) == line.person:
                self.values[customer] |= comparable(line.fields)
                self.looks[customer].add(line.look)
            line.claim = customer if night % 3 == 1 else None
            if outcome.status is Status.CONFLICT and not outcome.decided:
                self.open[line.person] = outcome
            if outcome.status in DONE and customer and line.person not in at_clopos:
                self._lost(line, customer)

    def _decides_twice(self, line: Line) -> bool:
        """Return whether a look-up could find a person, which sees neither `055-…` nor e-mails."""
        if not self.scenario.newcomers:
            return super()._decides_twice(line)
        mine = [record for record in self.records.values() if record.person == line.person]
        number = line.fields.get("phone", "").removeprefix("+994") or "none"
        return super()._decides_twice(line) and any(
            number in record.fields.get("phone", "") for record in mine
        )

    def _lost(self, line: Line, id_: str) -> None:
        owner = self.owner[id_]
        decided = (line.person, owner) not in self.mistaken and id_ in self.records
        self.tally.note("lost (d)" if decided else "lost", f"{line.fields} is {id_}")

    def _answer(self) -> bool:
        """Decide every conflict by the truth; return whether one was open."""
        for person in self.open:
            mine = [record.id for record in self.records.values() if record.person == person]
            self.answers[person] = ("same", mine[0]) if mine else ("other", "")
        return bool(self.open)


def _verdict(outcome: Outcome) -> Verdict:
    ids = tuple(filter(None, [outcome.clopos_id or outcome.existing_id]))
    rows = () if outcome.duplicate_of is None else (outcome.duplicate_of,)
    return Verdict(outcome.row, KINDS[outcome.status], outcome.message, customers=ids, rows=rows)


def _customer(outcome: Outcome, outcomes: Any) -> str | None:
    while outcome.status is Status.DUPLICATE and outcome.duplicate_of is not None:
        outcome = outcomes[outcome.duplicate_of]
    return outcome.clopos_id if outcome.status in DONE else None


def main(size: int, nights: int, *seeds: int) -> None:
    """Print the counts of a town for each scenario."""
    for seed in seeds:
        for name, scenario in SCENARIOS.items():
            with tempfile.TemporaryDirectory() as folder:
                tally = run(Town(seed, size, scenario, Path(folder)).go(nights))
            shares = " ".join(f"{share:.1%}" for share in tally.conflicts)
            counts = {what: n for what, n in tally.counts.items() if "conflict" not in what}
            sys.stdout.write(f"{seed} {name} {counts} {shares}\n")
            if "-v" in sys.argv:
                shown = {k: v for k, v in tally.examples.items() if "(d)" in k}
                sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1) + "\n")


SCENARIOS = {
    "v2": TownScenario(),
    "v1": TownScenario(version=1),
    "decided": TownScenario(decide=True),
    "without": TownScenario(shared_phone="without", version=1),
    "recreated": TownScenario(recreate=0, match="always"),
    "looked up": TownScenario(version=1, rate="30/hour", newcomers=1500),
}

if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word.isdigit()))
