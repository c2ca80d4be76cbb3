"""Send a sheet with pandas and aiohttp, as one would in an hour: the floor of a Python sender.

No validation, no journal, no recovery, no results: an answer that isn't 200 is counted and lost.

    python bare_aiohttp.py FILE
"""

import asyncio
import os
import sys

import aiohttp
import pandas as pd

BASE = os.environ["CLOPOS_BASE_URL"] + "/v2"
IN_FLIGHT = 32


async def main(path: str) -> int:
    """Return how many weren't created."""
    rows = iter(pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"))
    failed = 0
    async with aiohttp.ClientSession() as session:
        keys = ("client_id", "client_secret", "brand", "integrator_id")
        credentials = {key: os.environ[f"CLOPOS_{key.upper()}"] for key in keys}
        async with session.post(f"{BASE}/auth", json=credentials) as answer:
            headers = {"x-token": (await answer.json())["token"]}

        async def worker() -> None:
            nonlocal failed
            for row in rows:
                body = {name: value for name, value in row.items() if value}
                for number in ("group_id", "gender"):
                    if body.get(number):
                        body[number] = int(body[number])
                async with session.post(f"{BASE}/customers", json=body, headers=headers) as answer:
                    await answer.json()
                    failed += answer.status != 200

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])) and "some rows were refused")
