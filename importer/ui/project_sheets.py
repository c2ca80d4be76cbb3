"""The sheets of a folder and of its project file, listed and found by name. Needs no pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from importer.ui.folder import Listed, list_sheets, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from importer.ui.given import ProjectFiles, ProjectSheet
    from importer.ui.site import Site


class FolderSheet(NamedTuple):
    """A sheet that the page can open; `project` is what the project file says of it.

    `file` is None where there is no file yet: it is to be fetched, or nothing matches.
    """

    name: str
    path: Path
    file: Listed | None
    project: ProjectSheet | None = None


def sheets_of(
    folder: Path, listed: Sequence[Listed], project: ProjectFiles
) -> tuple[list[FolderSheet], list[str]]:
    """Return the sheets, those of the project elsewhere last, and the names of the results.

    `listed` is what `list_sheets` says of the folder; its order is kept.
    """
    named = {name_of(folder, each.path): each for each in project.sheets}
    ours = {name_of(folder, path) for path in project.results | project.written}
    results = {name_of(folder, path) for path in project.results}
    sheets = [
        FolderSheet(each.name, each.path, each, named.pop(each.name, None))
        for each in listed
        if not each.results and each.name not in ours
    ]
    elsewhere = [
        FolderSheet(name, each.path, _listed(name, each.path), each) for name, each in named.items()
    ]
    names = [each.name for each in listed if each.results or each.name in results]
    return sheets + elsewhere, names


def _listed(name: str, path: Path) -> Listed | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return Listed(name, path, facts.st_size, facts.st_mtime, results=False)


def find_sheet(site: Site, name: str) -> Path | None:
    """Return the file of exactly this name, None where neither folder nor project file has one.

    Raises UsageError for a folder or project file that can't be read.
    """
    for listed in list_sheets(site.folder):
        if listed.name == name:
            return listed.path
    sheet = project_sheet(site, name)
    return sheet.path if sheet and sheet.path.is_file() else None


def project_sheet(site: Site, name: str) -> ProjectSheet | None:
    """Return the sheet of the project file by its name, None where it has none.

    Raises UsageError for a wrong project file.
    """
    sheets = site.project.files(site.folder).sheets
    return next((each for each in sheets if name_of(site.folder, each.path) == name), None)
