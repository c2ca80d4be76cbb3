"""What a run tells whoever looks on. The terminal is one such; nobody is another."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from importer.pipeline.prepare import Prepared
    from importer.plan.decide import Plan
    from importer.records import Mapping, MappingChoices, Outcome, Sheet


@dataclass(frozen=True, slots=True)
class Live:
    """What goes on beside the rows that are done, at this moment."""

    throttled: int = 0  # requests that Clopos answered with 429
    doubtful: int = 0  # rows without a certain answer
    pause: float = 0.0  # seconds until requests leave again; 0: they do
    left: float | None = None  # seconds until all is done, as it went so far; None: no limit


class Progress(Protocol):
    """How a wait goes on. What isn't given stays as it was."""

    def __call__(
        self, done: int | None = None, of: int | None = None, *, what: str | None = None
    ) -> None:
        """Tell how many are done, of how many, and what is being done now."""


class Viewer(Protocol):
    """Whoever looks on while a run is under way."""

    pondered: float
    """Seconds that a person took for answers: they are no part of what a run takes."""

    def say(self, text: str) -> None:
        """Show one line."""

    def busy(self, what: str) -> AbstractContextManager[Progress]:
        """Show that something is under way that may take a while."""

    def agree(
        self,
        sheet: Sheet,
        choices: MappingChoices,
        mapped: Callable[[MappingChoices], Mapping],
        save: Callable[[Mapping], str] | None,
    ) -> Mapping:
        """Show what was read and which columns make which field, and have it agreed to.

        `save` keeps a mapping and returns where; None when it was agreed to earlier.
        """

    def found(self, prepared: Prepared) -> None:
        """Show what is wrong with rows."""

    def planned(self, plan: Plan, *, dry_run: bool) -> bool:
        """Show the plan. Return whether to go on."""

    def sending(
        self, total: int, per_minute: float | None, live: Callable[[], Live]
    ) -> AbstractContextManager[Callable[[Outcome], None]]:
        """Show how the sending of `total` rows goes on; the function is told each outcome.

        `per_minute` is the pace, None when there is no limit; `live` may be asked at any time,
        from any thread.
        """


class Silent:
    """A viewer that shows nothing and always goes on."""

    pondered = 0.0

    def say(self, text: str) -> None:
        """Show nothing."""

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[Progress]:  # noqa: ARG002 - the shape of a viewer
        """Show nothing."""
        yield lambda *_, **__: None

    def agree(
        self,
        sheet: Sheet,  # noqa: ARG002 - the shape of a viewer
        choices: MappingChoices,
        mapped: Callable[[MappingChoices], Mapping],
        save: Callable[[Mapping], str] | None,  # noqa: ARG002
    ) -> Mapping:
        """Agree to what was found."""
        return mapped(choices)

    def found(self, prepared: Prepared) -> None:
        """Show nothing."""

    def planned(self, plan: Plan, *, dry_run: bool) -> bool:  # noqa: ARG002 - the shape of a viewer
        """Go on."""
        return True

    @contextlib.contextmanager
    def sending(
        self,
        total: int,  # noqa: ARG002 - the shape of a viewer
        per_minute: float | None,  # noqa: ARG002
        live: Callable[[], Live],  # noqa: ARG002
    ) -> Iterator[Callable[[Outcome], None]]:
        """Show nothing."""
        yield lambda _: None
