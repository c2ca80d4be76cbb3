"""Try credentials: sign in once, see whether customers may be read, and learn the venue's name."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from importer.clopos import Clopos, RateLimiter, default_rates
from importer.errors import ServiceError
from importer.settings import require_credentials

if TYPE_CHECKING:
    from importer.settings import Settings

_TIMEOUT = 20.0  # seconds, of a request
_SECONDS = 10.0  # to retry while Clopos can't be reached


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Target that credentials lead to. `venue` is "" where Clopos doesn't say its name."""

    brand: str
    venue_id: str
    venue: str
    customers: int | None  # at Clopos, None where the list doesn't say


async def try_credentials(settings: Settings) -> SignedIn:
    """Sign in and read one customer; nothing is changed, nothing is kept.

    Takes three requests of the quota. It signs in once: Clopos locks out who tries again and again
    (API facts §3.1).

    Raises UsageError for credentials that aren't complete, ServiceError when Clopos refuses them
    or can't be reached.
    """
    require_credentials(settings)
    limiter = RateLimiter(default_rates(settings.version))
    if settings.client_secret:  # a token that was issued earlier would prove nothing about it
        settings = replace(settings, token="")
    async with Clopos(settings, limiter, timeout=_TIMEOUT, give_up_after=_SECONDS) as api:
        customers = await api.count_customers()
        venues: tuple[tuple[str, str], ...] = ()
        with contextlib.suppress(ServiceError):  # its role may not see venues: they are only names
            venues = await api.venues()
    own = [each for each in venues if not settings.venue_id or each[0] == settings.venue_id]
    number, name = own[0] if own else (settings.venue_id, "")
    return SignedIn(settings.brand, number, name, customers)
