"""A plan, a rehearsal and a verification in words, for the terminal and the page alike.

Each paragraph is a mark and a text: "" a statement, "-" a detail of it, "!" a warning.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from importer.i18n import date_and_time, number, percent, tr, trn
from importer.matching.verdicts import Reason
from importer.plan.decide import Approach
from importer.problems import field_word
from importer.records import Status
from importer.results.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.pipeline.verify import Verified
    from importer.plan.cost import Price
    from importer.plan.decide import Clash, Compared, Plan
    from importer.results.summary import Summary

Paragraph = tuple[str, str]
_OTHER_CODE = ("code", Reason.OTHER_NAME)


def plan_paragraphs(plan: Plan, now: datetime) -> Iterator[Paragraph]:
    """Yield what will be sent and what it costs; `now` has a time zone."""
    yield "", trn("{n} row to create", "{n} rows to create", len(plan.to_send))
    yield from _not_sent(plan)
    yield from _compared(plan.compared)
    yield from _price(plan.price, now)


def _not_sent(plan: Plan) -> Iterator[Paragraph]:
    """Yield the outcomes of the other rows."""
    decided = plan.decided
    if there := plan.count(Status.EXISTS) + plan.count(Status.CREATED):
        yield "", trn("{n} is at Clopos already", "{n} are at Clopos already", there)
        if decided.differing:
            found = decided.differing.items()
            fields = ", ".join(f"{field_word(field)} {number(n)}" for field, n in found)
            yield "-", tr("with another value there: {fields}", fields=fields)
    if repeats := plan.count(Status.DUPLICATE):
        yield "", trn("{n} repeats an earlier row", "{n} repeat earlier rows", repeats)
    yield from _conflicts(plan)
    if uncertain := plan.count(Status.UNKNOWN):
        yield (
            "",
            trn(
                "{n} of an earlier run is still uncertain",
                "{n} of an earlier run are still uncertain",
                uncertain,
            ),
        )
    if held := decided.held_back:
        yield "", trn("{n} held back by --limit", "{n} held back by --limit", held)
    if claims := len(plan.dropped_claims):
        yield (
            "",
            trn(
                "{n} row claims a customer that isn't its own: the claim is ignored",
                "{n} rows claim customers that aren't their own: the claims are ignored",
                claims,
            ),
        )


def _conflicts(plan: Plan) -> Iterator[Paragraph]:
    if conflicts := plan.undecided:
        yield "", trn("{n} needs a decision", "{n} need a decision", conflicts)
        for clash in plan.decided.clashes:
            yield "-", _clash(clash)
        if _other_numbers(plan):
            yield (
                "-",
                tr(
                    "if this list has numbers of its own, e.g. a branch's: {flag}",
                    flag="--code-prefix TEXT",
                ),
            )
    if skipped := plan.count(Status.CONFLICT) - plan.undecided:
        yield "", trn("{n} is left out, as decided", "{n} are left out, as decided", skipped)


def _other_numbers(plan: Plan) -> bool:
    """Return whether codes of the list belong to others at Clopos: within it, no prefix helps."""
    if not any((clash.field, clash.reason) == _OTHER_CODE for clash in plan.decided.clashes):
        return False
    return any(
        each.field == "code" and each.existing_id and each.duplicate_of is None
        for each in plan.outcomes
        if each.status is Status.CONFLICT and not each.decided
    )


def _compared(compared: Compared) -> Iterator[Paragraph]:
    """Yield how rows are compared with Clopos, and what that can't find."""
    match compared.approach:
        case Approach.LIST:
            return
        case Approach.LOOK_UP:
            text = tr(
                "each row is looked up by phone and name before it is sent; a code, an e-mail "
                "address or a phone in another spelling isn't seen"
            )
            if compared.full_minutes:
                time = duration(compared.full_minutes * 60)
                more = tr("(reading all customers takes {time}: --match always)", time=time)
                text = f"{text} {more}"
            yield "!", text
        case _:
            yield (
                "!",
                tr(
                    "--match never: rows are sent without looking at Clopos first; people who are "
                    "there already may be created again"
                ),
            )


def _clash(clash: Clash) -> str:
    where = ", ".join(map(str, clash.rows)) + (", …" if clash.count > len(clash.rows) else "")
    return trn(
        "{reason} ({n} row: {where})",
        "{reason} ({n} rows: {where})",
        clash.count,
        reason=clash.text,
        where=where,
    )


def _price(price: Price, now: datetime) -> Iterator[Paragraph]:
    """Yield requests, time and end, and whether that is early enough."""
    if price.requests:
        text = trn("{n} request", "{n} requests", price.requests)
        if price.minutes is not None:
            end = now + timedelta(minutes=price.minutes)
            if price.finish is not None:
                end = datetime.fromtimestamp(price.finish, now.tzinfo)
            text = tr(
                "{requests}, about {time}, done at {end}",
                requests=text,
                time=duration(price.minutes * 60),
                end=clock(end, now),
            )
        yield "", text
        if price.reserve:
            places = len(f"{round(price.reserve * 100, 2):g}".partition(".")[2])
            share = percent(price.reserve, places)
            yield "", tr("{share} of the quota is left for the tills", share=share)
    if price.reads or price.sign_ins > 1:
        yield (
            "-",
            tr(
                "{creates} to create, {reads} to read, {sign_ins} to sign in",
                creates=number(price.creates),
                reads=number(price.reads),
                sign_ins=number(price.sign_ins),
            ),
        )
    if price.deadline is not None:
        time = clock(datetime.fromtimestamp(price.deadline, now.tzinfo), now)
        if price.fits:
            yield "", tr("done by {time}: it fits", time=time)
        else:
            yield (
                "",
                trn(
                    "will not finish by {time}: {n} row will be created by then; "
                    "run it again: it continues",
                    "will not finish by {time}: {n} rows will be created by then; "
                    "run it again: it continues",
                    price.in_time or 0,
                    time=time,
                ),
            )


def clock(moment: datetime, now: datetime) -> str:
    """Return a time for people, with its day unless that is today's."""
    return f"{moment:%H:%M}" if moment.date() == now.date() else date_and_time(moment)


def rehearsal_paragraphs(summary: Summary) -> Iterator[Paragraph]:
    """Yield how far off the forecast of a rehearsal was, and how the quota was used."""
    off, quota = summary.more["forecast_off"], summary.more["quota"]
    if off["plan"] is not None:
        yield "-", tr("the plan's end was {off} off", off=_exact_percent(off["plan"]))
    if off["worst_later"] is not None:
        yield (
            "-",
            tr(
                "the forecast after a minute was {first} off, later {worst} at most",
                first=_exact_percent(off["first_minute"]),
                worst=_exact_percent(off["worst_later"]),
            ),
        )
    if quota:
        text = tr(
            "{used} of what was left of the quota was used", used=_exact_percent(quota["used"])
        )
        if quota["used_in_worst_ten_minutes"] is not None:
            worst = _exact_percent(quota["used_in_worst_ten_minutes"])
            text += ", " + tr("{worst} in the worst ten minutes", worst=worst)
        yield "-", text
        share = _exact_percent(quota["largest_window"])
        yield "-", tr("the fullest window had {share} of its limit", share=share)
    time = duration(summary.more["real_seconds"])
    yield "-", tr("rehearsed in {time}; nothing was sent to Clopos", time=time)


def _exact_percent(share: float) -> str:
    return percent(abs(share), 1)


def verification_paragraphs(verified: Verified, most: int) -> Iterator[Paragraph]:
    """Yield what was compared, and at most so many of the things that don't agree."""
    summary, differences = verified.summary, verified.differences
    read = summary.more["customers_read"]
    compared = [
        trn("{n} row", "{n} rows", summary.rows),
        tr("their results"),
        tr("the journal")
        if summary.more["journal"]
        else tr("no journal (none is on this machine)"),
        tr("not Clopos")
        if read is None
        else trn("{n} customer at Clopos", "{n} customers at Clopos", read),
    ]
    yield "", tr("Compared: {what}", what=", ".join(compared))
    if not differences:
        yield "-", tr("all agrees")
        return
    many = len(differences)
    yield "-", trn("{n} thing doesn't agree:", "{n} things don't agree:", many)
    for each in differences[:most]:
        yield (
            "-",
            (each.what if each.row is None else f"{tr('row {row}', row=each.row)} {each.what}"),
        )
    if many > most:
        text = trn(
            "{n} more: clopos-import verify --json lists all",
            "{n} more: clopos-import verify --json lists all",
            many - most,
        )
        yield "-", f"… {text}"
