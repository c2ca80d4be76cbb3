"""A file → a table of text, with the row number a spreadsheet shows."""
