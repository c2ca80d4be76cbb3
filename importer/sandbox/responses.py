"""Bodies of responses of Clopos: customers, envelopes, failures (API facts §4, §5, §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from importer.sandbox.store import FIELDS, SORTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.sandbox.config import Config

DONE = "Əməliyyat uğurla həyata keçirildi"
SHOWN = (*FIELDS, "venue_id", "phones", "address")  # as they are stored
GROUP_SINCE = "2025-08-16T15:21:15.000000Z"
VENUE = {"id": 1, "name": "Main", "is_main": 1, "media": []}
GROUP_SORTS = (
    "id",
    "name",
    "discount_type",
    "discount_value",
    "total_amount",
    "created_at",
    "updated_at",
    "deleted_at",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal before it is put into words of the configured form."""

    status: int
    message: str
    slug: str
    sentence: str
    form: str = "slug"  # of `error` as the sources show it: slug, sentence, array, message
    exception: str = "HttpException"
    extra: Mapping[str, Any] | None = None


def failure_body(failure: Failure, form: str) -> dict[str, Any]:
    """Return the body of a failure in a form of `Config.error_form` (API facts §8.2)."""
    if form == "usual":
        form = failure.form
    head = {"success": False, "message": failure.message}
    tail = dict(failure.extra or {})
    match form:
        case "bare":
            return {"success": False}
        case "details":
            return {"error": failure.slug, "message": failure.message, "details": tail}
        case "message":
            return head | tail
        case "array":
            item = {
                "message": failure.sentence,
                "type": "server_side",
                "exception": failure.exception,
                "http_code": failure.status,
            }
            return head | {"error": [item]} | tail
        case "sentence":
            return head | {"error": failure.sentence} | tail
        case _:
            return head | {"error": failure.slug} | tail


def validation(sentence: str) -> Failure:
    """Return the refusal of a body; the sentence for other fields than name is our choice."""
    return Failure(400, "Validation failed", "validation_failed", sentence, "sentence")


def not_found(number: str) -> Failure:
    """Return the refusal of an unknown customer id, as it was last seen live."""
    text = f"No query results for model [App\\Models\\Client\\Marketing\\Customer] {number}"
    return Failure(
        404, "Not found", "resource_not_found", text, "array", exception="NotFoundHttpException"
    )


def conflict(field: str, config: Config) -> Failure:
    """Return the refusal of a value that is taken (API facts §4.4).

    What it says of code and cid is invented: the sources only know `duplicate_phone`.
    """
    sentence = f"Customer with this {field}{' number' if field == 'phone' else ''} already exists"
    message, form = sentence, "slug"
    if config.conflict_status != 409:
        message, sentence, form = (
            "Validation failed",
            f"The {field} has already been taken.",
            "sentence",
        )
    if config.conflict_array:
        form = "array"
    slug = f"duplicate_{field}"
    return Failure(
        config.conflict_status, message, slug, sentence, form, exception="ConflictHttpException"
    )


def created_v1(row: Mapping[str, Any], sent: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """Return `data` of a create on v1: what was sent, in its order, then what was made (§4.2)."""
    data = {name: row[name] for name in sent if name in FIELDS}
    data.setdefault("cid", row["cid"])
    balance_id = 1000 + row["id"]
    data |= {
        "balance_id": balance_id,
        "venue_id": row["venue_id"],
        "updated_at": row["created_at"],
        "created_at": row["created_at"],
        "id": _id(row, config),
        "can_use_loyalty_system": False,
        "is_verified": False,
        "balance": _balance(row),
        "cashback_balance": _cashback(),
        "service_data": [],
    }
    if row["group_id"] is not None:
        data["group"] = group(row["group_id"], config)
    return data


def customer(
    row: Mapping[str, Any], version: int, config: Config, *, with_group: bool = False
) -> dict[str, Any]:
    """Return the public customer object (API facts §5.3)."""
    data = {"id": _id(row, config)} | {name: row[name] for name in SHOWN}
    data |= dict.fromkeys(("discount", "spent", "total_discount", "total_bonus"), 0)
    data |= {"receipt_count": 0, "address_data": [], "source": None, "reference_id": None}
    data |= {"status": True, "can_use_loyalty_system": False, "is_verified": False}
    data |= {"created_at": row["created_at"], "updated_at": row["created_at"]}
    if version == 1:
        data |= dict.fromkeys(("deleted_at", "phone_verified_at", "addresses"))
        data |= {"balance_id": 1000 + row["id"], "balance": _balance(row)}
        data |= dict.fromkeys(("bonus_balance_id", "cashback_balance_id"))
        data["cashback_balance"] = _cashback()
    if version == 1 or with_group:
        data["group"] = group(row["group_id"], config)
    return data


def group(number: int | None, config: Config) -> dict[str, Any] | None:
    """Return a customer group, None for no number (API facts §6)."""
    if number is None:
        return None
    return {
        "id": number,
        "name": config.groups[number - 1],
        "discount_type": None,
        "discount_value": 0,
        "system_type": "my_customers" if number == 1 else None,
        "created_at": GROUP_SINCE,
        "updated_at": GROUP_SINCE,
        "deleted_at": None,
    }


def listed(
    rows: Sequence[Any], total: int, form: str, *, page: int, limit: int, times: Mapping[str, Any]
) -> Any:
    """Return a page of a list in one of the four envelopes (API facts §5.2)."""
    match form:
        case "array":
            return list(rows)
        case "pagination":
            pages = -(-total // limit)
            numbers = {"page": page, "per_page": limit, "total": total, "total_pages": pages}
            return {"data": list(rows), "pagination": numbers}
        case "full":
            plain = {"success": True, "data": list(rows), "total": total}
            return plain | dict(times) | {"sorts": list(SORTS), "message": DONE}
        case _:
            return {"success": True, "data": list(rows), "total": total}


def times(now: float, seconds: float) -> dict[str, Any]:
    """Return when an answer was made and how long that took (API facts §4.2)."""
    text = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {"time": round(seconds * 1000), "timestamp": text, "unix": int(now)}


def _id(row: Mapping[str, Any], config: Config) -> int | str:
    return str(row["id"]) if config.text_ids else int(row["id"])


def _balance(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": 1000 + row["id"],
        "venue_id": None,
        "system_type": None,
        "name": "CUSTOMER:",
        "description": None,
        "type": "CUSTOMER",
        "amount": 0,
        "position": 0,
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "deleted_at": None,
    }


def _cashback() -> dict[str, Any]:
    return {"type": "CASHBACK", "amount": 0, "name": "Customer cashback balance:da39a3e"}
