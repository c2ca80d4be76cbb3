"""Many brands on many machines: jobs from a queue, one upload each, with leases and status.

    brands        brands.toml → frozen values
    schedule      when a brand is due, by the clock of its own zone
    credentials   where a brand's secrets are → variables of its run
    database      connections, and statements that wait while the database is away
    setup         `fleet init`: all tables made or upgraded
    tables        what the fleet shows of brands and workers, in PostgreSQL
    jobs          the queue: the only module that knows its engine
    judge         sheets read and judged in a process of their own
    upload        one job: judge the sheet, plan, send, results
    worker        a process with many uploads: slots, schedule, care, signals
    watchdog      ends a worker that was paused too long
    metrics       /metrics and /healthz
    logs          log lines with brand and run
    status        what `fleet status` shows, as values; status_now reads what it needs

Only `cli/` imports this room, and only when a fleet command runs: its libraries are an extra.
"""
