"""The Clopos Open API and nothing else: customers, token, answers, quota.

What is known of it is in the documents of Clopos for versions 1 and 2; sections of our summary of
them are cited as "API facts §…".
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from importer.clopos.customers import Existing, Page
from importer.clopos.rate_limiter import RateLimiter
from importer.clopos.rates import Rate, default_rates, parse_rates
from importer.clopos.responses import Call, ClassifiedResponse, Verdict, classify_response

if TYPE_CHECKING:
    from importer.clopos.client import Clopos
    from importer.clopos.transport import Requests
else:

    def __getattr__(name: str) -> Any:
        """Import the client when it is asked for: rates and verdicts are used without a network."""
        modules = {"Clopos": "client", "Requests": "transport"}
        if name not in modules:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{modules[name]}"), name)


__all__ = [
    "Call",
    "ClassifiedResponse",
    "Clopos",
    "Existing",
    "Page",
    "Rate",
    "RateLimiter",
    "Requests",
    "Verdict",
    "classify_response",
    "default_rates",
    "parse_rates",
]
