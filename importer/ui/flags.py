"""Texts of the commands in the page: a flag is called as the field or button of the page is.

Needs no pandas.
"""

from __future__ import annotations

import re

from importer.environment import PROJECT_FILE
from importer.i18n import tr

_MAP = re.compile(r'--map (?:"([^"]*)"|([^ ]+=))')
_FLAG = re.compile(
    r"--(region|dates|sheet|header-row|encoding|delimiter|reserve|window|finish-by"
    r"|drop-bad-values|save-mapping)(?![\w-])"
)
_VARIABLE = re.compile(r"\bCLOPOS_(CLIENT_ID|CLIENT_SECRET|BRAND|VENUE_ID|INTEGRATOR_ID)\b")
_ANY = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def credential_titles() -> dict[str, str]:
    """Return variable → what its field on the page is called."""
    return {
        "CLOPOS_BRAND": tr("Brand"),
        "CLOPOS_CLIENT_ID": tr("Client ID"),
        "CLOPOS_CLIENT_SECRET": tr("Client secret"),
        "CLOPOS_INTEGRATOR_ID": tr("Integrator ID"),
        "CLOPOS_VENUE_ID": tr("Venue"),
    }


def page_words(text: str) -> str:
    """Return a text of a command with the names of fields and buttons instead of flags."""
    names = {
        "region": tr("Phone numbers without a country are of"),
        "dates": tr("Dates are written"),
        "sheet": tr("Worksheet"),
        "header-row": tr("The row of headers"),
        "encoding": tr("Encoding of the text"),
        "delimiter": tr("What separates the columns"),
        "reserve": tr("Left of the quota for the tills"),
        "window": tr("Send only from"),
        "finish-by": tr("Be done by"),
        "drop-bad-values": tr("Or send them without their bad values"),
        "save-mapping": tr("Set the file aside and find the columns anew"),
    }
    text = _MAP.sub(lambda found: found[2] or f"«{tr('Columns')}: {found[1]}»", text)
    return _FLAG.sub(lambda found: f"«{names[found[1]]}»", text)


def page_fix(text: str) -> str:
    """Return the fix of an error; of a flag that the page has nothing for, where it can stand.

    A credential is called as its field is.
    """
    titles = credential_titles()
    words = _VARIABLE.sub(lambda found: f"«{titles[found[0]]}»", page_words(text))
    flag = _ANY.search(words)
    if flag is None:
        return words
    where = tr(
        "{flag} is for the terminal; without the hyphens it may be an option in {file}, in this "
        "folder",
        flag=flag[0],
        file=PROJECT_FILE,
    )
    return f"{words} ({where})"
