"""The faults that were found by attack, one test for each number; see README.md."""
