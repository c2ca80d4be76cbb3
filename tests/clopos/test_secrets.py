"""Secrets and personal data are in no error, log or repr."""

from __future__ import annotations

import base64
import html
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from importer.clopos import Clopos, RateLimiter
from importer.clopos.redact import redact
from importer.errors import ServiceError, UsageError
from importer.settings import read_settings
from tests.clopos.conftest import (
    ENV,
    V2,
    client,
    create,
    now,
    server,
)


async def test_no_secret_is_in_errors_reprs_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    secret, token = ENV["CLOPOS_CLIENT_SECRET"], "plain-token-0815"
    caplog.set_level(logging.DEBUG)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": token})
        said = f"bad request with {secret} and {request.headers['x-token']} in it"
        return web.json_response({"success": False, "error": said}, status=403)

    async with server(answer) as (url, _):
        settings = read_settings(V2 | {"CLOPOS_BASE_URL": url})
        async with Clopos(settings, RateLimiter(()), now=now) as api:
            with pytest.raises(ServiceError, match="HTTP 403") as caught:
                await create(api)
            told = [caught.value.what, caught.value.why, caught.value.fix, repr(caught.value)]
            told += [repr(settings), repr(api), caplog.text]
            for text in map(str, told):
                assert secret not in text
                assert token not in text


def test_client_needs_credentials() -> None:
    with pytest.raises(UsageError, match="CLOPOS_CLIENT_ID"):
        Clopos(read_settings({"CLOPOS_BRAND": "demo", "CLOPOS_VENUE_ID": "1"}), RateLimiter(()))


SECRET = "s3cr&t<Ə>-4711/0815+x"
SPELLINGS = {
    "as it is": SECRET,
    "in JSON": json.dumps(SECRET),
    "in HTML": html.escape(SECRET),
    "in a URL": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in base64 of more": base64.b64encode(b"id:" + SECRET.encode()).decode(),
    "in base64 of a header": base64.b64encode(b"demo" + SECRET.encode() + b"x").decode(),
    "in hexadecimal": SECRET.encode().hex(),
    "in capitals": SECRET.upper(),
    "cut": SECRET[:12],
    "its end": SECRET[-9:],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_secret_is_hidden_in_any_spelling(spelling: str) -> None:
    text = f"denied {SPELLINGS[spelling]} here"
    shown = redact(text, [SECRET], [])
    pieces = {SPELLINGS[spelling][at : at + 8] for at in range(len(SPELLINGS[spelling]) - 7)}
    # In base64, characters at either end encode it together with the text around it.
    left = [piece for piece in pieces if piece in shown]
    assert len(left) <= (4 if "of" in spelling else 0), shown
    assert shown.startswith("denied ")
    assert shown.endswith(" here")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("+994501234567", "phone 0501234567 is taken"),
        ("+994501234567", "phone 050 123-45-67 is taken"),
        ("+994501234567", "phone (+994) 50 123 45 67 is taken"),
        ("Leyla Demo", "name LEYLA DEMO is taken"),
        ("a.b@example.com", "A.B@Example.com is taken"),
        ("O'Neil & Co", "O&#x27;Neil &amp; Co is taken"),
    ],
)
def test_value_of_a_row_is_hidden_in_any_spelling(value: str, text: str) -> None:
    shown = redact(text, [], [value])
    assert "…" in shown
    assert shown.endswith(" is taken")
    assert not any(word in shown.lower() for word in ("leyla", "123", "example", "neil"))


@given(st.text(max_size=60), st.text(max_size=30), st.lists(st.text(max_size=12), max_size=3))
def test_redacting_hides_every_given_secret_and_never_raises(
    text: str, secret: str, values: list[str]
) -> None:
    shown = redact(f"{text}{secret}{text}", [secret], values)
    if len(secret) >= 3 and "…" not in secret:
        assert secret not in shown or secret in "……"
    assert redact(text, [], []) == text or "eyJ" in text or "oauth_" in text


async def test_refused_look_up_shows_and_logs_no_value_of_the_row(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.json_response({"error": f"bad filter {request.query_string}"}, status=400)

    async with server(answer) as (url, _), client(V2 | {"CLOPOS_BASE_URL": url}) as api:
        with pytest.raises(ServiceError, match="Clopos refuses: HTTP 400") as caught:
            await api.by_name("Leyla")
    error = caught.value
    assert "Leyla" not in f"{error.what}{error.why}{error.fix}{caplog.text}"


async def test_refused_sign_in_shows_no_text_of_the_server() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        sent = (await request.json())["client_secret"]
        return web.json_response({"message": f"no: {sent[::-1]}", "error": sent}, status=401)

    async with server(answer) as (url, _), client(V2 | {"CLOPOS_BASE_URL": url}) as api:
        with pytest.raises(ServiceError) as caught:
            await api.page(1)
    assert caught.value.what == "Clopos refuses: HTTP 401"
    assert caught.value.why is None
