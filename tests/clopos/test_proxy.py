"""The proxy: chosen from the environment, used or refused, in errors without its password."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from importer.clopos import Clopos, RateLimiter, Verdict
from importer.clopos.proxy import choose_proxy
from importer.errors import ServiceError, UsageError
from importer.settings import read_settings
from tests.clopos.conftest import V2, client, closed_port, create, sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECURE = V2 | {"CLOPOS_BASE_URL": "https://clopos.invalid/x"}


@asynccontextmanager
async def proxy_that_answers(status: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a proxy with one response to all; give its host:port and the received bytes."""
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    proxy = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with proxy:
        yield f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}", asked


@pytest.mark.parametrize("scheme", ["http://", ""])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
async def test_refusing_proxy_is_an_error_without_its_password(name: str, scheme: str) -> None:
    async with proxy_that_answers(b"407 Proxy Authentication Required") as (address, asked):
        async with client(SECURE | {name: f"{scheme}user:geheim@{address}"}) as api:
            with pytest.raises(ServiceError, match="can't be reached") as caught:
                await create(api)
        assert caught.value.why == (
            f"the proxy refuses with status 407, through the proxy http://{address} ({name})"
        )
        assert "login and password" in (caught.value.fix or "")
        assert "geheim" not in f"{caught.value.what}{caught.value.why}{caught.value.fix}"
        assert {each.partition(b" HTTP")[0] for each in asked} == {b"CONNECT clopos.invalid:443"}


async def test_unreachable_proxy_is_an_error_that_names_the_proxy() -> None:
    address = f"127.0.0.1:{closed_port()}"
    async with client(SECURE | {"HTTPS_PROXY": f"http://{address}"}) as api:
        with pytest.raises(ServiceError, match="can't be reached") as caught:
            await create(api)
        assert api.requests.posts == 0
        assert api.requests.unsent > 1
    assert f"http://{address} (HTTPS_PROXY)" in (caught.value.why or "")
    assert "HTTPS_PROXY" in (caught.value.fix or "")


@pytest.mark.parametrize(
    "value", ["https://127.0.0.1:1", "socks5://127.0.0.1:1", "http://", "http://x:nan", "ftp://x"]
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
def test_unusable_proxy_is_an_error_before_a_request_is_sent(name: str, value: str) -> None:
    value = value.replace("://", "://user:geheim@", 1)
    with pytest.raises(UsageError, match=name) as caught:
        Clopos(read_settings(SECURE | {name: value}), RateLimiter(()))
    assert "geheim" not in f"{caught.value.what}{caught.value.why}{caught.value.fix}"
    assert "NO_PROXY=clopos.invalid" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("no_proxy", "used"),
    [
        ("", True),
        ("*", False),
        ("clopos.example", False),
        ("other.example, .clopos.example", False),
        ("example", False),
        ("*.example", False),
        ("API.Clopos.Example:443", False),
        ("los.example", True),
        ("api.clopos.example.org", True),
    ],
)
def test_no_proxy_lists_hosts_with_their_subdomains(no_proxy: str, used: bool) -> None:
    variables = {"HTTPS_PROXY": "proxy.example:3128", "NO_PROXY": no_proxy}
    found = choose_proxy("https://api.clopos.example/open-api", variables)
    assert (str(found) == "http://proxy.example:3128 (HTTPS_PROXY)") == used
    assert used or found is None


async def test_loopback_is_reached_without_a_proxy() -> None:
    async with sandbox() as (here, _):
        env = here.env(2) | {"HTTP_PROXY": f"http://127.0.0.1:{closed_port()}"}
        env |= {"HTTPS_PROXY": "socks5://127.0.0.1:1", "ALL_PROXY": "https://127.0.0.1:1"}
        async with client(env) as api:
            assert (await create(api)).verdict is Verdict.OK


@pytest.mark.parametrize("damage", ["", "machine\n\nlogin of nobody's\n"])
async def test_password_of_netrc_is_never_sent_and_its_file_never_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"default login somebody password geheim\n{damage}")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with proxy_that_answers(b"502 Bad Gateway") as (address, asked):
        async with client(SECURE | {"HTTPS_PROXY": f"http://{address}"}) as api:
            with pytest.raises(ServiceError):
                await create(api)
        assert asked
        assert not any(b"uthorization" in each for each in asked)
    assert "netrc" not in capfd.readouterr().err + caplog.text


# -- certificates -----------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_unusable_certificate_file_is_an_error_with_its_name(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "office-ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="SSL_CERT_FILE") as caught:
        async with client(SECURE | {"SSL_CERT_FILE": str(path)}):
            pass
    assert str(path) in caught.value.what
    assert caught.value.why == ("No such file or directory" if content is None else WITHOUT)


WITHOUT = "it holds no certificate (PEM)"


@pytest.mark.parametrize(
    ("variables", "words"),
    [({}, "name its PEM file in SSL_CERT_FILE"), ({"REQUESTS_CA_BUNDLE": "x"}, "REQUESTS_CA")],
)
async def test_unknown_authority_is_an_error_that_suggests_ssl_cert_file(
    tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    async with tls_server(tmp_path) as (url, authority):
        with pytest.raises(ServiceError, match="can't be reached") as caught:
            async with client(V2 | {"CLOPOS_BASE_URL": url} | variables) as api:
                await create(api)
        assert "certificate" in (caught.value.why or "")
        assert words in (caught.value.fix or "")
        trusting = {"CLOPOS_BASE_URL": url, "SSL_CERT_FILE": str(authority)}
        async with client(V2 | trusting) as api:
            assert (await create(api)).verdict is Verdict.OK


@asynccontextmanager
async def tls_server(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Run a server with a self-signed certificate; give its address and the file of that."""
    authority = trustme.CA()
    pem = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    body = b'{"success":true,"token":"t","data":{"id":1}}'

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/x", pem
