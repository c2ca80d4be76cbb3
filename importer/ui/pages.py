"""The routes of all areas that need pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.ui import (
    columns_routes,
    conflict_routes,
    credential_routes,
    customers_routes,
    events,
    fetch_routes,
    fix_routes,
    plan_routes,
    problem_routes,
    questions_routes,
    results_routes,
    row_routes,
    run_routes,
)

if TYPE_CHECKING:
    from aiohttp import web


def routes() -> list[web.RouteDef]:
    """Return the routes of all areas; their paths begin below the key of the start."""
    return [
        *columns_routes.routes(),
        *questions_routes.routes(),
        *problem_routes.routes(),
        *fix_routes.routes(),
        *row_routes.routes(),
        *customers_routes.routes(),
        *credential_routes.routes(),
        *plan_routes.routes(),
        *run_routes.routes(),
        *events.routes(),
        *fetch_routes.routes(),
        *results_routes.routes(),
        *conflict_routes.routes(),
    ]
