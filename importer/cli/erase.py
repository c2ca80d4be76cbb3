"""Run `erase`: ask for the person, erase, and list what is kept."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from importer.cli.environment import environment
from importer.cli.output import show_json
from importer.errors import Exit, UsageError
from importer.i18n import tr, trn
from importer.pipeline.erase import erase
from importer.settings import read_settings
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping

_AGE = re.compile(r"([0-9]{1,5})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def erase_kept(given: Mapping[str, Any]) -> int:
    """Erase what was asked for and print what stays.

    Raises UsageError unless exactly one of person, brand and age is given.
    """
    brand, older, by_person = given["brand"], given["older_than"], given["person"]
    if [by_person, brand is not None, older is not None].count(True) != 1:
        raise UsageError(
            tr("What to erase isn't clear"),
            fix=tr("give one of --person, --brand and --older-than 90d"),
        )
    age = None if older is None else _seconds(older)
    settings = read_settings(environment(given, secrets=False))
    if brand:
        settings = replace(settings, brand=brand)
    person = _ask_person() if by_person else None
    if brand is not None and not given["yes"] and sys.stdin.isatty():
        question = tr("Erase what is kept of all customers of {brand}?", brand=settings.brand)
        click.confirm(strip_control(question), abort=True, err=True)
    erased = erase(settings, person=person, older=age)
    if given["as_json"]:
        summary = {
            "brand": settings.brand,
            "customers": erased.customers,
            "results": erased.results,
        }
        show_json({"ok": True, "exit_code": Exit.DONE, "error": None} | summary)
        return Exit.DONE
    lines = [
        trn(
            "Erased what was kept of {n} customer, and the copy of what is at Clopos",
            "Erased what was kept of {n} customers, and the copy of what is at Clopos",
            erased.customers,
        ),
        tr(
            "Keyed digests of cids and ids of customers stay, so that none is created again; what "
            "is at Clopos stays, too: delete it in the back office"
        ),
    ]
    if erased.results:
        lines.append(tr("Results of earlier runs are your files; delete what you don't need:"))
        lines += [f"  {path}" for path in erased.results]
    click.echo(strip_control("\n".join(lines)))
    return Exit.DONE


def _ask_person() -> str:
    """Return a value of the person from a prompt or standard input: never from an argument."""
    if sys.stdin.isatty():
        question = tr("Phone, e-mail address, code or name of the person")
        return str(click.prompt(question, err=True))
    return sys.stdin.readline()


def _seconds(text: str) -> float:
    if not (match := _AGE.fullmatch(text.strip().lower())):
        raise UsageError(
            tr("--older-than {text} is not an age", text=text),
            fix=tr("write it like {example}", example="--older-than 90d"),
        )
    return int(match[1]) * _DAYS[match[2]] * 86_400.0
