"""Sheets of the kinds of `tests/reports`, and innocent look-alikes."""
