"""Run `login`: ask for credentials, try them, and keep them."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from importer.cli.environment import environment
from importer.cli.output import show_json
from importer.cli.render import COLUMNS
from importer.cli.width import wrap
from importer.credentials import forget_credentials, keep_credentials
from importer.errors import Exit, UsageError
from importer.i18n import tr, trn
from importer.pipeline.sign_in import try_credentials
from importer.settings import read_settings, require_credentials
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.pipeline.sign_in import SignedIn
    from importer.settings import Settings


def log_in(given: Mapping[str, Any]) -> int:
    """Keep credentials that Clopos accepts, or forget them; print where they lead.

    Raises UsageError for what is missing where nothing can be asked, ServiceError when Clopos
    refuses; nothing is kept then.
    """
    if given["forget"]:
        return _forget(given["brand"] or "")
    settings = read_settings(_asked(environment(given, kept=False), given["brand"]))
    require_credentials(settings)
    found = asyncio.run(try_credentials(settings))
    kept = None if given["dry_run"] else keep_credentials(settings)
    if given["as_json"]:
        place = None if kept is None else "keyring" if kept.in_keyring else "file"
        show_json({**_as_dict(found, settings), "kept": place})
        return Exit.DONE
    lines = _lines(found, settings)
    if kept:
        text = tr("Saved in {place}; all commands find them there", place=kept.place)
        lines += wrap(text, COLUMNS, "")
    click.echo(strip_control("\n".join(lines)))
    return Exit.DONE


def _forget(brand: str) -> int:
    gone = forget_credentials(brand)
    if not gone:
        raise UsageError(
            tr("No credentials of {brand} are kept", brand=brand)
            if brand
            else tr("No credentials are kept"),
            fix=tr("run clopos-import login first"),
        )
    for each in gone:
        click.echo(strip_control(tr("Forgotten: {brand}", brand=each.brand)))
    return Exit.DONE


def _asked(env: Mapping[str, str], brand: str | None) -> dict[str, str]:
    """Return the variables, with what a person types for those that are missing.

    Without a terminal nothing is asked: what is missing is an error of its own.
    """
    env = dict(env)
    if brand:
        env["CLOPOS_BRAND"] = brand
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return env
    click.echo(tr("The values are in the back office of Clopos: Add-ons, Open API"), err=True)
    # What a file .env or the environment has is shown as the answer that Enter gives.
    _ask(env, "BRAND", tr("Brand"))
    _ask(env, "CLIENT_ID", tr("Client id"), hidden=True)
    _ask(env, "CLIENT_SECRET", tr("Client secret (it isn't shown)"), hidden=True)
    _ask(env, "INTEGRATOR_ID", tr("Integrator id (Enter: there is none)"), optional=True)
    if not env.get("CLOPOS_INTEGRATOR_ID"):
        _ask(env, "VENUE_ID", tr("Number of the venue"), usual="1")
    return env


def _ask(
    env: dict[str, str],
    name: str,
    question: str,
    *,
    hidden: bool = False,
    optional: bool = False,
    usual: str | None = None,
) -> None:
    name = f"CLOPOS_{name}"
    if (hidden and env.get(name)) or env.get(f"{name}_FILE"):
        return
    default = env.get(name) or usual or ("" if optional else None)
    env[name] = str(
        click.prompt(
            question,
            default=default,
            show_default=bool(default),
            hide_input=hidden,
            err=True,
        )
    ).strip()


def _as_dict(found: SignedIn, settings: Settings) -> dict[str, Any]:
    return {
        "brand": found.brand,
        "venue_id": found.venue_id or None,
        "venue": found.venue or None,
        "base_url": settings.base_url,
        "version": settings.version,
        "customers": found.customers,
    }


def _lines(found: SignedIn, settings: Settings) -> list[str]:
    venue = f"{found.venue} ({found.venue_id})" if found.venue else found.venue_id
    lines = [
        tr("Clopos accepts the credentials"),
        "  " + tr("restaurant: {brand}", brand=found.brand),
        *(["  " + tr("venue: {venue}", venue=venue)] if venue else []),
        "  " + tr("address: {base_url}", base_url=settings.base_url),
        "  " + tr("version of the API: {n}", n=settings.version),
    ]
    if found.customers is not None:
        many = found.customers
        lines.append(
            "  " + trn("{n} customer is there already", "{n} customers are there already", many)
        )
    return lines
