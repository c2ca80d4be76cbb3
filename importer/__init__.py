"""Creates the customers of an old POS in Clopos: once, within the quota, every row accounted for.

The path of a row, one stage a file, one public function a stage:

    read → mapping → clean → validate → dedupe → plan → send → results

Begin with `pipeline`: the route, as `check(…)` and `run(…)`. Its first half, offline, is
`prepare`; its second, online, is `upload`. `cli` is the commands around it, with their `flags`,
their help in all languages (`spoken`), their `completion`, signals that end them (`stopping`), and
the report of a `fault` of ours.

A sheet is read. `read` tells a file by its bytes and gives a table of text; `reading` has a reader
for each format. `mapping` finds the columns by `profiles` of known systems and by `header_words`;
`dialog` asks, shown what is in them (`fit`), and `saved_mapping` remembers. `clean` makes values of
text: `fields` has a parser for each field, `usual` and `usual_phones` read what is usual a column
at a time, `names` and `groups` fill in what is asked for, `changes` tells what was made of what.
`validate` judges by `schemas.customer`, `problems` says it in words, `dedupe` finds repeats.

Rows are sent. `identity` gives each its cid. `compare` holds the rows against the `journal` (what
was meant and what became of it; its tables are in `journal_layout`) and the `snapshot` (what is at
Clopos); of what is `known`, `plan` decides what to send and what it costs, in the `hours` that are
given. `job` is what planning and sending share. `send` keeps requests under way, at a `pace` that
failures slow; `settle` and `lookup` find out by reading what answers leave open; the `ledger` takes
down each outcome; `forecast` tells when it is done, `timeline` how it went. `failures` counts those
of all brands of a machine, `state` is the folder where all that is kept. `clopos` is the API and
nothing else; `sandbox` is a local Clopos, in which `rehearse` sends on a clock that jumps, and
`utilisation` judges how well the quota was used.

It is told. `outcomes` are what became of all rows. `results` writes them before the sheet's own
columns (`results_csv`, `results_workbook` with its `marks`), `conserve` reads them back
(`results_read`), `keep` puts earlier ones aside. `payloads` are the bodies, `report` the page for
who answers for the run, `summary` what `--json` prints, `logs` what nobody watches, `history` the
runs until now. A `viewer` looks on: the `terminal`, in `blocks` of text as wide as `width` says.
`verify` is a reader of its own, which holds all of it against each other (`agree`).

At the bottom: `records`, the frozen values that pass between stages; `columns` of them; `errors`,
by what to do; `settings` from the environment; `messages` in four languages; `aside`, so that no
file is ever half-written.
"""

__version__ = "0.1.0"
