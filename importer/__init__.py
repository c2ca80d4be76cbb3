"""Create the customers of an old POS in Clopos: once, within the quota, every row accounted for.

The folders are the path of a row, in this order; `pipeline` walks it.

    read/       a file → a table of text, with the row number a spreadsheet shows
    mapping/    headers and what the columns hold → the nine fields
    fixes/      what a person changed by hand → the sheet with it
    clean/      text → typed values, or a problem; validated; repeats within the sheet
    matching/   which customer a row is: its key, and what of it can be compared
    questions/  what of a sheet only a person can decide
    plan/       rows, Clopos and journal → what to send, its cost, its finish time
    send/       planned rows → outcomes: paced, concurrent, journalled; doubt settled by reading
    results/    outcomes → the results file and the summary
    report/     one run as one HTML page

    pipeline/   the route, as Python calls: check, run, rehearse, verify
    clopos/     the Clopos Open API: transport, responses, rate limiter
    store/      what outlives a run: journal, snapshot, failure budget, brand lock
    sandbox/    a local Clopos with faults on request
    ui/         the page in the browser: one folder, on this machine, for a person
    fleet/      many brands on many machines: schedules, a queue of jobs, workers
    cli/        commands, terminal, prompts

Beside them: `records`, the frozen values that pass between rooms; `problems`, `errors`,
`environment`, `settings`, `credentials`, `progress`, `i18n`, `text`, `arrow`, `files`, `collector`.
"""

__version__ = "0.1.0"
