"""The switches of a sandbox: what Clopos does, or may do instead (API facts §10, §11)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from importer.errors import UsageError
from importer.i18n import tr
from importer.sandbox.checks import check_values
from importer.sandbox.faults import KINDS, ROUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

ErrorForm = Literal["usual", "slug", "sentence", "array", "details", "bare"]
ListForm = Literal["usual", "array", "plain", "full", "pagination"]


@dataclass(frozen=True, slots=True)
class Config:
    """Behaviour of the sandbox. The defaults: like Clopos, with its real limits and no faults.

    All times in seconds. A limit of None or 0 is lifted, and its headers are left out.
    """

    # Access (API facts §3)
    client_id: str = "sandbox-client"
    client_secret: str = field(default="sandbox-secret", repr=False)
    brands: tuple[str, ...] = ("sandbox",)
    test_brands: tuple[str, ...] = ()  # brands in test mode
    integrators: tuple[str, ...] = ("sandbox-integrator",)
    test_integrators: tuple[str, ...] = ("test-integrator",)  # allowed with test brands only
    disabled_clients: tuple[str, ...] = ("disabled-client",)
    disabled_status: int = 403  # of "Client is disabled": no source has it
    refused_status: int = 401  # of wrong credentials on v1; 400 in the guide
    token_seconds: float = 3600.0
    permitted: bool = True  # False: the staff user has no right to customers, 403

    # Limits (API facts §7)
    auth_per_minute: int | None = 60
    failed_per_minute: int | None = 600
    per_minute: int | None = 300
    v1_per_minute: int | None = 100
    v1_per_hour: int | None = 1000
    count_refused: bool = False  # a 429 itself takes a place in the window
    retry_after: bool = False  # send Retry-After with a 429
    throttle_body: Literal["json", "text", "empty"] = "json"

    # Times
    gateway_seconds: float = 8.0  # what the gateway gives its upstream
    late_seconds: float = 3.0  # after a 504, until the late commit
    latency: tuple[float, float] = (0.0, 0.0)  # least and most of an answer

    # Form of responses (API facts §4, §5, §8, §10)
    error_form: ErrorForm = "usual"
    list_form: ListForm = "usual"
    echo: bool = False  # a refusal repeats what it refuses, with secrets and all (§8.2)
    bare_single: bool = False  # GET /customers/{id} without an envelope
    text_ids: bool = False  # ids as strings
    created_status: int = 200
    conflict_status: int = 409
    conflict_array: bool = False  # `error` of a conflict is an array of objects
    conflict_order: tuple[str, ...] = ("phone", "code", "cid")

    # Lists (API facts §5)
    v1_max_limit: int = 100
    v2_max_limit: int = 999  # 200 is the other number in the sources
    phones_filter: Literal["all", "extra", "exact", "ignored"] = "all"
    list_lag: float = 0.0  # lists lack the customers of the last so many seconds
    lists_cid: bool = True  # False: customers in lists have no cid

    # Deviations from the documents
    keeps_cid: bool = True  # False: the server makes a cid of its own
    upsert: bool = False  # a value that is taken: 200 with the customer who has it
    firewall: tuple[str, ...] = ()  # a create with one of these words: 403 with HTML

    # Random faults: kind of fault (see `faults`) → share of requests
    rates: Mapping[str, float] = field(default_factory=dict)
    rates_on: tuple[str, ...] = ("create",)
    seed: int = 0

    # Contents
    groups: tuple[str, ...] = ("My Customers",)  # ids 1, 2, …
    seed_customers: bool = False  # a few, with differently spelt phones
    log_size: int = 200_000  # requests remembered

    def __post_init__(self) -> None:
        """Raise UsageError for faults the sandbox doesn't have, and shares beyond all requests."""
        unknown = [*(set(self.rates) - set(KINDS)), *(set(self.rates_on) - set(ROUTES))]
        if unknown:
            raise UsageError(
                tr("The sandbox has no fault {kind}", kind=unknown[0]),
                fix=tr("take one of {kinds}", kinds=", ".join((*KINDS, *ROUTES))),
            )
        if not 0 <= sum(self.rates.values()) <= 1:
            raise UsageError(
                tr("The shares of faults must be numbers whose sum is between 0 and 1"),
                fix=tr("write it like {flag}10%", flag="--fault 504b="),
            )
        if self.latency[0] > self.latency[1]:
            raise UsageError(f"The latency can't be {self.latency}", why="least, then most")


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some switches changed, as JSON brings them.

    Raises UsageError for a switch that doesn't exist or a value of another kind.
    """
    return replace(config, **check_values(Config, changes))
