"""What looks like a work item key in the texts of a pull request.

Every candidate is kept, `UTF-8` included: it becomes a link only if such a work item exists.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

Place: TypeAlias = Literal["branch", "title", "body", "commit"]

KEY_LENGTH: Final = 50
"""The longest project key that is looked for, in characters."""
MENTIONS_PER_TEXT: Final = 50
"""A hostile text names no more than this."""

_NUMBER: Final = re.compile(r"-[1-9][0-9]{0,9}(?![A-Za-z0-9])")
_WORD: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_LETTERS: Final = frozenset(_WORD[:52])


class Mention(NamedTuple):
    """A candidate. position: where the word that holds it starts; key: in capitals."""

    position: int
    key: str
    matched_text: str


def find_mentions(text: str, place: Place) -> list[Mention]:
    """Return the candidates of a text in their order, the longest key of a word first.

    `feature_ABC-12` holds FEATURE_ABC-12 and ABC-12 at the same position; which of them is meant
    depends on the keys there are. Small letters count in branches only.
    """
    found: list[Mention] = []
    for match in _NUMBER.finditer(text):
        for mention in _keys_before(text, match, any_case=place == "branch"):
            found.append(mention)
            if len(found) == MENTIONS_PER_TEXT:
                return found
    return found


def _keys_before(text: str, match: re.Match[str], *, any_case: bool) -> Iterator[Mention]:
    """Yield the keys that end at a hyphen: the word before it, and its parts after each `_`."""
    hyphen, end = match.span()
    window = text[max(0, hyphen - KEY_LENGTH - 1) : hyphen]
    word = window[len(window.rstrip(_WORD)) :]
    start = hyphen - len(word)
    for offset, letter in enumerate(word):
        begins = word[offset - 1] == "_" if offset else len(word) <= KEY_LENGTH
        if not begins or letter not in _LETTERS:
            continue
        matched = text[start + offset : end]
        key = matched.upper()
        if any_case or key == matched:
            yield Mention(start, key, matched)
