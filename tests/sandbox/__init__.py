"""Tests of `importer.sandbox`."""
