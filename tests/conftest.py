"""Isolation: no test sees the user's home, environment or network."""

from __future__ import annotations

import inspect
import itertools
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from importer import i18n
from importer.sandbox.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "0.0.0.0", ""})  # noqa: S104 - names

# The duration of an example depends on the load of the machine.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("full", untimed)
settings.register_profile("quick", untimed, max_examples=30)


# Matrices of cases: other tests run the same code, and tracing doubles their time.
UNTRACED = {
    *("cli/test_contract.py", "clopos/test_rate_limiter.py"),
    *("fuzz/test_fuzz.py", "kinds/test_kinds.py"),
    *("matching/test_keys.py", "matching/test_names.py"),
    *("matching/test_population.py", "people/test_population.py", "pipeline/test_exports.py"),
    *("pipeline/test_rehearse.py", "questions/test_meanings.py"),
    *("read/test_mutations.py", "read/test_time.py", "results/test_csv_writer.py"),
    *("results/test_names.py", "results/test_outcomes.py", "results/test_roundtrip.py"),
    *("results/test_schema.py", "sandbox/test_virtual_time.py"),
    *("send/test_faults.py", "send/test_never_twice.py"),
    *("send/test_resume.py", "test_i18n.py", "test_names.py", "test_pages.py", "test_tools.py"),
    *("test_translations.py", "test_words.py", "ui/test_sending.py"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the matrices out of the measurement of coverage."""
    for item in items:
        if item.nodeid.partition("::")[0].removeprefix("tests/") in UNTRACED:
            assert isinstance(item, pytest.Function)
            item.fixturenames.append("untraced")


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples where slow tests are left out, and give children default signals.

    In the background of a shell and under nohup, Ctrl-C and a closed terminal are ignored, and
    children inherit that. A handler isn't inherited: pytest still ignores these signals, and the
    commands that tests start have the default actions.
    """
    settings.load_profile("quick" if config.option.markexpr == "not slow" else "full")
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test on virtual time: a sleep of any length takes no real time."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _no_stray_environment(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Unset CLOPOS_* and languages, and move all folders of the user into that of the test."""
    if "tmp_path" in request.fixturenames:
        folder = request.getfixturevalue("tmp_path")
    else:  # tmp_path takes longer than many tests
        folder = tmp_path_factory.getbasetemp() / f"own-{next(_NUMBERS)}"
    for name in os.environ:
        # Messages are English wherever the tests are run.
        if name.startswith(("CLOPOS_", "LC_", "LANG")):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(folder / "home"))


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """Reset the language that a test has set."""
    yield
    i18n.set_language("en")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to other machines, and looking up their names."""
    connect, connect_ex, look_up = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def check(address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in LOOPBACK:
            raise AssertionError(f"a test wants to talk to {host}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        check((host.decode() if isinstance(host, bytes) else host or "",))
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Run a test without tracing, which would double its time or more.

    For tests that repeat very often what shorter ones do too. (pytest-cov's own mark for it has no
    effect in a worker of pytest-xdist.)
    """
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    yield
    threading.settrace(of_threads)
    sys.settrace(tracer)
