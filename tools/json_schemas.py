"""JSON schemas of what the commands print with `--json`, made from the types of the program.

`make pages` writes them to docs/reference/schemas; `tests/test_json_schemas.py` validates what the
commands really print. A key that stands in no schema isn't allowed, so a new one needs its place
here.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from importer.clopos.transport import Requests
from importer.errors import Exit
from importer.fleet.status import BrandStatus
from importer.pipeline.verify_checks import Difference
from importer.plan.decide import Approach
from importer.problems import CATALOGUE
from importer.questions.catalogue import KINDS
from importer.questions.question import Question
from importer.records import FIELDS, RESULT_COLUMNS, Status
from importer.results.summary import CHECK_STATUSES, RUN_STATUSES, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema: TypeAlias = dict[str, Any]
FOLDER = Path(__file__).parent.parent / "docs" / "reference" / "schemas"

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_NULL: Schema = {"type": "null"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_OF_TYPE = {str: _TEXT, int: {"type": "integer"}, float: _NUMBER, bool: _FLAG, type(None): _NULL}


def schemas() -> dict[str, Schema]:
    """Return name → schema: the summaries, the status of a fleet, and a row of results."""
    return {
        "check": _summary(CHECK_STATUSES, _CHECK),
        "run": _summary(RUN_STATUSES, _RUN),
        "rehearse": _summary(RUN_STATUSES, _REHEARSE),
        "verify": _summary(RUN_STATUSES, _VERIFY),
        "fleet-status": _document(_object(_FLEET)),
        "results": _document(_results_row()),
    }


def write(folder: Path = FOLDER) -> None:
    """Write each schema as NAME.schema.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, "utf-8")


def texts() -> dict[str, str]:
    """Return file name → its text."""
    return {
        f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas().items()
    }


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    properties = required | (optional or {})
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, _NULL]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _by_name(values: Schema, names: Iterable[str] | None = None) -> Schema:
    """Return the schema of an object whose keys are data; `names` are the possible ones."""
    keys = {} if names is None else {"propertyNames": {"enum": list(names)}}
    return {"type": "object", "additionalProperties": values, **keys}


def _of_class(cls: type, **special: Schema) -> Schema:
    """Return the schema of a dataclass by its annotations; `special` is field → its schema."""
    hints = typing.get_type_hints(cls)
    return _object(
        {
            each.name: special.get(each.name) or _of_hint(hints[each.name])
            for each in dataclasses.fields(cls)
        }
    )


def _of_hint(hint: Any) -> Schema:
    if isinstance(hint, types.UnionType):
        return {"anyOf": [_of_hint(each) for each in typing.get_args(hint)]}
    return _OF_TYPE[hint]


def _document(schema: Schema) -> Schema:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _summary(statuses: Iterable[Status], of_command: Schema) -> Schema:
    """Return the schema of a summary. Where an error ended it early, counts are missing."""
    common = {
        "ok": _FLAG,
        "exit_code": {"enum": [int(code) for code in Exit]},
        "error": _or_null(_ERROR),
        "run": _or_null(_COUNT),
        "target": _or_null(_of_class(Target, version={"enum": [1, 2]})),
        "file": _TEXT,
        "rows": _COUNT,
        "seconds": _NUMBER,
        "results": _or_null(_TEXT),
        "questions": _list(_QUESTION),
    }
    counts = {str(status): _COUNT for status in statuses}
    return _document(
        {
            **_object(common, counts | of_command),
            "if": {"properties": {"error": _NULL}},
            "then": {"required": list(counts)},
        }
    )


_ERROR = _object({"code": _TEXT, "what": _TEXT, "why": _or_null(_TEXT), "fix": _or_null(_TEXT)})
_QUESTION = _object(
    {
        name: {
            "code": {"enum": [kind.code for kind in KINDS]},
            "field": {"enum": [*FIELDS, "sheet"]},
            "rows": _COUNT,
            "columns": _TEXTS,
            "examples": _TEXTS,
            "answers": _TEXTS,
        }.get(name, _TEXT)
        for name in Question("", "", "").as_dict()
    }
)
_PLAN = _object(
    {
        "to_create": _COUNT,
        "to_settle": _COUNT,
        "held_back": _COUNT,
        "exists": _object(
            {"identical": _COUNT, "different": _COUNT, "fields": _by_name(_COUNT, FIELDS)}
        ),
        "clashes": _list(
            _object({"fields": _TEXTS, "reason": _TEXT, "count": _COUNT, "rows": _list(_COUNT)})
        ),
        "compared": _object(
            {
                "with": {"enum": [str(each) for each in Approach]},
                "customers": _or_null(_COUNT),
                "full_minutes": _or_null(_NUMBER),
            }
        ),
        "requests": _object(dict.fromkeys(("total", "posts", "reads", "auths"), _COUNT)),
        "minutes": _or_null(_NUMBER),
        "finish": _or_null(_TEXT),
        "finish_by": _or_null(_TEXT),
        "fits": _or_null(_FLAG),
        "created_in_time": _or_null(_COUNT),
    }
)
_FIXES = {"fixes": _object({"cells": _COUNT, "left_out": _COUNT, "unfit": _COUNT})}
_REQUESTS = {"requests": _of_class(Requests)}
_CHECK = {
    **_FIXES,
    "mapping": _by_name({"anyOf": [_TEXT, _TEXTS]}, FIELDS),
    "unused": _by_name(_COUNT),
    "problems": _by_name(_COUNT, CATALOGUE),
    "phone_countries": _by_name(_COUNT),
    "groups": _by_name(_COUNT),
}
_RUN = {**_FIXES, **_REQUESTS, "known_problems": _COUNT, "plan": _PLAN}
_REHEARSE = {
    **_FIXES,
    **_REQUESTS,
    "plan": _or_null(_PLAN),
    "minutes": _NUMBER,
    "forecast_off": _object(
        dict.fromkeys(("plan", "first_minute", "worst_later"), _or_null(_NUMBER))
    ),
    "quota": _or_null(
        _object(
            {
                "used": _or_null(_NUMBER),
                "used_in_worst_ten_minutes": _or_null(_NUMBER),
                "largest_window": _or_null(_NUMBER),
                "into_reserve": _COUNT,
                "into_reserve_seconds": _NUMBER,
            }
        )
    ),
    "real_seconds": _NUMBER,
}
_VERIFY = {
    **_FIXES,
    "requests": _or_null(_of_class(Requests)),
    "journal": _FLAG,
    "customers_read": _or_null(_COUNT),
    "agrees": _FLAG,
    "differences": _list(_of_class(Difference)),
}
_FLEET = {
    "brands": _list(
        _of_class(BrandStatus, state={"enum": ["idle", "waiting", "running", "paused", "failed"]})
    ),
    "workers": _list(
        _object({"name": _TEXT, "seen": _or_null(_TEXT), "slots": _COUNT, "running": _COUNT})
    ),
    "queue": _object({"waiting": _COUNT, "running": _COUNT}),
}


def _results_row() -> Schema:
    """Return the schema of a line of results in JSON lines; the columns of the sheet follow."""
    columns = dict.fromkeys(RESULT_COLUMNS, _TEXT)
    columns["import_status"] = {"enum": [str(status) for status in Status]}
    return {"type": "object", "properties": columns, "required": list(RESULT_COLUMNS)}
