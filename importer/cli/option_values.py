"""Flags as they are given, turned into options of the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from importer.cli.parse import parse_max_rejected, parse_rows, parse_share
from importer.clopos.rates import parse_rates
from importer.i18n import tr
from importer.pipeline.options import Output, SendOptions, SheetOptions
from importer.plan.schedule import parse_finish, parse_window, parse_zone
from importer.records import MappingChoices, ReadOptions, Shape
from importer.results.names import default_path
from importer.send.circuit_breaker import SendTuning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.store.records import Kind


def sheet_options(given: Mapping[str, Any]) -> SheetOptions:
    """Return what the flags say about the sheet. Raises BadParameter or UsageError."""
    region = given["region"].upper() if given["region"] else None
    return SheetOptions(
        read=ReadOptions(
            encoding=given["encoding"],
            delimiter=_delimiter(given["delimiter"]),
            sheet=given["sheet"],
            header_row=given["header_row"],
        ),
        choices=MappingChoices(
            profile=given["profile"],
            given=tuple(_pair(text) for text in given["given"]),
            language=given["language"],
        ),
        region=region,
        dates=given["dates"],
        language=given["language"],
        drop_bad_values=given["drop_bad_values"],
        shared_phone=given["shared_phone"],
        none_value=_listed(given["none_value"]),
        name_from=given["name_from"],
        group=given["group"],
        group_column=given["group_column"],
        mapping=given["mapping"],
        save_mapping=given.get("save_mapping"),
        shape=Shape(
            where=given.get("where") or (),
            replace=given.get("replace") or (),
            description=given.get("description"),
            name_case=given.get("name_case"),
            code_prefix=given.get("code_prefix"),
            group_map=given.get("group_map") or (),
        ),
        known_as=given["input"].pattern if "input" in given else None,
        fixes=given["fixes"],
        no_fixes=given["no_fixes"],
        accept=_listed(given["accept"]),
    )


def send_options(given: Mapping[str, Any]) -> SendOptions:
    """Return what the flags say about sending. Raises UsageError for what can't be read."""
    if given["rate"]:
        parse_rates(given["rate"])  # a typing error is shown before a large sheet is read
    zone = parse_zone(given["time_zone"]) if given.get("time_zone") else None
    return SendOptions(
        sandbox=given.get("sandbox", False),
        dry_run=given.get("dry_run", False),
        limit=given["limit"],
        rate=given["rate"],
        reserve=parse_share("--reserve ", given["reserve"]),
        timeout=given["timeout"],
        match=given["match"],
        recreate=given["recreate"],
        max_new=parse_rows("--max-new", given["max_new"]) if given.get("max_new") else None,
        windows=tuple(parse_window(text, zone) for text in given["windows"]),
        finish_by=parse_finish(given["finish_by"], zone) if given["finish_by"] else None,
        tuning=SendTuning(
            concurrency=given["concurrency"],
            settle=given["settle"],
            give_up_after=given["give_up_after"],
            max_rejected=parse_max_rejected(given["max_rejected"]),
        ),
        known_problems=given.get("known_problems") == "ok",
        flags=given.get("flags", ()),
    )


def output(given: Mapping[str, Any], kind: Kind, rows: int = 0) -> Output:
    """Return where a run or check of so many rows is to write."""
    return Output(
        results=given["results"] or default_path(given["file"], kind, rows),
        payloads=given["payloads"],
        report=given["report"],
        report_private=given["report_private"],
        keep=given.get("keep_results"),
    )


def _listed(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _pair(text: str) -> tuple[str, str]:
    field, equals, header = text.partition("=")
    if not equals:
        raise click.BadParameter(
            tr('{text} has no "=": write it like --map "phone=Mobile number"', text=text),
            param_hint="--map",
        )
    return field.strip(), header.strip()


def _delimiter(text: str | None) -> str | None:
    return {"tab": "\t", "\\t": "\t"}.get(text.lower(), text) if text else None
