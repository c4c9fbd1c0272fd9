"""Page tokens: whether a walk goes round in a circle."""

from typing import Final

from common.digest import content_digest
from common.http import Answer

from .refusals import EndlessError

MAX_PAGES: Final = 50_000
"""No walk has more pages: by then it has been cut into windows, or its source makes pages up."""

_REMEDY: Final = "run it again; if it stays so, Jira's support has to know of this message"


def remembered(
    step: str, answer: Answer, tokens: dict[str, int], token: str, page: int
) -> dict[str, int]:
    """Return the tokens seen (digest, page) with the one that this page ends with.

    Of earlier ones the last is kept, and those of pages that are powers of two: little, and yet
    every circle is noticed, a short one at once. Raises EndlessError if the token was there
    before, or the pages are too many.
    """
    name = content_digest(token.encode())[:12]
    if name in tokens:
        detail = f"names on page {page} the next page that page {tokens[name]} named: a circle"
        raise EndlessError(step, answer, detail, _REMEDY)
    if page >= MAX_PAGES:
        raise EndlessError(step, answer, f"gives more than {MAX_PAGES:,} pages", _REMEDY)
    kept = {each: at for each, at in tokens.items() if at & (at - 1) == 0 or at == page - 1}
    return kept | {name: page}
