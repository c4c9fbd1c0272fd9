"""What a record belongs to, where it does not say so itself."""

from typing import NamedTuple


class Owner(NamedTuple):
    """A repository (owner/name) and the number of a pull request in it."""

    repository: str | None = None
    number: int | None = None
