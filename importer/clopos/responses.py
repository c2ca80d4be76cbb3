"""Classify a response: one total function to what follows from it (API facts §3.4, §4.4, §8).

`success` comes before the status, a 2xx is never a reason to send again, and the text of a
response decides only where the documents leave nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import re
from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from importer.clopos.redact import redact
from importer.clopos.retry_after import seconds_to_wait
from importer.i18n import tr, tr_noop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Call(Enum):
    """Kind of a request."""

    SIGN_IN = "sign in"
    CREATE = "create"
    READ = "read"


class Verdict(Enum):
    """The consequence of a response."""

    OK = "ok"
    CONFLICT = "conflict"  # phone, code or cid belongs to a customer already
    REJECTED = "rejected"  # the row is refused, whenever it is sent
    FAILED = "failed"  # not created, for a reason that isn't the row's
    MISSING = "missing"  # what was read isn't there
    DOUBT = "doubt"  # created or not: only reading can tell
    RETRY = "retry"  # nothing was changed: ask again later
    UNSENT = "unsent"  # no connection: no byte of the request has left
    THROTTLED = "throttled"  # wait, then ask again; nothing was created
    SIGN_IN_AGAIN = "sign in again"  # the token is used up; nothing was created
    STOP = "stop"  # every request would end like this one


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `body` is sent as JSON; `may_be_missing`: a 404 is an answer."""

    call: Call
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str] | None = None
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True)
class ClassifiedResponse:
    """A verdict and what it rests on.

    `status` and `headers` are those of the response, None and empty without one. `wait` is in
    seconds, None when the response doesn't say. `reason` is for logs and the journal: status and
    slug or documented sentence, or why there was no response; never other text of Clopos, which
    may hold personal data.
    `message` is for the row's owner: that text, short and without secrets. `fix` is for the
    operator of a run that stops. All three are empty for OK.
    """

    verdict: Verdict
    status: int | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    data: Any = None  # the envelope's `data`, or the whole body where there is no envelope
    total: int | None = None  # matches of a list before paging
    id: str | None = None
    cid: str | None = None  # lower case, of `data`; of a create, compare it with the row's
    field: str | None = None  # phone, code or cid
    reason: str = ""
    message: str = ""
    wait: float | None = None
    fix: str | None = None
    unreadable: bool = False  # a 2xx that doesn't say what was done: no sign of an outage
    web_page: bool = False  # HTML with a 2xx: this isn't the API
    configuration: bool = False  # STOP by the text: no row can be to blame

    def as_rejected(self) -> ClassifiedResponse:
        """Return the same as the refusal of one row."""
        return replace(self, verdict=Verdict.REJECTED, fix=None)


_LONGEST_MESSAGE = 300
_UNIQUE = re.compile(r"duplicate|already exists|already been taken|unique", re.IGNORECASE)
_FIELD = re.compile(r"(?<![a-z])(phone|code|cid)s?(?![a-z])", re.IGNORECASE)
_ID = re.compile(r"[0-9]{1,18}|(?=.*[A-Za-z_-])[0-9A-Za-z_-]{1,64}", re.ASCII)
# Sentences of the documents: they hold nothing of the request.
_DOCUMENTED = re.compile(
    r"invalid credentials|client is disabled|invalid integrator_id|integrator is in test mode"
    r"|missing client_id|headers are missing|missing authentication headers|token expired"
    r"|invalid token|insufficient permissions|too many (?:requests|attempts)",
    re.IGNORECASE,
)
_SLUG = re.compile(r"[a-z]+(_[a-z]+){0,5}", re.ASCII)
_MOST = 1_000_000_000  # customers of a brand; a larger total is no number of anything
_HEADER_VALUE = re.compile(r"[!-~]+", re.ASCII)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Statuses that a row can't be to blame for, with what is wrong then.
_ADDRESS, _RIGHTS, _PROXY = frozenset({404, 405, 410, 426}), frozenset({402, 403}), 407

# What configuration is wrong, by words of the answer → what to do (API facts §3.4).
_CONFIGURATION = (
    (
        r"integrator is in test mode",
        tr_noop("integrator and restaurant must both be in test mode, or neither: ask Clopos"),
    ),
    (
        r"invalid integrator_id",
        tr_noop("check CLOPOS_INTEGRATOR_ID, or ask Clopos whether it was revoked"),
    ),
    (
        r"client is disabled",
        tr_noop(
            "switch the Open API module on in the Clopos back office (Add-ons), then run again"
        ),
    ),
    (
        r"missing client_id|headers are missing|missing authentication headers",
        tr_noop(
            "check that all CLOPOS_ variables are set; if they are, report this to the developers"
        ),
    ),
)
_CHECK_CREDENTIALS = tr_noop(
    "check CLOPOS_CLIENT_ID, CLOPOS_CLIENT_SECRET, CLOPOS_BRAND and CLOPOS_VENUE_ID "
    "(Clopos back office, Add-ons, Open API)"
)
CHECK_ADDRESS = tr_noop(
    "check CLOPOS_BASE_URL, and whether the integrator selects the right version"
)
_CHECK_RIGHTS = tr_noop(
    "give the user of the credentials the right to create customers, then run again"
)
_CHECK_PROXY = tr_noop(
    "check HTTPS_PROXY: the proxy requires credentials, or doesn't accept the ones given"
)


def classify_response(
    call: Call,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    cid: str = "",
    secrets: Iterable[str] = (),
    values: Iterable[str] = (),
) -> ClassifiedResponse:
    """Classify a response. Never raises.

    `now` in epoch seconds, for waits that are stated as a point in time. `cid` is that of the row
    that is created. `secrets` and `values` (personal data) are what the text of a refusal may
    repeat (API facts §8.2) and nothing here may show.
    """
    parsed = _parse(body)
    response = _classify(call, status, headers, parsed, cid)
    if response.verdict is Verdict.OK:
        return response  # made at once: most responses are
    if response.verdict is Verdict.THROTTLED:
        response = replace(response, wait=seconds_to_wait(headers, now))
    secrets, values = tuple(secrets), tuple(values)
    documented = _DOCUMENTED.search(_all_text(parsed))
    slug = documented[0] if documented else _slug(parsed, (*secrets, *values))
    reason = f"HTTP {status} {slug}".rstrip()
    text = _text(parsed, secrets, values) if call is Call.CREATE else ""
    web_page = 200 <= status < 300 and body.lstrip(BOM_UTF8 + b" \t\r\n").startswith(b"<")
    return replace(
        response,
        status=status,
        headers=headers,
        reason=_in_words(response, status, reason),
        message=_in_words(response, status, text or reason),
        web_page=web_page,
    )


def _in_words(response: ClassifiedResponse, status: int, text: str) -> str:
    if response.unreadable:
        return tr("an unreadable answer: {message}", message=text)
    if 300 <= status < 400:
        return tr("redirected: {message}", message=text)
    return text


def _classify(
    call: Call, status: int, headers: Mapping[str, str], parsed: Any, cid: str
) -> ClassifiedResponse:
    refused = isinstance(parsed, dict) and parsed.get("success") is False
    if 200 <= status < 300 and not refused:
        return _done(call, status, headers, parsed) or _unreadable(call)
    if status == 429:
        return ClassifiedResponse(Verdict.THROTTLED)
    configuration = _configuration(parsed)
    if 200 <= status < 300:
        response = configuration or _refused_with_2xx(call, parsed)
    elif configuration and (status < 500 or call is not Call.CREATE):
        response = configuration  # a 5xx may hide a customer that was created, whatever it says
    elif status >= 500 or status < 200 or status in {408, 425}:
        return ClassifiedResponse(Verdict.DOUBT if call is Call.CREATE else Verdict.RETRY)
    elif status < 400:
        response = ClassifiedResponse(Verdict.STOP, fix=CHECK_ADDRESS)
    else:
        response = _client_error(call, status, parsed)
    if call is Call.CREATE and response.verdict is not Verdict.CONFLICT and _created(parsed, cid):
        return _unreadable(call)
    return response


def _created(parsed: Any, cid: str) -> bool:
    """Return whether a refusal shows the customer of this row with an id: it may exist."""
    data = parsed.get("data") if isinstance(parsed, dict) else None
    if not (isinstance(data, dict) and cid):
        return False
    return as_id(data.get("id")) is not None and _lower(data.get("cid")) == cid.lower()


def _client_error(call: Call, status: int, parsed: Any) -> ClassifiedResponse:
    if call is Call.READ and status == 404:
        return ClassifiedResponse(Verdict.MISSING, fix=CHECK_ADDRESS)
    if status in _ADDRESS:
        return ClassifiedResponse(Verdict.STOP, fix=CHECK_ADDRESS)
    if status == _PROXY:
        return ClassifiedResponse(Verdict.STOP, fix=_CHECK_PROXY)
    if call is Call.SIGN_IN:
        return ClassifiedResponse(Verdict.STOP, fix=_CHECK_CREDENTIALS)
    if status == 401:
        return ClassifiedResponse(Verdict.SIGN_IN_AGAIN, fix=_CHECK_CREDENTIALS)
    if status in _RIGHTS:
        return ClassifiedResponse(Verdict.STOP, fix=_CHECK_RIGHTS)
    if call is Call.READ:
        return ClassifiedResponse(Verdict.STOP, fix=CHECK_ADDRESS)
    if status == 409 or (status in {400, 422} and _UNIQUE.search(_all_text(parsed))):
        return ClassifiedResponse(Verdict.CONFLICT, field=_field(parsed))
    return ClassifiedResponse(Verdict.REJECTED)


def _refused_with_2xx(call: Call, parsed: Any) -> ClassifiedResponse:
    """Classify a 2xx that says it failed, for a reason that isn't the configuration."""
    if call is Call.CREATE:
        if _UNIQUE.search(_all_text(parsed)):
            return ClassifiedResponse(Verdict.CONFLICT, field=_field(parsed))
        return ClassifiedResponse(Verdict.FAILED)
    fix = _CHECK_CREDENTIALS if call is Call.SIGN_IN else CHECK_ADDRESS
    return ClassifiedResponse(Verdict.STOP, fix=fix)


def _unreadable(call: Call) -> ClassifiedResponse:
    """Classify a response that doesn't say what was done. It is never a reason to send again."""
    verdict = Verdict.DOUBT if call is Call.CREATE else Verdict.RETRY
    return ClassifiedResponse(verdict, unreadable=True)


def _done(
    call: Call, status: int, headers: Mapping[str, str], parsed: Any
) -> ClassifiedResponse | None:
    """Classify a 2xx that doesn't say it failed. None: it can't be read."""
    envelope = parsed if isinstance(parsed, dict) else {}
    if call is Call.CREATE:
        data = envelope.get("data") if envelope.get("success") is True else None
        clopos_id = as_id(data.get("id")) if isinstance(data, dict) else None
        if clopos_id is None or not isinstance(data, dict):
            return None
        cid = _lower(data.get("cid"))
        return ClassifiedResponse(Verdict.OK, status, headers, data, id=clopos_id, cid=cid)
    if call is Call.SIGN_IN:
        token = envelope.get("token")
        if isinstance(token, str) and _HEADER_VALUE.fullmatch(token):
            return ClassifiedResponse(Verdict.OK, status, headers, parsed)
        return None
    if isinstance(parsed, list):
        return ClassifiedResponse(Verdict.OK, status, headers, parsed)
    # A list in its envelope, a customer in its envelope, or a bare customer (API facts §5.2, §5.4).
    data = envelope.get("data", envelope if "id" in envelope else None)
    total = _total(envelope)
    if not isinstance(data, list | dict) or (total is not None and not 0 <= total < _MOST):
        return None
    return ClassifiedResponse(Verdict.OK, status, headers, data, total)


def as_id(value: Any) -> str | None:
    """Return an id as text; integers and strings are both met (API facts §10.5)."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        value = str(value)
    text = value.strip() if isinstance(value, str) else ""
    return text if _ID.fullmatch(text) else None


def _configuration(parsed: Any) -> ClassifiedResponse | None:
    text = _all_text(parsed)
    for pattern, fix in _CONFIGURATION:
        if re.search(pattern, text, re.IGNORECASE):
            return ClassifiedResponse(Verdict.STOP, fix=fix, configuration=True)
    return None


def _total(parsed: dict[str, Any]) -> int | None:
    """Return how many matches a list has, in either envelope that has it (API facts §5.2)."""
    pagination = parsed.get("pagination")
    total = parsed.get("total", pagination.get("total") if isinstance(pagination, dict) else None)
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _parse(body: bytes) -> Any:
    """Return the body as JSON, None when it isn't any.

    Half a surrogate pair, which JSON can say and UTF-8 can't, becomes a question mark.
    """
    try:
        parsed = json.loads(body.removeprefix(BOM_UTF8).decode())
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
        for field, sentences in details.items() if isinstance(details, dict) else ():
            texts = sentences if isinstance(sentences, list) else [sentences]
            found += [f"{field}: {each}" for each in texts if isinstance(each, str)]
    return found


def _message_texts(parsed: Any) -> list[str]:
    """Return the words for people of an answer."""
    message = parsed.get("message") if isinstance(parsed, dict) else None
    return [message] if isinstance(message, str) else []


def _all_text(parsed: Any) -> str:
    return " ".join([*_error_texts(parsed), *_message_texts(parsed), *_details(parsed)])


def _field(parsed: Any) -> str | None:
    """Return the field a clash is about: in `error` first, then in `message` (API facts §4.4)."""
    for texts in (_error_texts(parsed), _message_texts(parsed), _details(parsed)):
        if match := _FIELD.search(" ".join(texts)):
            return match[1].lower()
    return None


def _slug(parsed: Any, hide: Iterable[str]) -> str:
    """Return `error` where it is a stable identifier, "" where it is missing or anything else."""
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if not isinstance(error, str) or len(error) > 40 or not _SLUG.fullmatch(error):
        return ""
    hidden = [value.lower() for value in hide if value]
    return "" if any(error in value or value in error for value in hidden) else error


def _text(parsed: Any, secrets: Iterable[str], values: Iterable[str]) -> str:
    """Return the text of a response for people: on one line, short, redacted."""
    parts = [*_message_texts(parsed), *_error_texts(parsed), *_details(parsed)]
    text = ": ".join(dict.fromkeys(part for part in parts if part))[: 10 * _LONGEST_MESSAGE]
    text = redact(text, secrets, values) if text else ""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_LONGEST_MESSAGE]


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None
