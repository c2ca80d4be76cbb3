"""Tests; `README.md` here lists every file and the fault that it finds."""
