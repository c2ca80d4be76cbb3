"""A run in which every fsync fails once the plan is made: `python -m tests.fsync_failure SHEET`.

The kernel answers each fsync of this process with EIO, as it does when a disk fails. A customer
sent without a durable note would be sent again after a power cut.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import sys
from pathlib import Path
from typing import NoReturn

from importer.pipeline import SendOptions
from importer.pipeline.prepare import prepare
from importer.pipeline.session import open_upload, recorded
from importer.settings import read_settings

# Numbers of the calls fsync, fdatasync and seccomp.
CALLS = {"x86_64": (74, 75, 317), "aarch64": (82, 83, 277)}
NO_NEW_PRIVILEGES, SET_FILTER, ALL_THREADS = 38, 1, 1
LOAD, EQUAL, ANSWER = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | 5  # EIO


class Step(ctypes.Structure):
    """One instruction of a seccomp filter."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("then", ctypes.c_uint8),
        ("otherwise", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class Program(ctypes.Structure):
    """A seccomp filter."""

    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(Step)))


def fail_to_sync() -> None:
    """Make every fsync of this process fail from now on, in all threads."""
    fsync, fdatasync, seccomp = CALLS[platform.machine()]
    steps = (Step * 5)(
        Step(LOAD, 0, 0, 0),  # the number of the call
        Step(EQUAL, 2, 0, fsync),
        Step(EQUAL, 1, 0, fdatasync),
        Step(ANSWER, 0, 0, ALLOW),
        Step(ANSWER, 0, 0, FAIL),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.syscall(seccomp, SET_FILTER, ALL_THREADS, ctypes.byref(Program(5, steps))):
        raise OSError(ctypes.get_errno(), "no filter")


async def main(path: Path) -> NoReturn:
    """Run the steps of `run`; fsync fails once the plan is made."""
    prepared = prepare(path)
    settings, sending = read_settings(os.environ), SendOptions(rate="none", match="never")
    async with open_upload(prepared.values, settings, sending, file=str(path)) as upload:
        async with recorded(upload):
            plan = await upload.plan()
            fail_to_sync()
            async for _ in upload.send(plan):
                pass
        error = upload.error
        sys.stdout.write(f"{error and error.what}\n{upload.outcomes}\n")
    raise SystemExit(error.exit_code if error else 0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
