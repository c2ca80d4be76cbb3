"""Our speed beside common alternatives: `make bench`."""
