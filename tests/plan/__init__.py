"""Tests of `importer.plan`."""
