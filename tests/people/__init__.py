"""Identity of rows, shown with the real command against the real sandbox."""
