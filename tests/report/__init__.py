"""Tests of `importer.report`."""
