"""Faults on request or by chance (API facts §13), and which request meets which fault.

The only chance in it is seeded. `gateway` carries out what a fault does.

    stage     kinds                                    the customer of a create
    token     expired401 invalid401 message401          isn't created
    quota     429                                       isn't created
    gateway   403 404 success_false                     isn't created
              500 502 503 504a drop_before timeout      isn't created; the client can't know
              login_page
              500b 502b 504b drop garbage no_id         is created; the client can't know
              timeout_b text_success accepted float_id
              refused_done (success false, with data)
              late_answer (504, then the 200, unasked)
              504c                                      is created some seconds after the 504
              slow                                      is created, just within the budget
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.sandbox.checks import check_values

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_KINDS = ("expired401", "invalid401", "message401")
BEFORE_KINDS = (
    *("403", "404", "success_false", "500", "502", "503", "504a", "drop_before", "timeout"),
    "login_page",
)
SPOILT_KINDS = ("garbage", "no_id", "text_success", "accepted", "float_id", "refused_done")
AFTER_KINDS = ("500b", "502b", "504b", "drop", "timeout_b", *SPOILT_KINDS)
KINDS = (*TOKEN_KINDS, "429", *BEFORE_KINDS, *AFTER_KINDS, "504c", "slow", "late_answer")
ROUTES = ("auth", "create", "list", "get", "groups", "venues")
ROW_KEYS = ("cid", "code", "phone", "name")


@dataclass(slots=True, eq=False)
class Fault:
    """A fault that waits for its request.

    `match`: fields of the body and their values; None: any body. `attempt`: only the n-th request
    of a row (identified by cid, else code, phone, name), counted from when the fault was scripted.
    `times`: how often it strikes, None for no end. `seconds`: of a late commit or an answer that is
    held back or late, None for the usual ones.
    """

    kind: str
    route: str = "create"
    match: Mapping[str, Any] | None = None
    attempt: int | None = None
    times: int | None = 1
    seconds: float | None = None
    _seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Raise UsageError for a kind or a route that the sandbox doesn't have."""
        for word, words in ((self.kind, KINDS), (self.route, ROUTES)):
            if word not in words:
                raise UsageError(f"The sandbox knows no {word!r}", fix=f"one of {', '.join(words)}")

    def meets(self, route: str, body: Mapping[str, Any]) -> bool:
        """Return whether the fault strikes this request; count it."""
        if route != self.route:
            return False
        if self.match and any(body.get(name) != value for name, value in self.match.items()):
            return False
        if self.attempt is None:
            return True
        row = next((str(body[key]) for key in ROW_KEYS if body.get(key)), "")
        self._seen[row] += 1
        return self._seen[row] == self.attempt


class Faults:
    """The scripted faults in their order, and the ones that happen by chance."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._script: list[Fault] = []

    def add(self, kind: str, route: str = "create", **details: Any) -> None:
        """Script a fault; see Fault for the details. Raises UsageError for unknown words."""
        self._script.append(Fault(kind, route, **check_values(Fault, details)))

    def clear(self) -> None:
        """Remove all scripted faults."""
        self._script.clear()

    @property
    def waiting(self) -> int:
        """Return how many scripted faults haven't struck for the last time."""
        return len(self._script)

    def next(
        self, route: str, body: Mapping[str, Any], rates: Mapping[str, float], on: tuple[str, ...]
    ) -> Fault | None:
        """Return the fault of this request, None when all goes well.

        The first scripted one that meets it; else one by chance, `rates` being kind → share of
        the requests of the routes `on`.
        """
        # All of them look at each request: the ones that count attempts have to.
        met = [fault for fault in self._script if fault.meets(route, body)]
        if met:
            fault = met[0]
            if fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    self._script.remove(fault)
            return fault
        if not rates or route not in on:
            return None
        chance = self._random.random()
        for kind, share in rates.items():
            chance -= share
            if chance < 0:
                return Fault(kind, route)
        return None

    def between(self, least: float, most: float) -> float:
        """Return a repeatable random number, for latencies."""
        return self._random.uniform(least, most) if most > least else least
