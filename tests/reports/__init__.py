"""Sheets that other tools misread, and the permitted result of each."""
