"""How many live rows a tenant has of each table, as a source's own ledger counts them."""

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import QuerySet

from integrations.contract import LISTED
from warehouse.alive import live_rows
from warehouse.tables import BY_NAME

_LISTED_ONLY: Final = ("projects", "wits", "statuses", "sprints", "repositories")
"""Of these a source lists what it has; what is only mentioned elsewhere is none of it."""


def live_counts(names: Iterable[str]) -> dict[str, int]:
    """Return the count of each named table in the tenant scope; what is gone does not count."""
    return {name: _rows(name).count() for name in names}


def _rows(name: str) -> "QuerySet[Any]":
    rows = live_rows(BY_NAME[name])
    return rows.filter(authority=LISTED) if name in _LISTED_ONLY else rows
