"""What can go wrong in a query, as the answer's `errors` has it."""

from typing import Any

ErrorEntry = dict[str, Any]


class QueryError(Exception):
    """A field that cannot be answered. kind: the error's `type`, such as NOT_FOUND."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    def entry(self, path: tuple[str | int, ...]) -> ErrorEntry:
        """Return it as the answer has it, at a place in the data."""
        return {"type": self.kind, "path": list(path), "message": self.message}


class RefusedError(Exception):
    """A query that is not executed at all. entries: the answer's `errors`."""

    def __init__(self, *entries: ErrorEntry) -> None:
        super().__init__(str(entries))
        self.entries = list(entries)
