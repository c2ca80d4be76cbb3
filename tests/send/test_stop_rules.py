"""Stop rules: one clear message, no hammering, and a later run continues."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.parse import parse_max_rejected
from importer.errors import ServiceError
from importer.sandbox import Config
from importer.send.circuit_breaker import SendTuning
from tests.harness import Harness, harness, people, status_by_row

if TYPE_CHECKING:
    from pathlib import Path


def routes(here: Harness) -> Counter[str]:
    return Counter(request["route"] for request in here.sandbox.requests())


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("match", ["auto", "never"])
@pytest.mark.parametrize(
    ("variables", "words", "fix"),
    [
        ({"CLOPOS_CLIENT_SECRET": "wrong"}, "Invalid credentials", "CLOPOS_CLIENT_SECRET"),
        ({"CLOPOS_CLIENT_ID": "disabled-client"}, "Client is disabled", "switch the Open API"),
    ],
)
async def test_refused_credentials_are_tried_once(
    tmp_path: Path, version: int, match: str, variables: dict[str, str], words: str, fix: str
) -> None:
    async with harness(tmp_path, version=version) as here:
        sent = await here.send(*people(300), variables=variables, match=match)
        assert isinstance(sent.error, ServiceError)
        assert words in sent.error.what
        assert fix in (sent.error.fix or "")
        assert routes(here) == {"auth": 1}
        assert sent.outcomes == {}


@pytest.mark.parametrize("match", ["auto", "never"])
async def test_wrong_address_is_tried_once(tmp_path: Path, match: str) -> None:
    async with harness(tmp_path) as here:
        wrong = {"CLOPOS_BASE_URL": here.sandbox.url.replace("open-api", "open")}
        sent = await here.send(*people(300), variables=wrong, match=match)
        assert isinstance(sent.error, ServiceError)
        assert "CLOPOS_BASE_URL" in (sent.error.fix or "")
        assert sent.requests.total == 1


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("rate", [None, "none"])
async def test_missing_right_ends_the_run_at_once(tmp_path: Path, rate: str | None) -> None:
    """After the first refusal, only requests in flight are finished."""
    async with harness(tmp_path, Config(permitted=False, per_minute=None)) as here:
        pace = SendTuning(concurrency=8)
        sent = await here.send(*people(300), match="never", rate=rate, tuning=pace)
        assert isinstance(sent.error, ServiceError)
        assert "right to create customers" in (sent.error.fix or "")
        assert routes(here)["create"] <= (8 if rate else 1)
        assert sent.outcomes == {}
        here.sandbox.change(permitted=True)
        assert set(status_by_row(await here.send(*people(300))).values()) == {"created"}


async def test_integrator_revoked_during_the_run_ends_the_run(tmp_path: Path) -> None:
    async with harness(tmp_path, Config(latency=(0.3, 0.3))) as here:
        pace = SendTuning(concurrency=4)
        here.call_later(5.0, lambda: here.sandbox.change(integrators=["another"]))
        sent = await here.send(*people(300), match="never", tuning=pace)
        assert isinstance(sent.error, ServiceError)
        assert "CLOPOS_INTEGRATOR_ID" in (sent.error.fix or "")
        refused = [r for r in here.sandbox.requests() if r["status"] == 401]
        assert 1 <= len(refused) <= 4
        assert set(status_by_row(sent).values()) == {"created"}
        assert len(here.sandbox.customers()) == len(sent.outcomes)


@pytest.mark.usefixtures("untraced")
async def test_outage_is_probed_with_growing_pauses_and_ends_the_run(tmp_path: Path) -> None:
    """The same command continues later."""
    async with harness(tmp_path) as here:
        here.sandbox.faults.add("503", times=None)
        sent = await here.send(*people(300))
        assert isinstance(sent.error, ServiceError)
        assert "nothing but failures" in sent.error.what
        times = [r["clock"] for r in here.sandbox.requests() if r["route"] == "create"]
        assert 600 < times[-1] - times[0] < 700
        assert len(times) < 30
        assert set(status_by_row(sent).values()) == {"unknown"}
        assert len(status_by_row(sent)) == len(times)
        here.sandbox.faults.clear()
        again = await here.send(*people(300))
        assert set(status_by_row(again).values()) == {"created"}
        assert set(here.names().values()) == {1}


@pytest.mark.usefixtures("untraced")
async def test_outage_that_ends_costs_one_request_at_a_time(tmp_path: Path) -> None:
    """The circuit breaker probes with one request; then all rows continue."""
    async with harness(tmp_path, Config(latency=(1.0, 1.0))) as here:
        here.call_later(10.0, lambda: here.sandbox.faults.add("502", times=None))
        here.call_later(130.0, here.sandbox.faults.clear)
        sent = await here.send(*people(300), match="never")
        assert not sent.error
        assert set(status_by_row(sent).values()) == {"created"}
        failed = [r["clock"] for r in here.sandbox.requests() if r["status"] == 502]
        assert len(failed) < 25
        pauses = [after - before for before, after in pairwise(failed[12:])]
        assert pauses == sorted(pauses)
        assert sent.requests.posts == 300 + len(failed)


@pytest.mark.usefixtures("untraced")
async def test_failures_among_successes_stop_no_run(tmp_path: Path) -> None:
    config = Config(rates={"503": 0.3, "504b": 0.2})
    async with harness(tmp_path, config) as here:
        sent = await here.send(*people(200), tuning=SendTuning(attempts=20))
        assert not sent.error
        assert set(status_by_row(sent).values()) == {"created"}
        assert set(here.names().values()) == {1}


async def test_throttling_between_failures_does_not_hide_an_outage(tmp_path: Path) -> None:
    async with harness(tmp_path) as here:
        for _ in range(200):
            here.sandbox.faults.add("503")
            here.sandbox.faults.add("429", seconds=1.0)
        sent = await here.send(*people(300), match="never")
        assert isinstance(sent.error, ServiceError)
        assert "nothing but failures" in sent.error.what


@pytest.mark.parametrize(
    ("bad", "most", "stops"),
    [
        (range(19), 0.5, False),  # too few to judge by
        (range(11), 0.5, True),
        (range(10), 0.5, False),
        (range(1, 60, 2), 0.5, False),
        (range(3), 2, True),
        (range(2), 2, False),
        (range(1), 0, True),
        (range(60), 1.0, False),
    ],
)
async def test_run_stops_if_too_many_rows_are_rejected(
    tmp_path: Path, bad: range, most: float, stops: bool
) -> None:
    number = 19 if bad == range(19) else 60
    rows = [
        person | ({"group_id": 99} if n in bad else {}) for n, person in enumerate(people(number))
    ]

    async with harness(tmp_path) as here:
        pace = SendTuning(concurrency=1, max_rejected=most)
        sent = await here.send(*rows, tuning=pace)
        assert bool(sent.error) == stops
        assert Counter(status_by_row(sent).values())["rejected"] <= len(bad)
        if not stops:
            assert Counter(status_by_row(sent).values())["created"] == number - len(bad)
        elif sent.error:
            assert "rejected" in sent.error.what
            assert "--max-rejected" in (sent.error.fix or "")
            assert sent.requests.posts <= 21


@pytest.mark.parametrize(
    ("text", "most"), [("50%", 0.5), ("0%", 0.0), ("100%", 1.0), ("0", 0), ("1", 1), ("12", 12)]
)
def test_max_rejected_is_a_number_or_a_share(text: str, most: float) -> None:
    assert parse_max_rejected(text) == most
    assert isinstance(parse_max_rejected(text), float) == text.endswith("%")


async def test_unreachable_clopos_is_waited_for(tmp_path: Path) -> None:
    """A request without a connection is not in doubt."""
    async with harness(tmp_path) as here:
        nobody = {"CLOPOS_BASE_URL": "http://127.0.0.1:9/open-api"}
        sent = await here.send(*people(3), variables=nobody | {"CLOPOS_TOKEN": "t"})
        assert isinstance(sent.error, ServiceError)
        assert "can't be reached" in sent.error.what
        assert sent.outcomes == {}


@pytest.mark.parametrize("seconds", [0.0, 0.1, 4.0, 9.0, 15.0, 30.0])
async def test_stop_finishes_requests_in_flight_and_skips_every_other_wait(
    tmp_path: Path, seconds: float
) -> None:
    """It skips pauses, settling and the wait for the end of an outage."""
    names: dict[str, Any] = {"match": {"name": "Demo 3"}}

    async with harness(tmp_path, Config(latency=(2.0, 2.0))) as here:
        here.sandbox.faults.add("503", **names)
        here.sandbox.faults.add("429", match={"name": "Demo 9"}, seconds=3000.0)
        here.sandbox.faults.add("500", "list", times=None)
        here.call_later(seconds, here.stop.set)
        sent = await here.send(*people(300), match="never")
        assert sent.error
        assert sent.error.exit_code == 130
        assert here.now < seconds + 5
        customers = {c["name"]: str(c["id"]) for c in here.sandbox.customers()}
        for row, outcome in sent.outcomes.items():
            expected = "unknown" if row == 4 else "created"
            assert outcome.status == expected
            assert outcome.clopos_id == customers.get(f"Demo {row - 1}")
        assert len(customers) == sum(o.clopos_id is not None for o in sent.outcomes.values())
