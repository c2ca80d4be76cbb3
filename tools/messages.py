"""The catalogues of importer/locales: `python -m tools.messages` brings them up to date.

    importer, profiles, click ──▶ template ──▶ LANGUAGE.po (translated by hand) ──▶ LANGUAGE.mo

New texts are added without a translation, unused ones removed; `tests/test_i18n.py` fails until
all is translated. The compiled catalogues are committed, so that a clone, an editable install and
a wheel have four languages without a step of their own.

For those who translate, `python -m tools.messages az ru tr` shows every text in its place instead:
file and function, what the text is there (the fix of an error, a button), the English and each
translation, at 80 columns. Words select: `… ru ui/templates` (a place), `… ru kvota` (a text).
"""

from __future__ import annotations

import io
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from importer.i18n import DOMAIN, LANGUAGES, LOCALES
from tools.message_places import Message, messages

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
WIDTH = 80
TRANSLATED = [language for language in LANGUAGES if language != "en"]


def extracted() -> Catalog:
    """Return all that the program may show, without translations."""
    template = Catalog(project="clopos-import", fuzzy=False)
    for message in messages():
        template.add(message.text)
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


def shown(message: Message, catalogues: dict[str, Catalog]) -> str:
    """Return a message and its translations as lines of at most 80 columns."""
    singular = message.text if isinstance(message.text, str) else message.text[0]
    forms: dict[str, Sequence[str]] = {"en": message.text}
    for language, catalogue in catalogues.items():
        entry = catalogue.get(singular)
        forms[language] = (entry.string if entry else "") or "(no translation)"
    lines = [f"{message.where}  {message.role}".rstrip()]
    for language, texts in forms.items():
        for text in [texts] if isinstance(texts, str) else texts:
            for index, part in enumerate(text.replace("\b\n", "").split("\n")):
                start = f"  {language}  " if index == 0 else "      "
                lines += textwrap.wrap(
                    part, WIDTH, initial_indent=start, subsequent_indent="      "
                ) or [""]
    return "\n".join(lines)


def show(arguments: list[str]) -> None:
    """Print the messages with their translations into the languages among the arguments.

    Any other argument is a word that a message, a translation or its place must have.
    """
    languages = [each for each in arguments if each in TRANSLATED]
    words = [each for each in arguments if each not in LANGUAGES]
    catalogues = {language: read(language) for language in languages}
    for message in messages():
        block = shown(message, catalogues)
        if all(word in block for word in words):
            sys.stdout.write(f"{block}\n\n")


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
    if sys.argv[1:]:
        show(sys.argv[1:])
    else:
        main()
