"""Tests of `importer.clopos`."""
