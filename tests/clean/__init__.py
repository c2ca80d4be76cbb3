"""Tests of `importer.clean`."""
