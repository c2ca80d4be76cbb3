"""Figures of all brands of a database, for those who watch it: statements alone."""

from __future__ import annotations

from typing import Final

FAILURES: Final = """
SELECT address, sum(count)::float8 AS failures FROM clopos.failures
WHERE second > clopos.clock() - 60 GROUP BY address ORDER BY address
"""
"""Failed responses of the last minute, by the address of Clopos."""

LEASES: Final = """
SELECT count(*)::float8 AS held, min(until - clopos.clock()) AS least
FROM clopos.leases WHERE until > clopos.clock()
"""
"""Leases that are held, and the seconds that the one with the least left has; NULL: none is."""
