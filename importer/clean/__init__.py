"""Text → typed values, or a problem; validated, repeats found."""
