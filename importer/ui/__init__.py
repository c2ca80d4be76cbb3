"""The page on this machine for the person who migrates: `clopos-import ui`.

Files are the truth: the sheet, FILE.mapping.toml, FILE.fixes.jsonl, journal and results. Each page
is made of them when it is asked for, by the same steps of `pipeline` as the commands, so it can be
reloaded, opened twice, and continued by a command. Every act is a form that answers 303; the script
only makes it quick.

    server.py       port, link, browser, end
    app.py          the routes of all areas, below one address that can't be guessed
    site.py         what one start of the server holds: folder, key, session, language
    guard.py        which requests are let in, and under which headers their answers go
    render.py       templates, language, frame, errors
    folder.py       the sheets of the folder; uploads
    work.py         one sheet under work, judged again when anything changes
    tasks.py        what goes on beside the page: one task at a time, in a thread
    watch.py        how far a task is, in numbers; live.py makes texts of them, events.py sends them
    sending.py      plan and send, by the steps of `run`; only what was seen is sent
    desk.py         plans, decisions and tasks of this start: may be lost
    credentials.py  found where, kept where; where.py says where they lead
    paging.py       numbers in addresses and forms, and the pages of a long list
    results_table.py  a results file by the page
    pages.py        the routes that need pandas, imported after the server listens
    *_routes.py     one area each
"""
