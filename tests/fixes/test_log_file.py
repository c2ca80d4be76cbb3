"""The file of fixes, damaged or not, is read, or an error names the bad line."""

from __future__ import annotations

import contextlib
import json
import resource
import stat
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import ServiceError, UsageError
from importer.fixes import log_file
from importer.fixes.acts import LeaveOut, SetText, TakeBack
from importer.fixes.log_file import append, fixes_path, load_log

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 26, 6, 54, 5, tzinfo=UTC)
FIRST = '{"fixes":1,"of":"list.csv"}'
SET = '{"n":1,"at":"","do":"set","column":"Cinsi","was":["Qad1n"],"is":"Qadın"}'
ACTS = (
    SetText("Cinsi", ("Qad1n", "xanım?"), ("Qadın", "Qadın")),
    LeaveOut((77, 90), ("Cəmi;;1 204", "Cəmi;;88")),
    TakeBack(1),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fixes_path(tmp_path / "list.csv")


def test_acts_are_numbered_and_read_back(path: Path) -> None:
    first = append(path, ACTS[:2], of="list.csv", now=NOW)
    (second,) = append(path, ACTS[2:], of="list.csv", now=NOW)
    log = load_log(path)
    assert list(log.acts) == [*first, second]
    assert [act.n for act in log.acts] == [1, 2, 3]
    assert (log.of, log.torn) == ("list.csv", False)
    assert datetime.fromisoformat(log.acts[0].at) == NOW
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_cut_at_any_byte_keeps_earlier_acts_and_accepts_new_ones(path: Path) -> None:
    append(path, ACTS, of="list.csv", now=NOW)
    whole = path.read_bytes()
    ends = [n for n, byte in enumerate(whole) if byte == ord("\n")][1:]  # of each act
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        log = load_log(path)
        # A line is complete with or without its line break.
        assert len(log.acts) == sum(cut >= end for end in ends)
        assert log.torn == (cut > 0 and whole[cut - 1] not in b"\n}")
        (added,) = append(path, ACTS[:1], of="list.csv", now=NOW)
        again = load_log(path)
        assert again.acts == (*log.acts, added)
        assert not again.torn


@pytest.mark.parametrize(
    "lines",
    [
        "not JSON",
        "[]",
        '{"fixes":"1"}',
        f"{FIRST}\n1",
        f"{FIRST}\n" + "[" * 100_000,
        f"{FIRST}\n" + '{"n":1,"do":"set","column":"a","was":["b"]}',
        f"{FIRST}\n" + '{"n":1,"do":"set","column":"a","was":["b"],"is":"c","wow":1}',
        f"{FIRST}\n" + '{"n":1,"do":"set","column":"a","was":[],"is":"c"}',
        f"{FIRST}\n" + '{"n":1,"do":"set","column":"a","was":["b"],"is":["c","d"]}',
        f"{FIRST}\n" + '{"n":1,"do":"set","column":"a","was":["b"],"is":null}',
        f"{FIRST}\n" + '{"n":1,"do":"set","column":7,"was":["b"],"is":""}',
        f"{FIRST}\n" + '{"n":1,"do":"set","column":"a","was":["\\ud800"],"is":""}',
        f"{FIRST}\n" + '{"n":true,"do":"set","column":"a","was":["b"],"is":""}',
        f"{FIRST}\n" + '{"n":1,"do":"set","column":"a","row":"2","was":["b"],"is":""}',
        f"{FIRST}\n" + '{"n":1,"do":"leave out","rows":[1,2],"was":["b"]}',
        f"{FIRST}\n" + '{"n":1,"do":"leave out","row":1,"rows":[1],"was":["b"]}',
        f"{FIRST}\n" + '{"n":1,"do":"take back","act":1}',
        f"{FIRST}\n" + '{"n":1,"do":"erase","act":1}',
        f"{FIRST}\n" + '{"n":1,"do":["set"]}',
        f"{FIRST}\n" + '{"n":' + "9" * 5000 + ',"do":"take back","act":1}',
        f"{FIRST}\n{SET}\n{SET}",
    ],
)
def test_invalid_line_is_an_error_with_its_number(path: Path, lines: str) -> None:
    path.write_text(lines + "\n", "utf-8")
    number = lines.count("\n") + 1
    with pytest.raises(UsageError) as caught:
        load_log(path)
    assert caught.value.what == f"Line {number} of {path} is not a fix"
    assert caught.value.why
    assert "--no-fixes" in (caught.value.fix or "")
    assert "Qad1n" not in f"{caught.value.why}{caught.value.fix}"
    with pytest.raises(UsageError):
        append(path, ACTS, of="list.csv", now=NOW)
    assert path.read_text("utf-8") == lines + "\n"


def test_file_saved_by_a_windows_editor_is_read(path: Path) -> None:
    path.write_bytes(f"\ufeff{FIRST}\r\n\r\n{SET}\r\n".encode())
    assert len(load_log(path).acts) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1254"])
def test_file_that_is_not_utf8_is_an_error(path: Path, encoding: str) -> None:
    path.write_bytes(f"{FIRST}\n{SET}\n".encode(encoding))
    with pytest.raises(UsageError):
        load_log(path)


def test_file_of_a_newer_version_is_an_error(path: Path) -> None:
    path.write_text('{"fixes":2,"of":"list.csv","with":"more"}\n{"n":1,"do":"dance"}\n', "utf-8")
    with pytest.raises(UsageError, match="newer version"):
        load_log(path)


def test_file_that_is_too_large_is_an_error_before_it_is_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024**2)
    with pytest.raises(UsageError) as caught:
        load_log(path)
    assert caught.value.why == f"it is larger than {log_file.LARGEST // 1024**2} MB"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**10) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
KEYS = st.sampled_from(["n", "at", "do", "column", "row", "rows", "was", "is", "act", "x"])
DOS = st.sampled_from(["set", "leave out", "take in", "take back"])


@pytest.mark.usefixtures("untraced")
@given(st.dictionaries(KEYS, VALUES), DOS, st.binary(max_size=20))
def test_any_line_is_an_act_or_a_clear_error(facts: dict[str, Any], do: str, tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fixes.jsonl"
        line = json.dumps({"n": 1, "do": do, **facts})
        path.write_bytes(f"{FIRST}\n{line}\n".encode() + tail)
        try:
            acts = load_log(path).acts
        except UsageError as error:
            assert error.why  # noqa: PT017 - either is right
            return
        fixes = [act for act in acts if not isinstance(act, TakeBack)]  # whose text is a number
        path.unlink()
        append(path, fixes, of="list.csv", now=NOW)
        again = load_log(path).acts
        assert [replace(act, n=0, at="") for act in again] == [
            replace(act, n=0, at="") for act in fixes
        ]


@contextlib.contextmanager
def disk_full_above(size: int) -> Iterator[None]:
    """Limit the size of files written by this process, in bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_act_on_a_full_disk_is_an_error_and_leaves_the_file_unchanged(
    path: Path,
) -> None:
    append(path, ACTS[:1], of="list.csv", now=NOW)
    before = path.read_bytes()
    with disk_full_above(len(before) + 20), pytest.raises(ServiceError) as caught:
        append(path, ACTS, of="list.csv", now=NOW)
    assert path.read_bytes() == before
    assert caught.value.why
    assert caught.value.fix
    assert len(append(path, ACTS, of="list.csv", now=NOW)) == 3


def test_link_in_place_of_the_file_is_not_followed(path: Path) -> None:
    other = path.with_name("other.txt")
    path.symlink_to(other)
    with pytest.raises(ServiceError):
        append(path, ACTS, of="list.csv", now=NOW)
    assert not other.exists()


def test_folder_in_place_of_the_file_is_an_error(path: Path) -> None:
    path.mkdir()
    with pytest.raises(UsageError):
        load_log(path)
    with pytest.raises(ServiceError):
        append(path, ACTS, of="list.csv", now=NOW)


def test_acts_of_two_writers_have_different_numbers(path: Path) -> None:
    def add() -> None:
        for _ in range(20):
            append(path, ACTS[:1], of="list.csv", now=NOW)

    writers = [threading.Thread(target=add) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [act.n for act in load_log(path).acts] == list(range(1, 61))


def test_file_without_acts_gives_no_acts(path: Path) -> None:
    for text in ("", "\n", FIRST, f"{FIRST}\n"):
        path.write_text(text, "utf-8")
        assert load_log(path).acts == ()


def test_line_of_the_file_has_the_documented_keys(path: Path) -> None:
    append(path, [SetText("Mobil", ("9,945E+11",), ("",), row=412)], of="list.csv", now=NOW)
    first, line = path.read_text("utf-8").splitlines()
    assert json.loads(first) == {"fixes": 1, "of": "list.csv"}
    facts: dict[str, Any] = json.loads(line)
    del facts["at"]
    wanted = {"n": 1, "do": "set", "column": "Mobil", "row": 412, "was": ["9,945E+11"], "is": ""}
    assert facts == wanted
