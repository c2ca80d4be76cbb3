"""Sheets that went wrong in other people's hands, and what may come of each."""
