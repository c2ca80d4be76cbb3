"""Tests of `importer.results`."""
