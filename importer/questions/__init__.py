"""Questions that only a person can decide: evidence about columns and the whole sheet."""
