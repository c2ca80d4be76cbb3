"""An S3 server in a thread, and the environment of its user."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import s3fs
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


@contextmanager
def serving_s3() -> Iterator[str]:
    """Run an S3 server; give its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def set_s3_variables(url: str, monkeypatch: pytest.MonkeyPatch) -> s3fs.S3FileSystem:
    """Set the variables of a user, with the secret `hidden`; return the store."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    variables = {
        "ENDPOINT_URL": url,
        "ACCESS_KEY_ID": "pos",
        "SECRET_ACCESS_KEY": "hidden",
        "DEFAULT_REGION": "us-east-1",
        "EC2_METADATA_DISABLED": "true",
        "MAX_ATTEMPTS": "1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    s3fs.S3FileSystem.clear_instance_cache()
    return s3fs.S3FileSystem()
