"""Send a sheet with pandas and requests, one row after the other.

No validation, no journal, no recovery, no results.

    python bare_requests.py FILE
"""

import os
import sys

import pandas as pd
import requests

BASE = os.environ["CLOPOS_BASE_URL"] + "/v2"


def main(path: str) -> int:
    """Return how many weren't created."""
    failed = 0
    with requests.Session() as session:
        keys = ("client_id", "client_secret", "brand", "integrator_id")
        credentials = {key: os.environ[f"CLOPOS_{key.upper()}"] for key in keys}
        token = session.post(f"{BASE}/auth", json=credentials, timeout=20).json()["token"]
        session.headers["x-token"] = token
        for row in pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"):
            body = {str(name): value for name, value in row.items() if value}
            for number in ("group_id", "gender"):
                if body.get(number):
                    body[number] = int(body[number])
            answer = session.post(f"{BASE}/customers", json=body, timeout=20)
            failed += answer.status_code != 200
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) and "some rows were refused")
