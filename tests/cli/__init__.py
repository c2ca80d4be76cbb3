"""Tests of `importer.cli`."""
