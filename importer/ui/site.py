"""State of one start of the server. Nothing in it must survive: files do."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from importer.credentials import kept_file, with_kept
from importer.environment import ENV_FILES, read_environment
from importer.errors import ImporterError
from importer.files import atomic_write
from importer.i18n import LANGUAGES
from importer.settings import read_settings
from importer.store.state import make_folder, state_folder
from importer.ui.guard import Door

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from importer.environment import Source
    from importer.settings import Settings
    from importer.ui.desk import Desk
    from importer.ui.given import ProjectReader
    from importer.ui.work import Work


@dataclass(slots=True)
class Site:
    """One start of the server in one folder.

    `key` begins every address, `session` is the value of the cookie. `credentials` are CLOPOS_*
    variables that were typed into the page: they live in memory and go before the environment.
    `project` reads the project file of a sheet.
    `ended` is set to end the server.
    """

    folder: Path
    environ: Mapping[str, str]
    project: ProjectReader
    port: int = 0
    language: str | None = None  # that was chosen; None: the browser's
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    session: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    door: Door = field(default_factory=Door)
    credentials: dict[str, str] = field(default_factory=dict, repr=False)
    works: dict[str, Work] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict, repr=False)  # without typed and kept ones
    _read: tuple[object, dict[str, str]] | None = field(default=None, repr=False)
    desk: Desk | None = None  # made when it is needed: it imports pandas
    last_request: float = field(default_factory=time.monotonic)
    ended: asyncio.Event | None = None

    @property
    def root(self) -> str:
        """Return the path of the first page; all others begin with it."""
        return f"/{self.key}/"

    @property
    def cookie(self) -> str:
        """Return the name of the cookie: cookies don't know ports."""
        return f"clopos_{self.port}"

    @property
    def running(self) -> bool:
        """Return whether a task is in progress, e.g. sending."""
        return self.desk is not None and self.desk.tasks.current is not None

    def stop_work(self) -> None:
        """Stop the task in progress, and return when it has ended."""
        if self.desk:
            self.desk.end()

    def new_link(self) -> str:
        """Return an address that lets one browser in, once, within two minutes."""
        return f"http://127.0.0.1:{self.port}{self.root}enter?token={self.door.new_token()}"

    def environment(
        self, sheet: Path | None = None, typed: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return the variables for a sheet, as a command in this folder reads them.

        What was typed into the page goes before them; `typed` is being typed now. What `login`
        kept comes last.

        Raises UsageError for a project file or a file .env that can't be read or trusted, a keyring
        or a secret command that fails.
        """
        given = {**self.credentials, **(typed or {})}
        sheet = sheet or self.folder / "sheet"
        project = self.project.restaurant(sheet)
        stamp = (project, *_stamps(self.folder, project), *given.items())
        if self._read and self._read[0] == stamp:
            return self._read[1]
        found, _ = read_environment(sheet, None, self.environ, kept=False, project=project)
        env = dict(found)
        if given:
            env.pop("CLOPOS_TOKEN", None)  # it may be of another restaurant
        env = with_kept(env | given)
        # A keyring, or a program that prints the secret, isn't asked again with every page.
        self._read, self.found = (stamp, env), found
        return env

    def settings(self, sheet: Path | None = None) -> Settings:
        """Return the settings for a sheet. Raises UsageError as `environment`."""
        return read_settings(self.environment(sheet))

    def choose_language(self, language: str) -> None:
        """Speak this language from now on, also after the next start."""
        if language not in LANGUAGES:
            return
        self.language = language
        with contextlib.suppress(ImporterError):  # not worth an error: it is chosen again
            folder = state_folder(self.settings())
            make_folder(folder)
            with atomic_write(folder / "ui.json", 0o600) as part:
                part.write_text(json.dumps({"language": language}) + "\n", encoding="utf-8")

    def remembered_language(self) -> str | None:
        """Return the language that was chosen at an earlier start, None where none was."""
        try:
            path = state_folder(self.settings()) / "ui.json"
            language = json.loads(path.read_text("utf-8"))["language"]
        except (ImporterError, OSError, ValueError, KeyError, TypeError):
            return None
        return language if language in LANGUAGES else None


def _stamps(folder: Path, project: Source | None) -> tuple[object, ...]:
    """Return what changes when a file does that credentials may be in."""
    places = [place / name for place in (folder, Path()) for name in ENV_FILES]
    if project and project.env_file:
        places.append(project.env_file)
    found: list[object] = []
    for path in (*places, kept_file()):
        try:
            facts = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((facts.st_mtime_ns, facts.st_size, facts.st_ino, facts.st_mode))
    return tuple(found)


SITE = web.AppKey("site", Site)
"""Key of the site in an application: `request.app[SITE]`."""
