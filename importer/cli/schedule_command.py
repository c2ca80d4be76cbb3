"""Command `schedule`: print the files that start a project every night, with absolute paths."""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import click

from importer.cli.environment import environment
from importer.cli.project import find_project, load_project
from importer.cli.sheet_command import flags_about_sheets
from importer.environment import PROJECT_FILE
from importer.errors import Exit, UsageError
from importer.files import atomic_write, check_writable
from importer.i18n import tr
from importer.plan.schedule import parse_zone
from importer.settings import read_settings
from importer.store.state import state_folder
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_SERVICE = """\
[Unit]
Description=Create new customers in Clopos
Wants=network-online.target
After=network-online.target
OnFailure=clopos-import-failed.service

[Service]
Type=oneshot
User={user}
WorkingDirectory={folder}
ExecStart={command}
# Exit code 1: rows need a person. --notify tells of it; the service hasn't failed.
SuccessExitStatus=1
TimeoutStopSec=60
# A secret that only root can read, instead of login or .env:
#LoadCredential=client_secret:/etc/clopos-import/client_secret
#Environment=CLOPOS_CLIENT_SECRET_FILE=%d/client_secret
# The same for CLOPOS_NOTIFY_FILE and CLOPOS_PING_FILE.
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ReadWritePaths={folder_quoted} {state}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
UMask=0077
"""
_TIMER = """\
[Unit]
Description=New customers for Clopos, every night

[Timer]
OnCalendar=*-*-* {at}:00{zone}
Persistent=true

[Install]
WantedBy=timers.target
"""
_FAILED = """\
[Unit]
Description=Tell that clopos-import failed

[Service]
Type=oneshot
# Put here what tells you: a mail, a message, a page.
ExecStart=/usr/bin/logger --priority user.err "clopos-import failed: journalctl -u clopos-import"
"""
_TASK = """\
<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Create new customers in Clopos</Description></RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-01T{at}:00</StartBoundary>
      <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>
    </CalendarTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
  </Settings>
  <Actions>
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def show_schedule(given: Mapping[str, Any]) -> int:
    """Print the files that start a project every night, or write them to a folder.

    Raises UsageError where no project file names a sheet, or a time zone or the folder can't be.
    """
    project = find_project([], given["project"])
    if project is None or not project.is_file():
        raise UsageError(
            tr("There is no project file {path}", path=given["project"] or PROJECT_FILE),
            why=tr("a schedule starts what a project file says"),
            fix=tr("clopos-import init writes one from the last run; or name it with --project"),
        )
    # A schedule for a file that can't be used would fail at night.
    flags = flags_about_sheets(click.get_current_context().find_root().command)
    if not load_project(project, flags, named=True).sheets:
        raise UsageError(
            tr("The project file {path} names no sheet", path=project),
            why=tr("a schedule starts what a project file says"),
            fix=tr('add one: [[sheets]] with a path, e.g. path = "list.xlsx"'),
        )
    zone = given["time_zone"]
    if zone:
        parse_zone(zone)
    state = state_folder(read_settings(environment(given, secrets=False)))
    files = files_of(given["kind"], project.absolute(), given["at"], zone, state=state)
    for name, text in files.items():
        if given["to"] is None:
            click.echo(f"# {name}\n{strip_control(text)}" if len(files) > 1 else text)
        else:
            check_writable(given["to"] / name)
            with atomic_write(given["to"] / name, 0o644) as part:
                part.write_text(text, "utf-8")
            click.echo(strip_control(str(given["to"] / name)))
    return Exit.DONE


def files_of(
    kind: str, project: Path, at: datetime, zone: str | None, *, state: Path
) -> dict[str, str]:
    """Return name → text of the files of a kind: systemd, cron or windows.

    `project` is absolute; `at` is a time of the day, of `zone` or of the machine's clock.

    Raises UsageError where a kind has no time zones.
    """
    words = [*_program(), "run", "--yes", "--project", str(project)]
    clock = f"{at:%H:%M}"
    if kind == "windows":
        if zone:
            raise UsageError(
                tr("Windows starts tasks by the clock of the machine"),
                fix=tr("leave --time-zone out, and give --at as that clock shows it"),
            )
        text = _TASK.format(
            at=clock,
            program=escape(words[0]),
            arguments=escape(subprocess.list2cmdline(words[1:])),
            folder=escape(str(project.parent)),
        )
        return {"clopos-import.xml": text}
    if kind == "cron":
        lines = [f"CRON_TZ={zone}"] if zone else []
        command = f"cd {shlex.quote(str(project.parent))} && {shlex.join(words)}"
        escaped = command.replace("%", r"\%")  # where cron would end the command
        lines.append(f"{at.minute} {at.hour} * * *  {escaped}")
        return {"clopos-import.cron": "\n".join(lines) + "\n"}
    service = _SERVICE.format(
        user=getpass.getuser(),
        folder=str(project.parent).replace("%", "%%"),
        folder_quoted=_quoted(str(project.parent)),
        state=_quoted(f"-{state.absolute()}"),
        command=" ".join(_quoted(word).replace("$", "$$") for word in words),
    )
    return {
        "clopos-import.service": service,
        "clopos-import.timer": _TIMER.format(at=clock, zone=f" {zone}" if zone else ""),
        "clopos-import-failed.service": _FAILED,
    }


def _program() -> Sequence[str]:
    """Return the program by its absolute path: a schedule has no PATH worth the name."""
    beside = Path(sys.executable).with_name(
        "clopos-import.exe" if os.name == "nt" else "clopos-import"
    )
    return (str(beside),) if beside.is_file() else (sys.executable, "-m", "importer")


def _quoted(word: str) -> str:
    """Return a word as a unit of systemd takes it."""
    plain = word.replace("%", "%%")
    if all(letter.isalnum() or letter in "/._-=:%@+," for letter in plain):
        return plain
    escaped = plain.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
