"""Flags that give values the shape a person wants, for what can't be changed at Clopos later."""

from __future__ import annotations

import click

from importer.cli.translated_click import SHAPE, option

SHAPE_FLAGS = (
    option(
        "--where",
        metavar="CONDITION",
        multiple=True,
        section=SHAPE,
        help='Take only rows that fulfil a condition: "Son alış >= 2020", "Status != closed". '
        "Repeat it: all have to hold. Rows that are left out are counted and in the results.",
    ),
    option(
        "--replace",
        metavar="RULE",
        multiple=True,
        section=SHAPE,
        help='Take a text of a column as another: "Cins: Q=female", "Cins: =male" for empty '
        'cells, "Cins: *=" for all others.',
    ),
    option(
        "--description",
        metavar="TEMPLATE",
        section=SHAPE,
        help='Make the description of columns: "{Qeyd}; bonus {Bonus}". A part between semicolons '
        "whose columns are empty is left out.",
    ),
    option(
        "--name-case",
        type=click.Choice(["title"]),
        section=SHAPE,
        help="title: ƏLİ MƏMMƏDOV becomes Əli Məmmədov; a name in mixed case stays.",
    ),
    option("--code-prefix", metavar="TEXT", section=SHAPE, help="Put this in front of every code."),
    option(
        "--group-map",
        metavar="FROM=TO",
        multiple=True,
        section=SHAPE,
        help='Put customers of one group into another: "VIP=Gold"; "*=All" for all others.',
    ),
)
