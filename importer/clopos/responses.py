"""One total function from an answer to what follows from it (API facts §3.4, §4.4, §8). Pure.

`success` comes before the status, a 2xx is never a reason to send again, and the words of an
answer decide only where the documents leave nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from importer.i18n import later, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Call(Enum):
    """What was asked."""

    SIGN_IN = "sign in"
    CREATE = "create"
    READ = "read"


class Verdict(Enum):
    """What follows from an answer."""

    OK = "ok"
    CONFLICT = "conflict"  # phone, code or cid belongs to a customer already
    REJECTED = "rejected"  # the row is refused, whenever it is sent
    FAILED = "failed"  # not created, for a reason that isn't the row's
    MISSING = "missing"  # what was read isn't there
    DOUBT = "doubt"  # created or not: only reading can tell
    RETRY = "retry"  # nothing was changed: ask again later
    THROTTLED = "throttled"  # wait, then ask again; nothing was created
    SIGN_IN_AGAIN = "sign in again"  # the token is used up; nothing was created
    STOP = "stop"  # every request would end like this one


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict and what it rests on.

    `wait` is in seconds, None when the answer doesn't say. `todo` is for the operator of a run
    that stops. `message` is for people: short, without control characters.
    """

    verdict: Verdict
    data: Any = None  # the envelope's `data`, or the whole body where there is no envelope
    total: int | None = None  # matches of a list before paging
    id: str | None = None
    cid: str | None = None
    field: str | None = None  # phone, code or cid
    message: str = ""
    wait: float | None = None
    todo: str | None = None


_LONGEST_MESSAGE = 300
_LONGEST_WAIT = 3600.0
_UNIQUE = re.compile(r"duplicate|already exists|already been taken|unique", re.IGNORECASE)
_FIELD = re.compile(r"(?<![a-z])(phone|code|cid)s?(?![a-z])", re.IGNORECASE)
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_HEADER_VALUE = re.compile(r"[!-~]+", re.ASCII)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(r"oauth_\w{8,}|eyJ[\w-]{8,}(?:\.[\w-]+){0,2}", re.ASCII)
# Statuses that a row can't be to blame for, with what is wrong then.
_ADDRESS, _RIGHTS, _PROXY = frozenset({404, 405, 410, 426}), frozenset({402, 403}), 407

# What configuration is wrong, by words of the answer → what to do (API facts §3.4).
_CONFIGURATION = (
    (
        r"integrator is in test mode",
        later("integrator and restaurant must both be in test mode, or neither: ask Clopos"),
    ),
    (
        r"invalid integrator_id",
        later("check CLOPOS_INTEGRATOR_ID, or ask Clopos whether it was revoked"),
    ),
    (
        r"client is disabled",
        later("switch the Open API module on in the Clopos back office (Add-ons), then run again"),
    ),
    (
        r"missing client_id|headers are missing|missing authentication headers",
        later(
            "check that all CLOPOS_ variables are set; if they are, report this to the developers"
        ),
    ),
)
_CHECK_CREDENTIALS = later(
    "check CLOPOS_CLIENT_ID, CLOPOS_CLIENT_SECRET, CLOPOS_BRAND and CLOPOS_VENUE_ID "
    "(Clopos back office, Add-ons, Open API)"
)
_CHECK_ADDRESS = later(
    "check CLOPOS_BASE_URL, and whether the integrator selects the right version"
)
_CHECK_RIGHTS = later(
    "give the user of the credentials the right to create customers, then run again"
)
_CHECK_PROXY = later("check HTTPS_PROXY: the proxy wants credentials, or others")


def judge(
    call: Call,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    hide: Iterable[str] = (),
) -> Answer:
    """Decide what follows from an answer. Total: whatever comes is answered, nothing is raised.

    `now` in epoch seconds, for waits that are told as a point in time. `hide` are secrets and
    people's data, which the words of a refusal may repeat (API facts §8.2) and a message must not.
    """
    parsed = _parse(body)
    refused = isinstance(parsed, dict) and parsed.get("success") is False
    if 200 <= status < 300 and not refused and (done := _done(call, parsed)):
        return done
    message = _message(parsed, status, hide)
    if status == 429:
        return Answer(Verdict.THROTTLED, message=message, wait=_wait(headers, now))
    if 200 <= status < 300:
        return (_refused_with_2xx if refused else _unreadable)(call, parsed, message)
    # A 5xx may hide a customer that was created, whatever it says.
    if (stop := _configuration(parsed, message)) and (status < 500 or call is not Call.CREATE):
        return stop
    if status >= 500 or status < 200 or status in {408, 425}:
        return Answer(Verdict.DOUBT if call is Call.CREATE else Verdict.RETRY, message=message)
    if status < 400:
        return Answer(
            Verdict.STOP, message=tr("redirected: {message}", message=message), todo=_CHECK_ADDRESS
        )
    return _client_error(call, status, parsed, message)


def _client_error(call: Call, status: int, parsed: Any, message: str) -> Answer:
    if call is Call.READ and status == 404:
        return Answer(Verdict.MISSING, message=message)
    if status in _ADDRESS:
        return Answer(Verdict.STOP, message=message, todo=_CHECK_ADDRESS)
    if status == _PROXY:
        return Answer(Verdict.STOP, message=message, todo=_CHECK_PROXY)
    if call is Call.SIGN_IN:
        return Answer(Verdict.STOP, message=message, todo=_CHECK_CREDENTIALS)
    if status == 401:
        return Answer(Verdict.SIGN_IN_AGAIN, message=message, todo=_CHECK_CREDENTIALS)
    if status in _RIGHTS:
        return Answer(Verdict.STOP, message=message, todo=_CHECK_RIGHTS)
    if call is Call.READ:
        return Answer(Verdict.STOP, message=message, todo=_CHECK_ADDRESS)
    if status == 409 or (status in {400, 422} and _UNIQUE.search(_words(parsed))):
        return Answer(Verdict.CONFLICT, field=_field(parsed), message=message)
    return Answer(Verdict.REJECTED, message=message)


def _refused_with_2xx(call: Call, parsed: Any, message: str) -> Answer:
    """Judge a 2xx that says it failed: a configuration error looks like this too."""
    if stop := _configuration(parsed, message):
        return stop
    if call is Call.CREATE:
        if _UNIQUE.search(_words(parsed)):
            return Answer(Verdict.CONFLICT, field=_field(parsed), message=message)
        return Answer(Verdict.FAILED, message=message)
    todo = _CHECK_CREDENTIALS if call is Call.SIGN_IN else _CHECK_ADDRESS
    return Answer(Verdict.STOP, message=message, todo=todo)


def _unreadable(call: Call, _: Any, message: str) -> Answer:
    """Judge a 2xx that doesn't say what was done. It is never a reason to send again."""
    verdict = Verdict.DOUBT if call is Call.CREATE else Verdict.RETRY
    return Answer(verdict, message=tr("an unreadable answer: {message}", message=message))


def _done(call: Call, parsed: Any) -> Answer | None:
    """Judge a 2xx that doesn't say it failed. None: it can't be read."""
    if call is Call.CREATE:
        envelope = parsed if isinstance(parsed, dict) and parsed.get("success") is True else {}
        data = envelope.get("data")
        clopos_id = as_id(data.get("id")) if isinstance(data, dict) else None
        if clopos_id is None or not isinstance(data, dict):
            return None
        return Answer(Verdict.OK, data=data, id=clopos_id, cid=_lower(data.get("cid")))
    if call is Call.SIGN_IN:
        token = parsed.get("token") if isinstance(parsed, dict) else None
        if isinstance(token, str) and _HEADER_VALUE.fullmatch(token):
            return Answer(Verdict.OK, data=parsed)
        return None
    if isinstance(parsed, list):
        return Answer(Verdict.OK, data=parsed)
    # A list in its envelope, a customer in its envelope, or a bare customer (API facts §5.2, §5.4).
    envelope = parsed if isinstance(parsed, dict) else {}
    data = envelope.get("data", envelope if "id" in envelope else None)
    if not isinstance(data, list | dict):
        return None
    return Answer(Verdict.OK, data=data, total=_total(envelope))


def as_id(value: Any) -> str | None:
    """Return an id as text; integers and strings are both met (API facts §10.5)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = value.strip() if isinstance(value, str) else ""
    return text if _ID.fullmatch(text) else None


def _configuration(parsed: Any, message: str) -> Answer | None:
    words = _words(parsed)
    for pattern, todo in _CONFIGURATION:
        if re.search(pattern, words, re.IGNORECASE):
            return Answer(Verdict.STOP, message=message, todo=todo)
    return None


def _total(parsed: dict[str, Any]) -> int | None:
    """Return how many matches a list has, in either envelope that tells it (API facts §5.2)."""
    pagination = parsed.get("pagination")
    total = parsed.get("total", pagination.get("total") if isinstance(pagination, dict) else None)
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _parse(body: bytes) -> Any:
    """Return the body as JSON, None when it isn't any.

    Half a surrogate pair, which JSON can say and UTF-8 can't, becomes a question mark.
    """
    try:
        parsed = json.loads(body.decode("utf-8-sig"))
        if _SURROGATE.search(body):
            whole = json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace")
            parsed = json.loads(whole)
    except (ValueError, RecursionError):
        return None
    return parsed


def _error_texts(parsed: Any) -> list[str]:
    """Return the words of `error`, which may be text, an object, or an array of objects."""
    error = parsed.get("error") if isinstance(parsed, dict) else None
    found = [parsed] if isinstance(parsed, str) else []
    for each in error if isinstance(error, list) else [error]:
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, dict):
            found += [each[name] for name in ("message", "code") if isinstance(each.get(name), str)]
    return found


def _details(parsed: Any) -> list[str]:
    """Return field and words of `details` or `errors`: field → sentence, or a list of them."""
    found = []
    for name in ("details", "errors"):
        details = parsed.get(name) if isinstance(parsed, dict) else None
        for field, said in details.items() if isinstance(details, dict) else ():
            sentences = said if isinstance(said, list) else [said]
            found += [f"{field}: {each}" for each in sentences if isinstance(each, str)]
    return found


def _said(parsed: Any) -> list[str]:
    """Return the words for people of an answer."""
    said = parsed.get("message") if isinstance(parsed, dict) else None
    return [said] if isinstance(said, str) else []


def _words(parsed: Any) -> str:
    return " ".join([*_error_texts(parsed), *_said(parsed), *_details(parsed)])


def _field(parsed: Any) -> str | None:
    """Return the field a clash is about: in `error` first, then in `message` (API facts §4.4)."""
    for texts in (_error_texts(parsed), _said(parsed), _details(parsed)):
        if match := _FIELD.search(" ".join(texts)):
            return match[1].lower()
    return None


def _message(parsed: Any, status: int, hide: Iterable[str]) -> str:
    """Return the words of an answer for people: on one line, short, without tokens."""
    parts = [*_said(parsed), *_error_texts(parsed), *_details(parsed)]
    text = ": ".join(dict.fromkeys(part for part in parts if part))[: 10 * _LONGEST_MESSAGE]
    for hidden in sorted(hide, key=len, reverse=True) if text else ():
        if len(hidden) > 2:
            text = text.replace(hidden, "…").replace(json.dumps(hidden)[1:-1], "…")
    printable = "".join(c if c.isprintable() else " " for c in text)
    return _TOKEN.sub("…", " ".join(printable.split()))[:_LONGEST_MESSAGE] or f"HTTP {status}"


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None


def _wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds a 429 asks to wait; the header families differ (API facts §7.2, §7.3)."""
    named = {name.lower(): value.strip() for name, value in headers.items()}
    # Theirs, where they tell it: the clock of this machine may be wrong.
    now = _moment(named.get("date", "")) or now
    waits = (
        _retry_after(named.get("retry-after", ""), now),
        _until(_number(named.get("ratelimit-reset", "")), now),
        _until(_number(named.get("x-ratelimit-reset", "")), now),
    )
    told = [wait for wait in waits if wait is not None]
    return min(max(0.0, *told), _LONGEST_WAIT) if told else None


def _retry_after(value: str, now: float) -> float | None:
    if (seconds := _number(value)) is not None:
        return seconds
    moment = _moment(value)
    return None if moment is None else moment - now


def _moment(value: str) -> float | None:
    """Return a date of a header in epoch seconds."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _until(epoch: float | None, now: float) -> float | None:
    # A small number can't be a point in time: somebody sent seconds after all.
    return epoch if epoch is None or epoch < 1e8 else epoch - now


def _number(value: str) -> float | None:
    return float(value) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]+)?", value, re.ASCII) else None
