"""Identity of rows: the real command against the real sandbox."""
