"""Parsing of flags that are a number with a unit."""

from __future__ import annotations

from importer.errors import UsageError
from importer.i18n import tr


def parse_share(flag: str, text: str) -> float:
    """Return a share from a percentage.

    Raises UsageError when it isn't one from 0% to below 100%.
    """
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise UsageError(
            tr("{flag}{text} is not a share", flag=flag, text=text),
            fix=tr("write it like {flag}10%", flag=flag),
        )
    return share


def parse_fault(text: str) -> tuple[str, float]:
    """Return kind and share of a fault, e.g. `504b=5%`. Raises UsageError."""
    kind, _, share = text.partition("=")
    return kind.strip(), parse_share(f"--fault {kind.strip()}=", share)


def parse_seconds_range(text: str) -> tuple[float, float]:
    """Return least and most of a range, e.g. `0.05-0.4`. Raises UsageError."""
    least, _, most = text.partition("-")
    try:
        return float(least), float(most or least)
    except ValueError:
        raise UsageError(
            tr("--latency {text} is not a range of seconds", text=text),
            fix=tr("write it like --latency 0.05-0.4"),
        ) from None


def parse_max_rejected(text: str) -> float:
    """Return what `--max-rejected` says: rows as an int, a share as a float."""
    return parse_rows("--max-rejected", text)


def parse_rows(flag: str, text: str) -> float:
    """Return a number of rows as an int, a share (`50%`) as a float. Raises UsageError."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    if number.isascii() and number.isdecimal() and not (percent and int(number) > 100):
        return int(number) / 100 if percent else int(number)
    raise UsageError(
        tr("{flag} {text} is neither a number of rows nor a share", flag=flag, text=text),
        fix=tr("write it like {flag} 50% or {flag} 100", flag=flag),
    )
