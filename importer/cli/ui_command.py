"""Run `ui`: flags to a site, then serve until it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from platformdirs import user_desktop_path

from importer.cli.project_reader import project_reader
from importer.errors import UsageError
from importer.i18n import language, language_from_env, tr
from importer.text import strip_control
from importer.ui.memory import spare_memory
from importer.ui.server import listen, serve
from importer.ui.shortcut import write_starter
from importer.ui.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping


def open_page(given: Mapping[str, Any]) -> int:
    """Serve a folder until the page or Ctrl-C ends it. Raises UsageError."""
    folder = Path(os.path.realpath(given["folder"]))
    if folder.is_file():
        raise UsageError(
            tr("This is a file: {path}", path=given["folder"]),
            fix=tr("name the folder it is in: clopos-import ui {folder}", folder=folder.parent),
        )
    if not folder.is_dir():
        raise UsageError(
            tr("There is no folder {folder}", folder=given["folder"]),
            fix=tr("make it, or leave it out for the folder you are in"),
        )
    if given["make_shortcut"]:
        path = write_starter(user_desktop_path(), sys.platform, sys.executable, folder)
        _say(tr("Double-click it to start: {path}", path=path))
        return 0
    site = Site(folder, dict(os.environ), project_reader())
    site.language = _language(site)
    spare_memory()
    listening = listen(given["port"])
    asyncio.run(serve(site, listening, say=_say, open_browser=not given["no_open"]))
    return 0


def _say(line: str) -> None:
    click.echo(strip_control(line))


def _language(site: Site) -> str | None:
    """Return the language of --lang, else one chosen earlier, else of LANG; None: the browser's."""
    source = click.get_current_context().get_parameter_source("ui_language")
    if source is ParameterSource.COMMANDLINE:
        return language()
    spoken = language_from_env(os.environ)
    return site.remembered_language() or (spoken if spoken != "en" else None)
