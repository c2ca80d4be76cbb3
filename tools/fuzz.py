"""Feed damaged input to all readers of foreign input, and count what that finds.

    python -m tools.fuzz --minutes 10        (or: make fuzz)

Three targets in turn: the readers of sheets, the reader of results, the classifier of responses.
A finding is an exception that isn't a clear error, a broken promise, or a hang. Its input is kept
in build/fuzz, and its number repeats it: python -m tools.fuzz --target readers --only 4711
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from importer.clean.columns import clean
from importer.clopos.responses import Call, Verdict, classify_response
from importer.errors import UsageError
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.pipeline import Output, check
from importer.read import read
from importer.records import MappingChoices, Reading, ReadOptions
from importer.results.reader import read_results
from tests.no_hang import no_hang
from tests.pipeline.test_exports import EXPORTS, FILES
from tests.read.test_mutations import OTHERS, beginning, mutated

if TYPE_CHECKING:
    from collections.abc import Callable

    Target = Callable[[random.Random, Path], bytes]

_KEPT = Path("build/fuzz")
_AT_ONCE = {"readers": 1, "results": 5, "responses": 50}  # by what one costs
_STATUSES = (200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 504)
_BODIES = (
    {"success": True, "data": {"id": 17, "cid": "c-1", "name": "Demo", "phone": "+994500000001"}},
    {"success": True, "data": [{"id": 1, "name": "Demo"}], "total": 1},
    {"success": False, "message": "Validation failed", "error": "duplicate_phone"},
    {"success": False, "error": [{"message": "Token expired", "code": "expired"}]},
    {"success": False, "errors": {"phone": ["The phone has already been taken."]}},
    {"token": "eyJhbGciOi", "expires_in": 3600, "expires_at": 1_800_000_000},
)
_HEADERS = ("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset", "Date", "RateLimit-Limit")


def readers(random_: random.Random, path: Path) -> bytes:
    """Read a damaged sheet: every row is accounted for, or there is a clear error."""
    data = mutated(random_.choice(_sheets()), random_)
    path = path.with_name("list")
    path.write_bytes(data)
    try:
        sheet = read(path, ReadOptions())
        mapping = map_columns(sheet, load_profiles(), MappingChoices())
        cleaned = clean(sheet, mapping, Reading("AZ", mapping.dates, mapping.language))
    except UsageError as error:
        told = error.fix
    else:
        told = "a table"
        assert len(cleaned.values) + len(sheet.malformed) == len(sheet.table), "rows are missing"
    assert told, "an error without advice"
    return data


def results(random_: random.Random, path: Path) -> bytes:
    """Read a damaged results file: columns of equal length, or a clear error."""
    suffix, whole = random_.choice(_results())
    data = _retyped(suffix, whole, random_) if random_.random() < 0.2 else mutated(whole, random_)
    path = path.with_suffix(suffix)
    path.write_bytes(data)
    try:
        header, columns = read_results(path)
    except UsageError as error:
        told = error.fix
    else:
        told = "a table"
        assert len(header) == len(columns), "a header without its column"
        assert len({len(column) for column in columns}) <= 1, "columns of several lengths"
    assert told, "an error without advice"
    return data


def _retyped(suffix: str, whole: bytes, random_: random.Random) -> bytes:
    """Return results in which one value, or column, has another type."""
    value = random_.choice((None, 1, 1.5, True, ["a"], {"a": 1}, "\ud800", ""))
    if suffix == ".jsonl":
        first, *others = whole.decode().splitlines()
        line = json.loads(first)
        line[random_.choice(list(line))] = value
        return "\n".join((json.dumps(line), *others)).encode()
    if suffix == ".parquet" and value != "\ud800":
        table = pq.read_table(io.BytesIO(whole))
        column = pa.array([value] * len(table))
        place = random_.randrange(table.num_columns)
        file = io.BytesIO()
        pq.write_table(table.set_column(place, table.column_names[place], column), file)
        return file.getvalue()
    return mutated(whole, random_)


def responses(random_: random.Random, _path: Path) -> bytes:
    """Classify a damaged response: what may have created a customer is never sent again."""
    body = mutated(json.dumps(random_.choice(_BODIES)).encode(), random_)
    call, status = random_.choice(list(Call)), random_.choice(_STATUSES)
    headers = {
        name: mutated(random_.choice((b"60", b"1800000000", b"soon")), random_).decode("latin-1")
        for name in random_.sample(_HEADERS, 2)
    }
    answer = classify_response(
        call, status, headers, body, now=1.8e9, cid="c-1", secrets=("Validation",), values=("Demo",)
    )
    assert answer.message.isprintable(), "a message that moves the cursor"
    assert "Validation" not in answer.message + answer.reason, "a secret in a message"
    assert answer.wait is None or 0 <= answer.wait <= 3600, "a wait beyond an hour"
    if call is Call.CREATE and 200 <= status < 300:
        again = {Verdict.RETRY, Verdict.SIGN_IN_AGAIN, Verdict.THROTTLED, Verdict.MISSING}
        assert answer.verdict not in again, "a 2xx that is sent again"
    if call is Call.CREATE and status >= 500:
        assert answer.verdict is Verdict.DOUBT, "a 5xx that isn't doubt"
    return body


TARGETS: dict[str, Target] = {"readers": readers, "results": results, "responses": responses}


@cache
def _sheets() -> tuple[bytes, ...]:
    exports = [beginning(EXPORTS / name) for name in FILES]
    return (*exports, *OTHERS.values(), *(whole for _, whole in _results()))


@cache
def _results() -> tuple[tuple[str, bytes], ...]:
    """Return (suffix, bytes) of results in each format."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder, "list.csv")
        sheet.write_text("Name,Phone\n" + "Demo,0500000001\n=1,x\n" * 3, encoding="utf-8")
        for suffix in (".csv", ".xlsx", ".jsonl", ".parquet"):
            place = Path(folder, f"results{suffix}")
            check(sheet, output=Output(results=place))
            found.append((suffix, place.read_bytes()))
    return tuple(found)


def attempt(name: str, number: int, folder: Path) -> str | None:
    """Do one trial of a target; return what it found, None for nothing."""
    random_ = random.Random(f"{name} {number}")  # noqa: S311 - repeatable on purpose
    try:
        with no_hang():
            TARGETS[name](random_, folder / "input")
    except Exception:  # noqa: BLE001 - any is a finding
        return traceback.format_exc()
    return None


def main() -> int:
    """Fuzz as the command line says; return 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--target", choices=list(TARGETS), action="append")
    parser.add_argument("--only", type=int, help="do this trial alone")
    given = parser.parse_args()
    names = given.target or list(TARGETS)
    tried, found = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    number = given.only or 0
    with tempfile.TemporaryDirectory() as folder:
        ends = time.monotonic() + given.minutes * 60
        while time.monotonic() < ends:
            for name in names:
                many = _AT_ONCE[name]
                trials = range(number * many, (number + 1) * many)
                for trial in trials if given.only is None else [given.only]:
                    tried[name] += 1
                    if finding := attempt(name, trial, Path(folder)):
                        found[name] += 1
                        _keep(name, trial, finding, Path(folder))
            number += 1
            if given.only is not None:
                break
    for name in names:
        sys.stdout.write(f"{name}: {tried[name]:,} trials, {found[name]} findings\n")
    return 1 if any(found.values()) else 0


def _keep(name: str, number: int, finding: str, folder: Path) -> None:
    _KEPT.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{name} {number}: {finding.splitlines()[-1]}\n")
    (_KEPT / f"{name}-{number}.txt").write_text(finding, encoding="utf-8")
    for path in folder.iterdir():
        (_KEPT / f"{name}-{number}-{path.name}").write_bytes(path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
