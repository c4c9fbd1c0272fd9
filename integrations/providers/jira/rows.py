"""Lists that are paged by rows: whether they get on."""

from typing import Final

from common.http import Answer

from .refusals import RefusedError

_REMEDY: Final = "run it again; if it stays so, look at what a proxy in between does to the query"


def check(
    step: str, answer: Answer, asked: int, given: int | None, *, last: str, before: str
) -> None:
    """Raise RefusedError if a page does not begin with the row that was asked for.

    given: the row that it says it begins with, None if it does not say. last, before: the ids of
    the last entity of this page and of the one before, empty for none.
    """
    if given is not None and given != asked:
        detail = f"gives the rows from {given:,} on where those from {asked:,} on were asked for"
        raise RefusedError(step, answer, detail, _REMEDY)
    if last and last == before:
        detail = f"gives the rows before row {asked:,} again instead of those after it"
        raise RefusedError(step, answer, detail, _REMEDY)
