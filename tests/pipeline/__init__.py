"""Tests of `importer.pipeline`."""
