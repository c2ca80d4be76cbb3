"""Tests of `importer.mapping`."""
