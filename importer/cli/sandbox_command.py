"""Run `sandbox`: flags to a configuration, then serve until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from importer.cli.parse import parse_fault, parse_seconds_range
from importer.sandbox import Config
from importer.sandbox.command import run_sandbox
from importer.sandbox.config import changed

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMITS = ("auth_per_minute", "failed_per_minute", "per_minute", "v1_per_minute", "v1_per_hour")


def serve_sandbox(given: Mapping[str, Any]) -> int:
    """Run the sandbox until Ctrl-C. Raises UsageError for flags that can't be read."""
    config = Config(
        seed=given["seed"],
        seed_customers=not given["empty"],
        rates=dict(parse_fault(text) for text in given["faults"]),
        latency=parse_seconds_range(given["latency"]),
    )
    if given["no_limits"]:
        config = changed(config, dict.fromkeys(_LIMITS))
    run_sandbox(config, port=given["port"], store=given["store"], say=click.echo)
    return 0
