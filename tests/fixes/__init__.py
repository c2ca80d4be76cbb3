"""Fixes by hand: the log beside a sheet, and its replay on the sheet."""
