"""A local Clopos for trials: a real server that behaves as the real one is known to.

    async with serve(Config()) as sandbox:
        sandbox.env(2)                       the CLOPOS_* variables that let a client in
        sandbox.faults.add("504b", match={"name": "Aysel"})
        sandbox.customers(), sandbox.requests()

    server      routes, start and end                  inspection   the way in for other processes
    gateway     limits, token, quota, in their order   faults       which request goes wrong
    auth        signing in, tokens                     fault_responses  what a fault does
    customers   create, list, get                      limits       sliding windows
    responses   bodies of responses                    store        the customers, in SQLite
    config      the switches                           checks       of what others order
    command     `clopos-import sandbox`                virtual_time an event loop that doesn't wait

It shares no code with the client that it tests: a bug can't hide on both sides.
"""

from __future__ import annotations

from importer.sandbox.config import Config
from importer.sandbox.server import Sandbox, serve

__all__ = ["Config", "Sandbox", "serve"]
