"""Verdicts on responses: every row of the tables in API facts, and any other response."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.clopos.responses import Call, ClassifiedResponse, Verdict, as_id, classify_response

NOW = 1_763_109_077.0
CREATED = {"success": True, "data": {"id": 14, "cid": "7D0F6A1E-0000-4000-8000-000000000001"}}
HTML = "<html><head><title>502 Bad Gateway</title></head><body>…</body></html>"
DUPLICATE = {
    "success": False,
    "message": "Customer with this phone number already exists",
    "error": "duplicate_phone",
}
NOT_FOUND = {
    "error": [
        {
            "message": "No query results for model [App\\Models\\Client\\Marketing\\Customer] 1000",
            "type": "server_side",
            "exception": "NotFoundHttpException",
            "http_code": 404,
        }
    ]
}


def classified(
    call: Call, status: int, body: Any, headers: dict[str, str] | None = None
) -> ClassifiedResponse:
    """Classify a response; a body that isn't text is encoded as JSON."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return classify_response(call, status, headers or {}, text.encode(), now=NOW)


@dataclass
class Row:
    """One row of a table: a response and the expected verdict."""

    status: int
    body: Any
    verdict: Verdict
    expect: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.status} {str(self.body)[:60]}"

    def check(self, call: Call) -> None:
        """Compare the verdict on the response with the expected one."""
        answer = classified(call, self.status, self.body)
        assert answer.verdict is self.verdict
        for name, value in self.expect.items():
            found = getattr(answer, name)
            assert value in found if name in {"fix", "message"} else found == value


def error_body(error: Any = None, message: str | None = None) -> dict[str, Any]:
    pairs = {"success": False, "message": message, "error": error}
    return {name: value for name, value in pairs.items() if value is not None}


# -- signing in (API facts §3.4) --------------------------------------------------------------

TEST_MODE = "Integrator is in test mode. But brand is not in test mode"
SIGN_IN = [
    Row(
        400,
        error_body("Missing client_id, client_secret, brand, or integrator_id"),
        Verdict.STOP,
        {"fix": "CLOPOS_ variables"},
    ),
    Row(400, error_body("Invalid integrator_id"), Verdict.STOP, {"fix": "CLOPOS_INTEGRATOR_ID"}),
    Row(200, error_body(TEST_MODE), Verdict.STOP, {"fix": "test mode"}),
    Row(401, error_body(message="Unauthenticated."), Verdict.STOP, {"fix": "CLOPOS_CLIENT_SECRET"}),
    *(
        Row(status, error_body("Client is disabled"), Verdict.STOP, {"fix": "module"})
        for status in (200, 400, 401, 403, 423, 500, 503)
    ),
    Row(429, error_body("Too Many Attempts."), Verdict.THROTTLED, {"wait": None}),
    Row(429, "", Verdict.THROTTLED),
    *(
        Row(
            status,
            error_body("authentication_failed", "Invalid credentials"),
            Verdict.STOP,
            {"fix": "CLOPOS_CLIENT_ID", "message": "Invalid credentials"},
        )
        for status in (400, 401)
    ),
    Row(404, error_body("not_found"), Verdict.STOP, {"fix": "CLOPOS_BASE_URL"}),
    Row(405, HTML, Verdict.STOP, {"fix": "CLOPOS_BASE_URL"}),
    Row(301, "", Verdict.STOP, {"fix": "CLOPOS_BASE_URL", "message": "redirected: HTTP 301"}),
    Row(407, HTML, Verdict.STOP, {"fix": "HTTPS_PROXY"}),
    Row(200, {"success": True, "token": "oauth_0"}, Verdict.OK),
    Row(200, {"token": "at_live_0", "expires_in": 3600}, Verdict.OK),
    Row(200, {"success": False}, Verdict.STOP),
    *(
        Row(200, {"success": True, "token": bad}, Verdict.RETRY)
        for bad in ("", None, 7, ["x"], "two\r\nlines", "ə")
    ),
    Row(200, HTML, Verdict.RETRY),
    *(Row(status, HTML, Verdict.RETRY) for status in (500, 502, 503, 504, 408)),
]


@pytest.mark.parametrize("row", SIGN_IN, ids=repr)
def test_sign_in_responses_are_classified(row: Row) -> None:
    row.check(Call.SIGN_IN)


# -- a token that is refused (§3.4) -----------------------------------------------------------

TOKEN = [
    Row(401, error_body("Headers are missing"), Verdict.STOP, {"fix": "CLOPOS_"}),
    Row(
        401,
        error_body("unauthorized", "Missing authentication headers"),
        Verdict.STOP,
        {"fix": "CLOPOS_"},
    ),
    Row(
        401,
        error_body("Token expired") | {"expires_at": "2026-01-08T06:05:32.000Z"},
        Verdict.SIGN_IN_AGAIN,
    ),
    Row(401, error_body("Invalid token"), Verdict.SIGN_IN_AGAIN),
    Row(401, error_body("Invalid integrator_id"), Verdict.STOP, {"fix": "revoked"}),
    Row(401, error_body(TEST_MODE), Verdict.STOP, {"fix": "test mode"}),
    Row(401, error_body(message="Unauthenticated."), Verdict.SIGN_IN_AGAIN),
    Row(401, error_body("something_new"), Verdict.SIGN_IN_AGAIN),
    Row(401, "", Verdict.SIGN_IN_AGAIN),
    Row(401, HTML, Verdict.SIGN_IN_AGAIN),
    Row(403, error_body("forbidden", "insufficient permissions"), Verdict.STOP, {"fix": "right"}),
    Row(402, "", Verdict.STOP),
    Row(200, error_body(TEST_MODE), Verdict.STOP, {"fix": "test mode"}),
    Row(200, error_body("Client is disabled"), Verdict.STOP, {"fix": "module"}),
    Row(429, error_body("Too Many Attempts."), Verdict.THROTTLED),
    Row(429, HTML, Verdict.THROTTLED),
    Row(302, "", Verdict.STOP, {"message": "redirected"}),
]


@pytest.mark.parametrize("call", [Call.CREATE, Call.READ])
@pytest.mark.parametrize("row", TOKEN, ids=repr)
def test_responses_to_a_refused_token_or_a_missing_right_are_classified(
    row: Row, call: Call
) -> None:
    row.check(call)


# -- creating (§4.2, §4.3, §4.4) --------------------------------------------------------------

UNREADABLE: list[Any] = [
    {"success": True},
    {"success": True, "data": {}},
    {"success": True, "data": None},
    {"success": True, "data": [{"id": 14}]},
    {"success": True, "data": {"id": None}},
    {"success": True, "data": {"id": ""}},
    {"success": True, "data": {"id": True}},
    {"success": True, "data": {"id": 14.5}},
    {"success": True, "data": {"id": "14\n=1+1"}},
    {"success": "true", "data": {"id": 14}},
    {"data": {"id": 14}},
    {"success": None, "data": {"id": 14}},
    [],
    17,
    "",
    '{"success":true,"data":{"name":"',
    HTML,
]
LOST: list[Any] = ["", HTML, error_body("internal_error"), CREATED]
CREATE = [
    Row(
        200,
        CREATED,
        Verdict.OK,
        {"id": "14", "cid": CREATED["data"]["cid"].lower()},  # type: ignore[index]
    ),
    Row(201, CREATED, Verdict.OK, {"id": "14"}),
    Row(200, {"success": True, "data": {"id": "14"}}, Verdict.OK, {"id": "14", "cid": None}),
    Row(200, "﻿" + json.dumps(CREATED), Verdict.OK, {"id": "14"}),
    # A 2xx without the id of the customer
    *(Row(200, body, Verdict.DOUBT) for body in UNREADABLE),
    Row(204, "", Verdict.DOUBT),
    # Refused because of values of the row
    Row(
        400,
        error_body("The name field is required.", "Validation failed"),
        Verdict.REJECTED,
        {"message": "Validation failed: The name field is required."},
    ),
    Row(400, {"success": False}, Verdict.REJECTED, {"message": "HTTP 400"}),
    Row(400, CREATED, Verdict.REJECTED),
    Row(422, {"message": "The given data was invalid."}, Verdict.REJECTED),
    Row(400, "nonsense", Verdict.REJECTED),
    Row(
        400,
        {"error": "validation_failed", "message": "No", "details": {"phone": "is too long"}},
        Verdict.REJECTED,
        {"message": "phone: is too long"},
    ),
    Row(413, HTML, Verdict.REJECTED),
    Row(418, HTML, Verdict.REJECTED),
    # Values of another customer
    Row(409, DUPLICATE, Verdict.CONFLICT, {"field": "phone"}),
    Row(409, error_body("duplicate_code"), Verdict.CONFLICT, {"field": "code"}),
    Row(409, error_body("duplicate_cid"), Verdict.CONFLICT, {"field": "cid"}),
    Row(
        409,
        error_body(message="Customer with this code exists"),
        Verdict.CONFLICT,
        {"field": "code"},
    ),
    Row(
        409,
        error_body("duplicate_cid", "the phone number already exists"),
        Verdict.CONFLICT,
        {"field": "cid"},
    ),
    Row(409, error_body([{"message": "duplicate", "code": "duplicate_phone"}]), Verdict.CONFLICT),
    Row(
        409,
        error_body([{"message": "Customer with this phone already exists", "http_code": 409}]),
        Verdict.CONFLICT,
        {"field": "phone"},
    ),
    Row(409, {"success": False}, Verdict.CONFLICT, {"field": None}),
    Row(409, "", Verdict.CONFLICT, {"field": None}),
    Row(409, HTML, Verdict.CONFLICT, {"field": None}),
    *(
        Row(status, error_body(f"The phone {words}"), Verdict.CONFLICT, {"field": "phone"})
        for status in (200, 400, 422)
        for words in ("is a duplicate", "Already Exists", "has already been taken", "is not unique")
    ),
    Row(
        422,
        {"message": "Invalid", "errors": {"code": ["The code has already been taken."]}},
        Verdict.CONFLICT,
        {"field": "code"},
    ),
    Row(
        400,
        {"error": "validation_failed", "message": "No", "details": {"phones": "already exists"}},
        Verdict.CONFLICT,
        {"field": "phone"},
    ),
    Row(422, error_body([{"message": "The cid has already been taken."}]), Verdict.CONFLICT),
    Row(422, '"The phone has already been taken."', Verdict.CONFLICT, {"field": "phone"}),
    # A failure, whatever the status
    Row(200, error_body("whatever"), Verdict.FAILED, {"message": "whatever"}),
    Row(201, {"success": False}, Verdict.FAILED, {"message": "HTTP 201"}),
    Row(200, error_body() | {"data": {"id": 14}}, Verdict.FAILED),
    Row(
        200, error_body() | {"data": CREATED["data"]}, Verdict.FAILED
    ),  # the customer of another row
    # Refused for a reason that all requests share
    Row(404, NOT_FOUND, Verdict.STOP, {"fix": "CLOPOS_BASE_URL"}),
    Row(405, error_body(message="Method not allowed"), Verdict.STOP, {"fix": "CLOPOS_BASE_URL"}),
    Row(407, HTML, Verdict.STOP, {"fix": "HTTPS_PROXY"}),
    # unknown to all
    *(
        Row(status, body, Verdict.DOUBT)
        for status in (500, 502, 503, 504, 520, 599, 408, 425, 100, 0)
        for body in LOST
    ),
    Row(503, error_body("Client is disabled"), Verdict.DOUBT),
]


@pytest.mark.parametrize("row", CREATE, ids=repr)
def test_create_responses_are_classified(row: Row) -> None:
    row.check(Call.CREATE)


# -- reading (§5.2, §5.4, §8.2) ---------------------------------------------------------------

ONE = {"id": 1, "name": "Demo"}
READ = [
    Row(200, [ONE], Verdict.OK, {"data": [ONE], "total": None}),
    Row(200, {"success": True, "data": [ONE], "total": 7}, Verdict.OK, {"data": [ONE], "total": 7}),
    Row(
        200,
        {"success": True, "data": [ONE], "total": 7, "time": 1, "unix": 2, "sorts": []},
        Verdict.OK,
        {"data": [ONE], "total": 7},
    ),
    Row(
        200,
        {"data": [ONE], "pagination": {"page": 1, "per_page": 50, "total": 7, "total_pages": 1}},
        Verdict.OK,
        {"data": [ONE], "total": 7},
    ),
    Row(200, {"data": [ONE], "pagination": [7]}, Verdict.OK, {"total": None}),
    Row(200, {"data": [], "total": "7"}, Verdict.OK, {"total": None}),
    Row(200, {"data": [], "total": True}, Verdict.OK, {"total": None}),
    Row(200, ONE, Verdict.OK, {"data": ONE}),
    Row(200, {"success": True, "data": ONE}, Verdict.OK, {"data": ONE}),
    # Neither a list nor a customer: treating it as an empty page would be wrong
    *(
        Row(200, body, Verdict.RETRY)
        for body in ({}, {"success": True}, {"success": True, "data": None}, 7, "", HTML)
    ),
    Row(404, NOT_FOUND, Verdict.MISSING),
    Row(404, error_body("resource_not_found"), Verdict.MISSING),
    Row(404, error_body("Not found!"), Verdict.MISSING),
    Row(404, HTML, Verdict.MISSING),
    Row(400, error_body("invalid_parameter"), Verdict.STOP),
    Row(409, error_body("odd"), Verdict.STOP),
    Row(200, {"success": False}, Verdict.STOP),
    *(Row(status, HTML, Verdict.RETRY) for status in (500, 502, 503, 504, 408, 425, 101)),
    Row(503, error_body("Client is disabled"), Verdict.STOP),
]


@pytest.mark.parametrize("row", READ, ids=repr)
def test_read_responses_are_classified(row: Row) -> None:
    row.check(Call.READ)


# -- how long to wait (§7.2, §7.3, §7.4) ------------------------------------------------------

WAITS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"RateLimit-Reset": "17"}, 17),
    ({"ratelimit-reset": " 17 "}, 17),
    ({"RateLimit-Reset": "0"}, 0),
    ({"RateLimit-Reset": "2.5"}, 2.5),
    ({"X-RateLimit-Reset": str(int(NOW) + 40)}, 40),
    ({"X-RateLimit-Reset": "30"}, 30),  # seconds after all
    ({"RateLimit-Reset": str(int(NOW) + 40)}, 40),  # a point in time after all
    ({"X-RateLimit-Reset": str(int(NOW) - 40)}, 0),
    ({"Retry-After": "12"}, 12),
    ({"Retry-After": "Fri, 14 Nov 2025 08:31:47 GMT"}, 30),
    ({"Retry-After": "Fri, 14 Nov 2025 08:31:07 GMT"}, 0),
    ({"Retry-After": "12", "RateLimit-Reset": "20"}, 20),
    ({"RateLimit-Reset": "999999"}, 3600),
    # A time in seconds, milliseconds or finer, in any of the headers
    ({"Retry-After": str(int(NOW) + 7), "RateLimit-Reset": "7"}, 7),
    *(
        ({name: str((int(NOW) + 4) * scale)}, 4)
        for name in ("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset")
        for scale in (1, 1000, 1_000_000, 1_000_000_000)
    ),
    # Relative to the clock of the server, where it is shown; ours may be wrong.
    (
        {"Retry-After": "Fri, 14 Nov 2025 09:31:47 GMT", "Date": "Fri, 14 Nov 2025 09:31:37 GMT"},
        10,
    ),
    ({"X-RateLimit-Reset": str(int(NOW) + 40), "Date": "some day"}, 40),
    *(
        ({name: value}, None)
        for name in ("RateLimit-Reset", "X-RateLimit-Reset", "Retry-After")
        for value in ("", "soon", "-5", "1e3", "NaN", "١٢")
    ),
]


@pytest.mark.parametrize(("headers", "wait"), WAITS, ids=str)
def test_wait_after_a_429_is_read_from_its_headers(
    headers: dict[str, str], wait: float | None
) -> None:
    for call in Call:
        answer = classified(call, 429, {"success": True, "data": {"id": 1}}, headers)
        assert (answer.verdict, answer.wait) == (Verdict.THROTTLED, wait)


# -- words for people -------------------------------------------------------------------------


def test_messages_are_short_and_printable_and_have_no_tokens() -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJicmFuZCI6ImEifQ.c2lnbmF0dXJl"
    for text in (f"bad token {jwt}!", f"bad\x1b[31m token\n\u202e oauth_{'a1' * 32} !"):
        answer = classified(Call.CREATE, 400, error_body(text))
        assert answer.message.isprintable()
        assert "bad" in answer.message
        assert "…" in answer.message
        assert "c2lnbmF0dXJl" not in answer.message
        assert "a1a1" not in answer.message
    assert len(classified(Call.CREATE, 400, error_body("x" * 9999)).message) == 300


def test_hidden_value_is_not_in_the_message() -> None:
    who = {"name": "Əlif Demo", "phone": "+994500000001", "code": "7"}
    body = json.dumps(
        error_body(f"{json.dumps(who)} has name Əlif Demo: taken", "x" * 200)
    ).encode()
    response = classify_response(Call.CREATE, 409, {}, body, now=NOW, values=who.values())
    message = response.message
    assert not any(word in message for word in ("lif", "Demo", "9450"))
    assert "has name …: taken" in message


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 422, 500])
def test_refusal_that_shows_the_rows_own_customer_is_doubt(status: int) -> None:
    body = json.dumps(error_body("whatever") | {"data": CREATED["data"]}).encode()
    for cid, doubt in ((str(CREATED["data"]["cid"]), True), ("another", status == 500)):  # type: ignore[index]
        response = classify_response(Call.CREATE, status, {}, body, now=NOW, cid=cid)
        assert (response.verdict is Verdict.DOUBT) == doubt


@pytest.mark.parametrize("call", [Call.SIGN_IN, Call.READ])
def test_refused_read_or_sign_in_shows_status_and_error_slug_only(call: Call) -> None:
    for error, reason in (("invalid_parameter", " invalid_parameter"), ("Leyla is bad", "")):
        response = classified(call, 400, error_body(error, "filters[0][1]=Leyla is no filter"))
        assert response.message == response.reason == f"HTTP 400{reason}"


def test_error_slug_that_repeats_the_request_is_not_shown() -> None:
    body = json.dumps(error_body("leyla_demo")).encode()
    response = classify_response(Call.READ, 400, {}, body, now=NOW, values=["Leyla_Demo"])
    assert response.reason == "HTTP 400"


def test_half_a_surrogate_pair_changes_no_other_character() -> None:
    body = '{"success":true,"data":[{"id":1,"name":"A\\ud83d"},{"id":2,"name":"\\ud83d\\ude00"}]}'
    answer = classify_response(Call.READ, 200, {}, body.encode(), now=NOW)
    assert [each["name"] for each in answer.data] == ["A?", "\U0001f600"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (14, "14"),
        ("14", "14"),
        (" a-1_ ", "a-1_"),
        (True, None),
        (1.0, None),
        ("", None),
        ("a b", None),
        ("1" * 65, None),
        (None, None),
        ({}, None),
        ("=1", None),
        ("1" * 18, "1" * 18),
        ("1" * 19, None),  # beyond the integers of databases
        (10**400, None),
    ],
)
def test_id_is_text_of_letters_and_digits(value: Any, text: str | None) -> None:
    assert as_id(value) == text


# -- any response -----------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["Token expired", "Client is disabled", "already exists", "duplicate_phone", TEST_MODE, "id"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
NAMES = st.sampled_from(["success", "error", "message", "data", "id", "token", "total", "details"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode())
HEADERS = st.dictionaries(
    st.sampled_from(["RateLimit-Reset", "X-RateLimit-Reset", "Retry-After", "X"]),
    st.text(max_size=12) | st.integers(0, 10**12).map(str),
)


@given(st.sampled_from(Call), st.integers(-1, 999), HEADERS, BODIES)
def test_every_response_gets_a_verdict_and_a_2xx_is_never_resent(
    call: Call, status: int, headers: dict[str, str], body: bytes
) -> None:
    answer = classify_response(call, status, headers, body, now=NOW)
    assert answer.message.isprintable()
    assert len(answer.message) <= 300
    assert answer.wait is None or 0 <= answer.wait <= 3600
    if call is Call.CREATE:
        # Only requests that certainly created no customer are resent here, never after a 2xx.
        assert answer.verdict not in {Verdict.RETRY, Verdict.MISSING}
        if 200 <= status < 300:
            assert answer.verdict not in {Verdict.SIGN_IN_AGAIN, Verdict.THROTTLED}
        if status >= 500:
            assert answer.verdict is Verdict.DOUBT
        assert (answer.id is not None) == (answer.verdict is Verdict.OK)
    else:
        assert answer.verdict not in {Verdict.DOUBT, Verdict.CONFLICT, Verdict.REJECTED}
    if answer.verdict is Verdict.STOP:
        assert answer.fix


def test_too_deeply_nested_body_is_no_json() -> None:
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b"\xff\xfe{}"):
        assert classify_response(Call.CREATE, 200, {}, body, now=NOW).verdict is Verdict.DOUBT
