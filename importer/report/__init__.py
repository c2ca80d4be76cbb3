"""A run as one page for the person who answers for it: no network, no other file.

    facts ──▶ tables, figures ──▶ page

`facts` are numbers without personal data and are kept in the journal; the tables are filled from
the sheet, or later from its results file.
"""
