"""Credentials that `login` keeps, so that later commands find them.

A file of the user's configuration folder lists the restaurants. Their secrets are in the system's
keyring where there is one (the extra `[keyring]`), else in that file, which its owner alone can
read. A secret goes only to the address it was kept for.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from platformdirs import user_config_path

from importer.errors import UsageError
from importer.files import atomic_write, check_trusted
from importer.i18n import tr
from importer.settings import DEFAULT_BASE_URL, SECRETS, without_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from importer.settings import Settings

SECRET_COMMAND = "CLOPOS_SECRET_COMMAND"  # noqa: S105 - the name of a variable
_SERVICE = "clopos-import"
_COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A restaurant whose credentials are kept. `in_keyring`: its secrets are not in the file."""

    brand: str
    base_url: str
    venue_id: str = ""
    integrator_id: str = ""
    in_keyring: bool = False
    secrets: tuple[str, str] = field(default=("", ""), repr=False)  # client id and secret

    @property
    def place(self) -> str:
        """Return where the secrets are, in words."""
        return tr("the keyring of the system") if self.in_keyring else str(kept_file())

    def matches(self, brand: str, base_url: str) -> bool:
        """Return whether this is the restaurant; "" for what isn't named."""
        same = not base_url or without_version(base_url) == self.base_url
        return same and brand.lower() in {"", self.brand.lower()}


def kept_file() -> Path:
    """Return the file that lists the restaurants; it may not exist."""
    return user_config_path("clopos-import") / "credentials.json"


def kept_credentials() -> tuple[Kept, ...]:
    """Return all restaurants whose credentials are kept, without secrets that the keyring has.

    Raises UsageError for a file that can't be read, or that another user may have written.
    """
    path = kept_file()
    try:
        if not path.is_file():
            return ()
        check_trusted(path)
        return tuple(_from_json(each) for each in json.loads(path.read_bytes())["restaurants"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            tr("{path} can't be read", path=path),
            why=getattr(error, "strerror", None)
            or tr("it isn't in the format that `login` writes"),
            fix=tr("delete it, then run clopos-import login"),
        ) from error


def keep_credentials(settings: Settings) -> Kept:
    """Keep the credentials of settings, in the place of those of the same restaurant.

    Raises ServiceError when the file can't be written, UsageError as `kept_credentials`.
    """
    secrets = (settings.client_id, settings.client_secret)
    kept = Kept(settings.brand, settings.base_url, settings.venue_id, settings.integrator_id)
    kept = replace(kept, in_keyring=_to_keyring(kept, secrets))
    if not kept.in_keyring:
        kept = replace(kept, secrets=secrets)
    others = (each for each in kept_credentials() if not each.matches(kept.brand, kept.base_url))
    _write([*others, kept])
    return kept


def forget_credentials(brand: str = "", base_url: str = "") -> tuple[Kept, ...]:
    """Delete what is kept of a restaurant, "" for any; return what was deleted."""
    before = kept_credentials()
    gone = tuple(each for each in before if each.matches(brand, base_url))
    for each in gone:
        if each.in_keyring:
            _out_of_keyring(each)
    if gone:
        _write(each for each in before if each not in gone)
    return gone


def with_kept(env: Mapping[str, str], *, secrets: bool = True) -> dict[str, str]:
    """Return an environment with what is kept of its restaurant, where it has no secrets itself.

    The restaurant is the one that CLOPOS_BRAND and CLOPOS_BASE_URL name; without a brand the only
    one that is kept. Without `secrets` only what says where to send is added.

    Raises UsageError where the keyring can't be read.
    """
    found = _meant(env)
    if len(found) != 1:
        return dict(env)
    kept = found[0]
    added = {
        "CLOPOS_BRAND": kept.brand,
        "CLOPOS_VENUE_ID": kept.venue_id,
        "CLOPOS_INTEGRATOR_ID": kept.integrator_id,
    }
    if kept.base_url != DEFAULT_BASE_URL:
        added["CLOPOS_BASE_URL"] = kept.base_url
    if secrets:
        client = _from_keyring(kept) if kept.in_keyring else kept.secrets
        added |= dict(zip(("CLOPOS_CLIENT_ID", "CLOPOS_CLIENT_SECRET"), client, strict=True))
    return added | {name: value for name, value in env.items() if value}


def check_one_restaurant(env: Mapping[str, str]) -> None:
    """Raise UsageError where several restaurants are kept and the environment names none."""
    if len(found := _meant(env)) > 1:
        raise UsageError(
            tr("It isn't clear which restaurant to use"),
            why=tr("login was done for: {brands}", brands=", ".join(e.brand for e in found)),
            fix=tr("set CLOPOS_BRAND, or brand in the [restaurant] of clopos.toml"),
            code="several_restaurants",
        )


def _meant(env: Mapping[str, str]) -> list[Kept]:
    """Return the restaurants that an environment without secrets may mean."""
    if any(env.get(name) or env.get(f"{name}_FILE") for name in SECRETS):
        return []
    brand, base_url = env.get("CLOPOS_BRAND", "").strip(), env.get("CLOPOS_BASE_URL", "").strip()
    return [each for each in kept_credentials() if each.matches(brand, base_url)]


def secret_from_command(command: str) -> str:
    """Return the first line that a command prints: the client's secret. No shell runs it.

    Raises UsageError, without what it printed, when it fails or prints nothing.
    """
    why, line = tr("it printed nothing"), ""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            shlex.split(command), capture_output=True, check=True, timeout=_COMMAND_SECONDS
        )
        line = done.stdout.decode("utf-8").partition("\n")[0].strip()
    except subprocess.CalledProcessError as error:
        why = tr("it ended with exit code {code}", code=error.returncode)
    except subprocess.TimeoutExpired:
        why = tr("it took longer than {n} seconds", n=int(_COMMAND_SECONDS))
    except (OSError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or tr("it is not a command")
    if not line:
        raise UsageError(
            tr("--secret-command gave no secret: {command}", command=command),
            why=why,
            fix=tr("run it in a terminal: it has to print the client secret on its first line"),
        )
    return line


def _write(restaurants: Iterable[Kept]) -> None:
    path = kept_file()
    with contextlib.suppress(OSError):  # without a folder, what follows fails in words
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({"restaurants": [_as_json(each) for each in restaurants]}, indent=1)
    with atomic_write(path, 0o600) as aside:
        aside.write_text(text + "\n", "utf-8")


def _as_json(kept: Kept) -> dict[str, Any]:
    facts = {"brand": kept.brand, "base_url": kept.base_url}
    facts |= {"venue_id": kept.venue_id, "integrator_id": kept.integrator_id}
    if kept.in_keyring:
        return {**facts, "keyring": True}
    return {**facts, "client_id": kept.secrets[0], "client_secret": kept.secrets[1]}


def _from_json(facts: Mapping[str, Any]) -> Kept:
    names = ("brand", "base_url", "venue_id", "integrator_id", "client_id", "client_secret")
    text = {name: facts.get(name, "") for name in names}
    if not all(isinstance(value, str) for value in text.values()) or not text["brand"]:
        raise ValueError
    secrets = (text.pop("client_id"), text.pop("client_secret"))
    return Kept(**text, in_keyring=facts.get("keyring") is True, secrets=secrets)


def _entry(kept: Kept) -> str:
    return f"{kept.brand} {kept.base_url}"


def _keyring() -> Any:
    """Return the package keyring; raises ImportError where that extra isn't installed."""
    import keyring  # noqa: PLC0415

    return keyring


def _to_keyring(kept: Kept, secrets: tuple[str, str]) -> bool:
    """Put secrets into the keyring; return False where there is none, or it refuses."""
    try:
        keyring = _keyring()
        keyring.set_password(_SERVICE, _entry(kept), json.dumps(secrets))
        # A backend that doesn't keep the secret can't be used.
        return keyring.get_password(_SERVICE, _entry(kept)) is not None
    except ImportError:
        return False
    except Exception:  # noqa: BLE001 - backends raise what they like; the file is the way out
        return False


def _from_keyring(kept: Kept) -> tuple[str, str]:
    why = tr("it has no entry for {brand}", brand=kept.brand)
    try:
        client_id, secret = json.loads(_keyring().get_password(_SERVICE, _entry(kept)) or "[]")
    except ImportError:
        why = tr("the Python package keyring isn't installed")
    except ValueError:
        pass
    except Exception as error:  # noqa: BLE001 - backends raise what they like
        why = type(error).__name__
    else:
        return str(client_id), str(secret)
    raise UsageError(
        tr("The keyring can't be read"),
        why=why,
        fix=tr("unlock it, or run clopos-import login again"),
    )


def _out_of_keyring(kept: Kept) -> None:
    try:
        _keyring().delete_password(_SERVICE, _entry(kept))
    except Exception as error:
        raise UsageError(
            tr("The keyring can't be changed"),
            why=type(error).__name__,
            fix=tr(
                "delete the entry {entry} of {service} there", entry=_entry(kept), service=_SERVICE
            ),
        ) from error
