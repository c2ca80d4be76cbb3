"""Questions about a sheet: which are open, and what an answer changes about how it is read."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.mapping.saved import READING, save_mapping
from importer.matching.verdicts import MAYBES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importer.mapping.saved import Saved
    from importer.pipeline.options import SheetOptions
    from importer.pipeline.prepare import Opened, Prepared
    from importer.questions.question import Question

_OF_MATCHING = frozenset(["shared_codes", "two_codes", "gone", "cid_not_kept", *MAYBES])
_OF_FILE = ("encoding", "delimiter", "sheet", "header_row")  # fields of ReadOptions


def with_saved(options: SheetOptions, saved: Saved) -> SheetOptions:
    """Return options with the saved reading, where no flag overrides it.

    Values that stand for none are added up: each is an answer of its own.
    """
    own = {name: value for name, value in reading_of(options).items() if value is not None}
    none = dict.fromkeys([*saved.reading.get("none_value", ()), *options.none_value])
    return _with_reading(options, {**saved.reading, **own, "none_value": tuple(none)})


def reading_of(options: SheetOptions) -> dict[str, Any]:
    """Return what options say about reading the sheet: flag → value, None where nothing."""
    of_file = {name: getattr(options.read, name) for name in _OF_FILE}
    others = {name: getattr(options, name) or None for name in READING if name not in of_file}
    return others | of_file


def _with_reading(options: SheetOptions, reading: Mapping[str, Any]) -> SheetOptions:
    of_file = {name: value for name, value in reading.items() if name in _OF_FILE}
    others = {name: value for name, value in reading.items() if name not in _OF_FILE}
    choices = replace(options.choices, language=others.get("language", options.choices.language))
    return replace(options, read=replace(options.read, **of_file), choices=choices, **others)


def open_questions(
    asked: Sequence[Question], accept: Iterable[str], saved: Mapping[str, str]
) -> tuple[Question, ...]:
    """Return the questions that neither a flag nor an answer kept from earlier settles.

    One that was kept (code → evidence) holds while the evidence is the same.
    """
    codes = set(accept)
    return tuple(
        question
        for question in asked
        if question.code not in codes and saved.get(question.code) != question.evidence
    )


def never_asked(asked: Iterable[Question], accept: Iterable[str]) -> tuple[str, ...]:
    """Return a note for each code that was accepted and not asked.

    Questions of matching are unknown before Clopos is read.
    """
    codes = {question.code for question in asked} | _OF_MATCHING
    return tuple(
        tr("--accept {code}: that wasn't asked", code=code)
        for code in dict.fromkeys(accept)
        if code not in codes
    )


def open_question(questions: Sequence[Question]) -> UsageError:
    """Return the error that ends a run while questions are open."""
    first = questions[0]
    more = len(questions) - 1
    message = first.message
    if more:
        message += "; " + trn("{n} more question", "{n} more questions", more)
    return UsageError(
        tr("A question about the sheet is open; nothing was sent"),
        why=message,
        fix=tr("answer it with {answers}", answers=tr(" or ").join(first.answers)),
        code="open_question",
    )


def answered(options: SheetOptions, answer: str) -> SheetOptions:
    """Return options with an answer, which is flags as text: `--map "phone=Mobil"`.

    Raises UsageError for anything that answers no question.
    """
    words = shlex.split(answer)
    pairs = list(zip(words[::2], words[1::2], strict=False))
    given: list[tuple[str, str]] = []
    for flag, value in pairs:
        name = flag.removeprefix("--").replace("-", "_")
        if name == "map":
            field, _, header = value.partition("=")
            given.append((field, header))
        elif name == "accept":
            options = replace(options, accept=(*options.accept, value))
        elif name == "none_value":
            values = dict.fromkeys([*options.none_value, *value.split(",")])
            options = replace(options, none_value=tuple(values))
        elif name in READING:
            known: Any = int(value) if name == "header_row" else value
            options = _with_reading(options, {name: known})
        else:
            raise UsageError(
                tr("{answer} is not an answer", answer=answer),
                fix=tr("give one of the answers that the question lists"),
            )
    if given:
        fields = {field for field, _ in given}
        others = [pair for pair in options.choices.given if pair[0] not in fields]
        options = replace(options, choices=replace(options.choices, given=(*others, *given)))
    return options


def save_answers(opened: Opened, prepared: Prepared) -> None:
    """Keep the mapping, the reading and the accepted questions beside the sheet.

    Raises ServiceError when they can't be written.
    """
    save_mapping(
        opened.options.save_mapping or opened.saved_in,
        prepared.mapping,
        opened.sheet,
        reading=reading_of(opened.options),
        accepted=prepared.accepted,
    )
