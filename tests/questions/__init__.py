"""Questions that only a person can decide about a sheet."""
