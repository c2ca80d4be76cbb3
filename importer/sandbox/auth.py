"""Signing in, and who a token belongs to (API facts §3).

Tokens are signed and hold all their data: they stay valid when the sandbox is restarted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from importer.sandbox.responses import VENUE, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.sandbox.config import Config

TEST_MODE = "Integrator is in test mode. But brand is not in test mode"
HEADER = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Sender of a request, by its token and headers."""

    key: str  # what quotas are counted by: integrator_id:brand, or client_id on v1
    brand: str
    venue_id: int


class RefusedError(Exception):
    """The request ends here, with this failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def refuse(
    status: int,
    sentence: str,
    slug: str = "unauthorized",
    *,
    form: str = "sentence",
    **extra: Any,
) -> RefusedError:
    """Return a refusal whose message and `error` are the same; `extra` goes into the body."""
    return RefusedError(Failure(status, sentence, slug, sentence, form, extra=extra))


def sign_in(body: Any, version: int, config: Config, now: float) -> dict[str, Any]:
    """Return the answer to `POST /auth`. `now` in epoch seconds.

    Raises RefusedError as API facts §3.4 lists it.
    """
    named = "venue_id" if version == 1 else "integrator_id"
    names = ("client_id", "client_secret", "brand", named)
    given = body if isinstance(body, dict) else {}
    if not all(isinstance(given.get(name), str) and given[name] for name in names):
        raise refuse(400, f"Missing {', '.join(names[:3])}, or {named}", "validation_failed")
    brand, client = given["brand"], given["client_id"]
    if version == 2:
        # Before the credentials: the gateway knows its integrators, the upstream its clients.
        _check_integrator(given["integrator_id"], brand, config, unknown=400, test_mode=200)
    if client in config.disabled_clients:
        raise refuse(config.disabled_status, "Client is disabled", "client_disabled")
    right = (client, given["client_secret"]) == (config.client_id, config.client_secret)
    known = brand in (*config.brands, *config.test_brands)
    if version == 1 and given["venue_id"] != str(VENUE["id"]):
        known = False
    if not (right and known):
        message, form = "Invalid credentials", "slug" if version == 1 else "message"
        status = config.refused_status if version == 1 else 401
        raise RefusedError(Failure(status, message, "authentication_failed", message, form))
    expires = int(now + config.token_seconds)
    answer = {"success": True, "token": "", "token_type": "Bearer"}
    answer["expires_in"] = int(config.token_seconds)
    if version == 2:
        answer["token"] = _jwt(_claims(given, now, expires), config)
        answer["expires_at"] = expires
    else:
        answer["token"] = _opaque(brand, expires, secrets.token_hex(8), config)
    return answer | {"message": "Authentication successful"}


def identify(headers: Mapping[str, str], version: int, config: Config, now: float) -> Caller:
    """Return whose request it is. `headers` are looked up in lower case.

    Raises RefusedError, 401 (API facts §3.4); 404 when the venue doesn't exist.
    """
    needed = ("x-token", "x-brand", "x-venue") if version == 1 else ("x-token",)
    if not all(headers.get(name) for name in needed):
        message, sentence = "Missing authentication headers", "Headers are missing"
        form = "slug" if version == 1 else "sentence"
        raise RefusedError(Failure(401, message, "unauthorized", sentence, form))
    token = headers["x-token"]
    if version == 1:
        brand = headers["x-brand"]
        expires = _opaque_expiry(token, brand, config)
        key, venue = config.client_id, headers["x-venue"]
    else:
        claims = _jwt_claims(token, config.client_secret)
        brand, expires = claims["brand"], claims["exp"]
        key, venue = f"{claims['integrator_id']}:{brand}", headers.get("x-venue") or "1"
        _check_integrator(claims["integrator_id"], brand, config, unknown=401, test_mode=401)
    if now >= expires:
        raise expired(expires)
    if venue != str(VENUE["id"]):
        raise RefusedError(Failure(404, "Venue not found", "not_found", "Not found!"))
    return Caller(key, brand, int(venue))


def expired(at: float) -> RefusedError:
    """Return the refusal of an old token, which names the time in ISO 8601 here (§3.2)."""
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return refuse(401, "Token expired", expires_at=moment.replace("+00:00", "Z"))


def _check_integrator(
    integrator: str, brand: str, config: Config, *, unknown: int, test_mode: int
) -> None:
    if integrator not in (*config.integrators, *config.test_integrators):
        raise refuse(unknown, "Invalid integrator_id")
    if integrator in config.test_integrators and brand not in config.test_brands:
        raise refuse(test_mode, TEST_MODE)


def _claims(given: Mapping[str, str], now: float, expires: int) -> dict[str, Any]:
    return {
        "token": f"oauth_{secrets.token_hex(32)}",
        "brand": given["brand"],
        "stage": "production",
        "venue_id": VENUE["id"],
        "integrator_id": given["integrator_id"],
        "iat": int(now),
        "exp": expires,
    }


def _mac(text: str, secret: str) -> bytes:
    return hmac.digest(secret.encode(), _raw(text), hashlib.sha256)


def _opaque(brand: str, expires: int, nonce: str, config: Config) -> str:
    """Return `oauth_` and 64 characters: expiry, a random part, and what proves them."""
    head = f"{expires:016x}{nonce}"
    return f"oauth_{head}{_mac(f'{head}:{brand}', config.client_secret).hex()[:32]}"


def _opaque_expiry(token: str, brand: str, config: Config) -> int:
    head = token[6:38]
    try:
        expires = int(head[:16], 16)
    except ValueError:
        raise refuse(401, "Invalid token") from None
    if not _same(token, _opaque(brand, expires, head[16:], config)):
        raise refuse(401, "Invalid token")
    return expires


def _jwt(claims: Mapping[str, Any], config: Config) -> str:
    """Return the claims as a JSON Web Token signed with HS256 (RFC 7519, RFC 7515)."""
    text = ".".join(
        _base64(json.dumps(part, separators=(",", ":")).encode()) for part in (HEADER, claims)
    )
    return f"{text}.{_base64(_mac(text, config.client_secret))}"


@lru_cache(maxsize=256)
def _jwt_claims(token: str, secret: str) -> Mapping[str, Any]:
    text, _, signature = token.rpartition(".")
    if not (text and _same(signature, _base64(_mac(text, secret)))):
        raise refuse(401, "Invalid token")
    payload = text.partition(".")[2]
    padded = payload + "=" * (-len(payload) % 4)
    claims: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return claims


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(_raw(one), _raw(other))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # a header may hold any byte
