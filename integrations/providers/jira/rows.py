"""Lists that are paged by rows: whether they get on."""

from collections.abc import Iterable
from typing import Final

from common.digest import content_digest
from common.http import Answer

from .refusals import EndlessError

_REMEDY: Final = "run it again; if it stays so, look at what a proxy in between does to the query"


def digest(ids: Iterable[str]) -> str:
    """Return a digest of the ids of a page, empty if there are none."""
    text = ",".join(ids)
    return content_digest(text.encode())[:12] if text else ""


def check(step: str, answer: Answer, asked: int, given: int | None, held: str, before: str) -> None:
    """Raise EndlessError if a page does not begin with the row that was asked for.

    given: the row that it says it begins with, None if it does not say. held, before: digests of
    what this page holds and of what the one before held.
    """
    if given is not None and given != asked:
        detail = f"gives the rows from {given:,} on where those from {asked:,} on were asked for"
        raise EndlessError(step, answer, detail, _REMEDY)
    if held and held == before:
        detail = f"gives the rows before row {asked:,} again instead of those after it"
        raise EndlessError(step, answer, detail, _REMEDY)
