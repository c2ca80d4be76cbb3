"""Outcomes → the results file and the summary."""
