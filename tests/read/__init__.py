"""Tests of `importer.read`."""
