"""The CLOPOS_* variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from importer.errors import UsageError
from importer.settings import DEFAULT_BASE_URL, Settings, read_settings, require_credentials

if TYPE_CHECKING:
    from pathlib import Path

V1 = {
    "CLOPOS_CLIENT_ID": "client",
    "CLOPOS_CLIENT_SECRET": "hush",
    "CLOPOS_BRAND": "demo",
    "CLOPOS_VENUE_ID": "1",
}


def test_integrator_id_selects_version_2_and_its_path() -> None:
    assert read_settings(V1).api_url == DEFAULT_BASE_URL
    settings = read_settings(V1 | {"CLOPOS_INTEGRATOR_ID": "x"})
    assert settings.version == 2
    assert settings.api_url == DEFAULT_BASE_URL + "/v2"


@pytest.mark.parametrize("suffix", ["", "/", "/v2", "/v2/", "/v1", "//"])
def test_version_at_the_end_of_an_address_is_not_doubled(suffix: str) -> None:
    env = {"CLOPOS_BASE_URL": f"https://clopos.example/open-api{suffix}"}
    assert read_settings(env).base_url == "https://clopos.example/open-api"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:99"])
def test_plain_http_is_accepted_for_this_machine(host: str) -> None:
    assert read_settings({"CLOPOS_BASE_URL": f"http://{host}/open-api"}).base_url


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://clopos.example/open-api", "not encrypted"),
        ("http://127.0.0.1.example/open-api", "not encrypted"),
        ("ftp://clopos.example", "not an address"),
        ("clopos", "not an address"),
        ("https://", "not an address"),
        ("http://[::1", "not an address"),
        ("http://[::1]evil.example", "not an address"),
        ("https://[::1]evil.example", "not an address"),
        ("https://a b.example", "not an address"),
        ("http://localhost\\\\@evil.example/", "not an address"),
        ("https://clopos.example:99999", "not an address"),
        ("user:pass@clopos.example", "not an address"),
        ("https://user:pass@clopos.example:x/", "not an address"),
        ("https://user:pass@clopos.example/", "more than an address"),
        ("https://clopos.example/?x=1", "more than an address"),
    ],
)
def test_other_addresses_are_refused_without_repeating_secrets(url: str, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        read_settings({"CLOPOS_BASE_URL": url})
    assert "pass" not in f"{caught.value.what}{caught.value.why}"


def test_repr_of_settings_has_no_secret() -> None:
    settings = read_settings(V1 | {"CLOPOS_TOKEN": "ticket"})
    assert "hush" not in repr(settings)
    assert "ticket" not in repr(settings)


@pytest.mark.parametrize("name", ["CLIENT_SECRET", "TOKEN", "BRAND", "VENUE_ID", "BASE_URL"])
def test_value_with_a_line_break_is_refused_without_repeating_the_value(name: str) -> None:
    with pytest.raises(UsageError, match=f"CLOPOS_{name}") as caught:
        read_settings(V1 | {f"CLOPOS_{name}": "hush\nhush"})
    assert "hush" not in f"{caught.value.what}{caught.value.why}{caught.value.fix}"


@pytest.mark.parametrize("name", sorted(V1))
def test_each_missing_credential_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        require_credentials(read_settings(V1 | {name: " "}))


def test_version_2_needs_no_venue_and_token_needs_no_client_credentials() -> None:
    require_credentials(Settings(brand="b", integrator_id="i", client_id="c", client_secret="s"))
    require_credentials(Settings(brand="b", integrator_id="i", token="t"))


@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "TOKEN"])
def test_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "secret"
    path.write_text("\ufeffhush-hush\r\n", encoding="utf-8")
    env = {f"CLOPOS_{name}_FILE": str(path)}
    assert getattr(read_settings(env), name.lower()) == "hush-hush"
    assert getattr(read_settings(env | {f"CLOPOS_{name}": "own"}), name.lower()) == "own"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff", b"two\nlines"])
def test_secret_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="CLOPOS_TOKEN") as caught:
        read_settings({"CLOPOS_TOKEN_FILE": str(path)})
    assert "lines" not in f"{caught.value.what}{caught.value.why}"
