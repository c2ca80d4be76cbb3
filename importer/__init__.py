"""Creates the customers of an old POS in Clopos: once, within the quota, every row accounted for.

The folders are the path of a row, in this order; `pipeline` walks it:

    read → mapping → clean → matching → plan → send → results → report

`read` tells a file by its bytes and gives a table of text; `mapping` finds the columns by profiles
of known systems and by header words. `clean` makes values of text, validates them and finds
repeats within the sheet. `matching` gives each row its key. `plan` holds the rows against journal
and Clopos: what to send, its cost, its finish time. `send` keeps requests under way and settles
doubt by reading. `results` writes outcomes before the sheet's own columns, `report` the page for
who answers for the run.

`pipeline` is the route, as Python calls: check, run, rehearse, verify. `clopos` is the API and
nothing else. `store` is what outlives a run: journal, snapshot, failure budget, brand lock.
`sandbox` is a local Clopos with faults on request. `cli` has the commands, the terminal and its
prompts.

Beside them: `records`, the frozen values that pass between rooms; `problems` in words, `errors` by
what to do, `settings` from the environment; `progress`, told to whoever looks on; `i18n`, `text`,
`arrow`; `files`, so that none is ever half-written.
"""

__version__ = "0.1.0"
