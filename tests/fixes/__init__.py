"""Fixes by hand: the log beside a sheet, and the sheet with it."""
