"""HTML → tags and texts, in one pass of linear time.

The parser of the standard library takes a minute for sixty kilobytes of unclosed tags. Here an
unclosed tag swallows the rest of the page, as in a browser.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"/?([a-zA-Z][^\s/>]{0,60})")
_BLANK_OR_SLASH = re.compile(r"[\s/]*")
_KEY = re.compile(r"[^\s/>=]+")
_EQUALS = re.compile(r"\s*=\s*")
_UNQUOTED = re.compile(r"[^\s>]*")
_RAW = frozenset(["script", "style", "title", "textarea"])  # no tags inside


class Tag(NamedTuple):
    """A tag by its name without a prefix, in lower case, and its attributes likewise."""

    name: str
    attributes: dict[str, str]
    ends: bool


def tags(page: str) -> Iterator[Tag | str]:
    """Yield the tags of a page and the texts between them, without comments."""
    at = 0
    while at < len(page):
        begin = page.find("<", at)
        if begin < 0:
            yield html.unescape(page[at:])
            return
        if begin > at:
            yield html.unescape(page[at:begin])
        if page.startswith("<!--", begin):
            end = page.find("-->", begin + 4)
            at = len(page) if end < 0 else end + 3
        elif page.startswith(("<!", "<?"), begin):
            end = page.find(">", begin)
            at = len(page) if end < 0 else end + 1
        elif found := _NAME.match(page, begin + 1):
            name = found[1].lower().rpartition(":")[2]
            attributes, at = _attributes(page, found.end())
            ends = page[begin + 1] == "/"
            yield Tag(name, attributes, ends)
            if name in _RAW and not ends:
                end = page.find("</", at)
                at = len(page) if end < 0 else end
        else:
            yield "<"
            at = begin + 1


def _attributes(page: str, at: int) -> tuple[dict[str, str], int]:
    """Return the attributes of a tag from `at` on, and where the tag has ended."""
    found: dict[str, str] = {}
    while True:
        at = _matched(_BLANK_OR_SLASH, page, at)
        if at >= len(page):
            return found, at
        if page[at] == ">":
            return found, at + 1
        end = _matched(_KEY, page, at)
        if end == at:  # an equals sign astray
            at += 1
            continue
        key = page[at:end].lower().rpartition(":")[2]
        at = end
        if equals := _EQUALS.match(page, at):
            at = equals.end()
            value, at = _value(page, at)
            found.setdefault(key, html.unescape(value))


def _value(page: str, at: int) -> tuple[str, int]:
    quote = page[at : at + 1]
    if quote in {'"', "'"}:
        end = page.find(quote, at + 1)
        end = len(page) if end < 0 else end
        return page[at + 1 : end], end + 1
    end = _matched(_UNQUOTED, page, at)
    return page[at:end], end


def _matched(pattern: re.Pattern[str], page: str, at: int) -> int:
    found = pattern.match(page, at)
    return found.end() if found else at
