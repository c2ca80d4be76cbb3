"""A file → a table of text, with the row number a spreadsheet shows.

`detect` finds the kind of a file by its bytes, a reader for each kind makes records of it (`grid`),
`sheet` finds the header and makes the table. `limits` is asked before anything large is made.
"""

from importer.read.sheet import read

__all__ = ["read"]
