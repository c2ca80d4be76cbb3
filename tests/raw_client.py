"""A client that shares no code with ours: it shows the sandbox's responses as they are."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from importer.sandbox import Config, Sandbox, serve
from importer.sandbox.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True)
class Got:
    """Response. `body` is the parsed JSON, or text where it isn't JSON."""

    status: int
    body: Any
    headers: dict[str, str]


class Raw:
    """Requests to one version of a sandbox's API."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, version: int) -> None:
        self.sandbox = sandbox
        self.session = session
        self.version = version
        self.url = sandbox.url + ("/v2" if version == 2 else "")
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Got:
        """Send a request with the headers of the token, or those in `headers`."""
        more.setdefault("headers", self.headers)
        if body is not None:
            more["json"] = body
        async with self.session.request(method, self.url + path, **more) as response:
            text = await response.text()
            headers = dict(response.headers)
        try:
            return Got(response.status, json.loads(text), headers)
        except ValueError:
            return Got(response.status, text, headers)

    async def create(self, name: str = "Aysel Demo", **fields: Any) -> Got:
        """Create a customer."""
        return await self.ask("POST", "/customers", {"name": name, **fields})

    async def find(self, query: str = "") -> Got:
        """List customers."""
        return await self.ask("GET", f"/customers?{query}")

    def credentials(self, **changes: str) -> dict[str, str]:
        """Return the body of `POST /auth`."""
        env = self.sandbox.env(self.version)
        body = {
            "client_id": env["CLOPOS_CLIENT_ID"],
            "client_secret": env["CLOPOS_CLIENT_SECRET"],
            "brand": env["CLOPOS_BRAND"],
        }
        if self.version == 1:
            body["venue_id"] = env["CLOPOS_VENUE_ID"]
        else:
            body["integrator_id"] = env["CLOPOS_INTEGRATOR_ID"]
        return body | changes

    async def sign_in(self, **changes: str) -> Got:
        """Sign in, and use the token from now on when there is one."""
        got = await self.ask("POST", "/auth", self.credentials(**changes), headers={})
        if isinstance(got.body, dict) and "token" in got.body:
            self.headers = {"x-token": got.body["token"]}
            if self.version == 1:
                brand = self.credentials(**changes)["brand"]
                self.headers |= {"x-brand": brand, "x-venue": "1"}
        return got


@asynccontextmanager
async def client(version: int = 2, config: Config | None = None) -> AsyncIterator[Raw]:
    """Run a sandbox on the virtual time of this loop and sign in to it."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    async with (
        serve(config, now=lambda: loop.wall) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        raw = Raw(sandbox, session, version)
        await raw.sign_in()
        yield raw
