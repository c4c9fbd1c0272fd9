"""What a walk has to know of the issues on a page: ids, times, and whose history is cut short."""

from typing import Any, Final

import msgspec

from common.http import Answer

from .client import UNREADABLE, read_page
from .histories import is_whole
from .shapes import Changelog, Identity
from .times import ms_of


class _Times(msgspec.Struct):
    updated: Any = None


class _Found(msgspec.Struct):
    id: Identity = None
    fields: _Times | None = None
    changelog: Changelog | None = None


class _Page(msgspec.Struct, rename="camel"):
    issues: list[msgspec.Raw]
    next_page_token: str | None = None
    total: int | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)
_FOUND: Final = msgspec.json.Decoder(_Found)


class FoundPage(msgspec.Struct):
    """A page of issues. ids: of those that have one, in their order.

    newest, oldest: their greatest and least update (ms). cut_short: the ids of the issues that do
    not hold their whole history. size: of all issues. token, total: as the page says.
    """

    ids: list[str]
    newest: int | None
    oldest: int | None
    cut_short: list[str]
    size: int
    token: str
    total: int | None


def found_on(step: str, answer: Answer) -> FoundPage:
    """Read a page; an issue that cannot be read is left to the reading of its record."""
    page, apart = read_page(step, answer, _PAGE, "issues")
    issues = page.issues if apart is None else apart
    found = FoundPage([], None, None, [], len(issues), page.next_page_token or "", page.total)
    for raw in issues:
        try:
            issue = _FOUND.decode(raw)
        except UNREADABLE:
            continue
        updated = ms_of(issue.fields.updated) if issue.fields else None
        if updated is not None:
            found.newest = max(updated, found.newest or updated)
            found.oldest = min(updated, found.oldest or updated)
        if issue.id is not None and issue.id != "":
            found.ids.append(str(issue.id))
            if not is_whole(issue.changelog):
                found.cut_short.append(str(issue.id))
    return found
