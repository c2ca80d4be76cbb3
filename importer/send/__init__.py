"""Planned rows → outcomes: paced, concurrent, journalled; doubt settled by reading."""
