"""Fixes that a person made by hand, as a log beside the sheet: FILE.fixes.jsonl.

`acts` are its lines, `apply` replays them on a sheet, `log_file` reads and appends.
"""
