"""Read a brand's secrets when its job begins: their place → the variables of the run.

So a secret can be changed without restarting a worker. Nothing read here is stored, logged or
shown; `read_settings` masks it.
"""

from __future__ import annotations

import io
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from importer.environment import read_environment
from importer.errors import UsageError
from importer.i18n import tr
from importer.settings import SECRETS, read_settings, require_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.fleet.brands import Brand
    from importer.settings import Settings

_PATIENCE = 30.0  # seconds for a command that prints the secrets
_OF_A_BRAND = frozenset(
    ["CLOPOS_BRAND", "CLOPOS_BASE_URL", "CLOPOS_INTEGRATOR_ID", "CLOPOS_VENUE_ID", *SECRETS]
)


def settings_of(brand: Brand, env: Mapping[str, str]) -> Settings:
    """Return the settings of a brand's run; `env` is the worker's own environment.

    Raises UsageError where credentials are missing, can't be read, or belong to another brand.
    """
    secrets = _secrets(brand, env)
    for name, ours in (("CLOPOS_BRAND", brand.brand), ("CLOPOS_BASE_URL", brand.base_url)):
        theirs = secrets.pop(name, ours)
        if theirs.strip().rstrip("/") != ours.rstrip("/"):
            raise UsageError(
                tr("{name} differs between brands.toml and the credentials", name=name),
                why=tr("brands.toml: {ours}", ours=ours),
                fix=tr("correct one of them: customers can't be moved between restaurants"),
            )
    # No variable of another brand, or without one, may get in, e.g. a token without its brand.
    shared = {name: value for name, value in env.items() if name not in _OF_A_BRAND}
    shared = {name: value for name, value in shared.items() if name not in _files()}
    settings = read_settings(
        shared
        | {
            "CLOPOS_BRAND": brand.brand,
            "CLOPOS_BASE_URL": brand.base_url,
            "CLOPOS_INTEGRATOR_ID": brand.integrator_id,
            "CLOPOS_VENUE_ID": brand.venue_id,
        }
        | secrets
    )
    try:
        require_credentials(settings)
    except UsageError as error:
        raise UsageError(error.what, why=error.why, fix=_where(brand)) from error
    return settings


def _secrets(brand: Brand, env: Mapping[str, str]) -> dict[str, str]:
    kind, _, value = brand.credentials.partition(":")
    if kind == "file":
        found, _warnings = read_environment(None, Path(value), {}, kept=False)
    elif kind == "command":
        found = _of_environment(brand, env) | _asked(value, env)
    else:
        found = _of_environment(brand, env)
    return {name: text for name, text in found.items() if name in {*_OF_A_BRAND, *_files()}}


def _of_environment(brand: Brand, env: Mapping[str, str]) -> dict[str, str]:
    """Return the brand's own variables: those with its name."""
    return {
        f"CLOPOS_{name}": env[brand.prefix + name]
        for each in (*SECRETS, *_files())
        if brand.prefix + (name := each.removeprefix("CLOPOS_")) in env
    }


def _asked(command: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a command prints as `CLOPOS_…=…` lines.

    One that prints none prints the client secret on its first line, as for --secret-command.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command
            shlex.split(command),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
        )
        text = done.stdout.decode("utf-8-sig")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # Without what it printed: that may be the secret.
        status = getattr(error, "returncode", None)
        why = type(error).__name__ if status is None else tr("exit code {code}", code=status)
        raise UsageError(
            tr("The command for the credentials failed"),
            why=why,
            fix=tr("run it by hand: it has to print lines, e.g. CLOPOS_CLIENT_ID=…"),
        ) from None
    first = text.partition("\n")[0].strip()
    if first and "CLOPOS_" not in text:
        return {"CLOPOS_CLIENT_SECRET": first}
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def _files() -> tuple[str, ...]:
    return tuple(f"{name}_FILE" for name in SECRETS)


def _where(brand: Brand) -> str:
    kind, _, value = brand.credentials.partition(":")
    if kind == "env":
        return tr("set {prefix}CLIENT_ID and {prefix}CLIENT_SECRET", prefix=brand.prefix)
    if kind == "file":
        return tr("add the missing lines to {path}", path=value)
    return tr("let the command print the missing lines")
