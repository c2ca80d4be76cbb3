"""What outlives a run: journal, snapshot, failure budget, brand lock."""
