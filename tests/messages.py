"""The catalogues of importer/locales: `python -m tests.messages` brings them up to date.

    importer, profiles, click ──▶ template ──▶ LANGUAGE.po (translated by hand) ──▶ LANGUAGE.mo

What is new is added without a translation, what is gone is taken out; `tests/test_messages.py`
fails until all is translated. The compiled catalogues are committed, so that a clone, an editable
install and a wheel speak four languages without a step of their own.
"""

from __future__ import annotations

import io
from pathlib import Path

import click
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from importer.cli import commands
from importer.messages import DOMAIN, LANGUAGES, LOCALES
from importer.profiles import load_profiles

ROOT = Path(__file__).parent.parent
TRANSLATED = [language for language in LANGUAGES if language != "en"]
_OURS = {"tr": None, "trn": (1, 2), "later": None}
_CLICKS = {"_": None, "ngettext": (1, 2)}
_CLICK = ("core", "exceptions", "formatting", "parser", "types")  # what it says of wrong usage


def extracted() -> Catalog:
    """Return all that the program may say, without translations."""
    template = Catalog(project="clopos-import", fuzzy=False)
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    for _, _, message, _, _ in extract_from_dir(ROOT / "importer", methods, keywords=_OURS):
        template.add(message)
    for command in (commands, *commands.commands.values()):
        template.add(command.help or "")
        for option in command.params:
            if isinstance(option, click.Option):
                template.add(option.help or "")
    for profile in load_profiles():
        for note in profile.notes:
            template.add(note)
    for name in _CLICK:
        path = Path(click.__file__).with_name(f"{name}.py")
        for _, message, _, _ in extract_from_file("python", path, keywords=_CLICKS):
            template.add(message)
    return template


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
