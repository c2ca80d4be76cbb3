"""HTTP interface for other processes: customers, requests, and faults to come.

    GET    /sandbox/customers    all of them, hidden ones too
    POST   /sandbox/customers    create one as another client would: its fields, `brand`, `hidden`
    DELETE /sandbox/customers    delete the one with `id`; with `hidden`, it blocks its values
    GET    /sandbox/requests     the log
    GET    /sandbox/faults       how many scripted faults wait
    POST   /sandbox/faults       script one, or an array of them: see faults.Fault
    DELETE /sandbox/faults       forget them
    GET    /sandbox/config       the switches: see config.Config
    POST   /sandbox/config       change some

All JSON, 415 for anything else. What can't be done is 400 with `error` and `fix`; a value that
is taken is 409; what a web page of elsewhere sends (Host, Origin) is 403.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.errors import UsageError
from importer.sandbox.fault_responses import as_json
from importer.sandbox.store import ClashError

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.sandbox.server import Sandbox


def add_inspection(app: web.Application, sandbox: Sandbox) -> None:
    """Add the routes off the API's prefix."""
    does: dict[tuple[str, str], Callable[[Any], Any]] = {
        ("GET", "customers"): lambda _: sandbox.customers(),
        ("POST", "customers"): lambda body: sandbox.add(**_object(body)),
        ("DELETE", "customers"): lambda body: _remove(sandbox, **_object(body)),
        ("GET", "requests"): lambda _: sandbox.requests(),
        ("GET", "faults"): lambda _: {"waiting": sandbox.faults.waiting},
        ("POST", "faults"): lambda body: _script(sandbox, body),
        ("DELETE", "faults"): lambda _: _forget(sandbox),
        ("GET", "config"): lambda _: asdict(sandbox.config),
        ("POST", "config"): lambda body: _change(sandbox, body),
    }
    for (method, name), do in does.items():
        app.router.add_route(method, f"/sandbox/{name}", _handler(do))


def _handler(do: Callable[[Any], Any]) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        status, answer = 200, None  # type: int, Any
        try:
            text = await request.text()
            if text and request.content_type != "application/json":
                status, answer = 415, {"error": "Content-Type has to be application/json"}
            else:
                answer = do(json.loads(text) if text else None)
        except (ValueError, RecursionError) as error:
            status, answer = 400, {"error": "This isn't JSON", "fix": str(error)}
        except TypeError as error:
            status, answer = 400, {"error": "This can't be done", "fix": str(error)}
        except UsageError as error:
            status, answer = 400, {"error": error.what, "why": error.why, "fix": error.fix}
        except ClashError as clash:
            status, answer = 409, {"error": f"{clash.field} is taken"}
        body = as_json(status, answer).body
        return web.Response(status=status, body=body, content_type="application/json")

    return handle


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise UsageError("An object is needed here")
    return body


def _remove(sandbox: Sandbox, *, id: int, hidden: bool = False) -> dict[str, int]:  # noqa: A002
    sandbox.remove(id, hidden=hidden)
    return {"removed": id}


def _script(sandbox: Sandbox, body: Any) -> dict[str, int]:
    for fault in body if isinstance(body, list) else [body]:
        details = dict(_object(fault))
        sandbox.faults.add(details.pop("kind", ""), **details)
    return {"waiting": sandbox.faults.waiting}


def _forget(sandbox: Sandbox) -> dict[str, int]:
    sandbox.faults.clear()
    return {"waiting": 0}


def _change(sandbox: Sandbox, body: Any) -> dict[str, Any]:
    sandbox.change(**_object(body))
    return asdict(sandbox.config)
