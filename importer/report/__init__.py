"""A run as one HTML page for the person in charge: no network, no other file.

    facts ──▶ tables, figures ──▶ page

`facts` are numbers without personal data and are kept in the journal; the tables are filled from
the sheet, or later from its results file.
"""
