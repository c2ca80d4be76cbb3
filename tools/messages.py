"""The catalogues of importer/locales: `python -m tools.messages` brings them up to date.

    importer, profiles, click ──▶ template ──▶ LANGUAGE.po (translated by hand) ──▶ LANGUAGE.mo

What is new is added without a translation, what is gone is taken out; `tests/test_i18n.py`
fails until all is translated. The compiled catalogues are committed, so that a clone, an editable
install and a wheel speak four languages without a step of their own.
"""

from __future__ import annotations

import ast
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click
from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from importer.cli.commands import commands
from importer.i18n import DOMAIN, LANGUAGES, LOCALES
from importer.mapping.profiles import load_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
TRANSLATED = [language for language in LANGUAGES if language != "en"]
_TEXTS = {"tr": 1, "trn": 2, "later": 1, "_": 1, "ngettext": 2}  # of ours and click's functions
_CLICK = ("core", "exceptions", "formatting", "parser", "types")  # what it says of wrong usage


def extracted() -> Catalog:
    """Return all that the program may say, without translations."""
    template = Catalog(project="clopos-import", fuzzy=False)
    for said in (*_ours(), *_help(), *_clicks()):
        template.add(said)
    return template


def _ours() -> Iterator[str | tuple[str, ...]]:
    for path in sorted((ROOT / "importer").rglob("*.py")):
        yield from _said_in(path)
    page = ROOT / "importer" / "report" / "page.html"
    keywords = {"tr": None, "trn": (1, 2)}
    yield from (said for _, said, *_ in extract_from_file("jinja2", page, keywords=keywords))
    for profile in load_profiles():
        yield from profile.notes


def _said_in(path: Path) -> Iterator[str | tuple[str, ...]]:
    """Yield the texts that a module says, also within an f-string, where babel is blind."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = node.args[: _TEXTS.get(node.func.id, 0)]
            said = tuple(str(text.value) for text in texts if isinstance(text, ast.Constant))
            if said and len(said) == len(texts):
                yield said if len(said) > 1 else said[0]


def _help() -> Iterator[str]:
    for command in (commands, *commands.commands.values()):
        options = [option for option in command.params if isinstance(option, click.Option)]
        yield from filter(None, (command.help, *(option.help for option in options)))


def _clicks() -> Iterator[str | tuple[str, ...]]:
    for name in _CLICK:
        yield from _said_in(Path(click.__file__).with_name(f"{name}.py"))


def path_of(language: str, suffix: str = ".po") -> Path:
    """Return where the catalogue of a language is."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}{suffix}"


def read(language: str) -> Catalog:
    """Return the catalogue of a language as it is, an empty one where there is none."""
    path = path_of(language)
    if not path.exists():
        header = f"# What clopos-import says, in the language {language}."
        return Catalog(language, header_comment=header, project="clopos-import", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, language)


def compiled(catalogue: Catalog) -> bytes:
    """Return what the program reads."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def main() -> None:
    """Bring all catalogues up to date."""
    template = extracted()
    for language in TRANSLATED:
        catalogue = read(language)
        template.creation_date = catalogue.creation_date  # a date alone is no change
        catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        with path_of(language).open("wb") as file:
            # Without places in the code, which change all the time.
            write_po(file, catalogue, no_location=True, sort_output=True, ignore_obsolete=True)
        path_of(language, ".mo").write_bytes(compiled(read(language)))


if __name__ == "__main__":
    main()
