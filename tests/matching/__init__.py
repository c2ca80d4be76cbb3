"""Tests of `importer.matching`."""
