"""Cells that a spreadsheet would take as a formula, made harmless, and exactly back."""

import re
from typing import Final

_STARTS: Final = frozenset("=+-@＝＋－＠")
_BREAKS: Final = frozenset("\t\r\n")
_PLAIN_NUMBER: Final = re.compile(r"-?\d+([.,]\d+)?", re.ASCII)
_GUARD: Final = "'"


def guarded(text: str) -> str:
    """Return the text as a cell that no spreadsheet runs: with an apostrophe before a formula."""
    return _GUARD + text if _is_formula(text.lstrip(_GUARD)) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` made the cell of; any other cell as it is.

    A text that itself begins with apostrophes keeps them: one is taken only from before what
    would be a formula without any, and there `guarded` always adds one.
    """
    if cell.startswith(_GUARD) and _is_formula(cell.lstrip(_GUARD)):
        return cell[1:]
    return cell


def _is_formula(text: str) -> bool:
    core = text.lstrip()
    if any(each in _BREAKS for each in text[: len(text) - len(core)]):
        return True
    if not core or core[0] not in _STARTS:
        return False
    return _PLAIN_NUMBER.fullmatch(text) is None
