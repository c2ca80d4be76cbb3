"""The Clopos Open API and nothing else: customers, token, answers, quota.

What is known of it is in the documents of Clopos for versions 1 and 2; sections of our summary of
them are cited as "API facts §…".
"""

from importer.clopos.client import Clopos
from importer.clopos.customers import Existing, Page
from importer.clopos.rate_limiter import Quota
from importer.clopos.rates import Rate, default_rates, parse_rates
from importer.clopos.responses import Answer, Call, Verdict, judge
from importer.clopos.transport import Requests

__all__ = [
    "Answer",
    "Call",
    "Clopos",
    "Existing",
    "Page",
    "Quota",
    "Rate",
    "Requests",
    "Verdict",
    "default_rates",
    "judge",
    "parse_rates",
]
