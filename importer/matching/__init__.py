"""Which customer a row is: its key, and what of it can be compared."""
