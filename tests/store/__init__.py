"""Tests of `importer.store`."""
