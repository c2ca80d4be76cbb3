"""Damaged input."""
