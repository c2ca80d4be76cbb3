"""Tests of `importer.send`."""
