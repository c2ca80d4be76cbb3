"""The rules of a customer and of a results file, and the profiles of old POS systems."""
