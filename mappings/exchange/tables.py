"""All tables that files are of."""

from collections.abc import Mapping
from typing import Final

from common.errors import UsageError
from mappings.exchange.rules import CustomFields, Hierarchies, StatusMappings, WitMappings
from mappings.exchange.table import Table
from mappings.exchange.workflows import Workflows

TABLES: Final[Mapping[str, Table]] = {
    table.slug: table
    for table in (Hierarchies(), WitMappings(), Workflows(), StatusMappings(), CustomFields())
}
"""By slug; each after those that it refers to, so that importing all in this order works."""


def table_of(slug: str) -> Table:
    """Return a table; raise UsageError if there is none of this name."""
    if slug not in TABLES:
        raise UsageError(f"there is no table {slug!r}; the tables: {', '.join(TABLES)}")
    return TABLES[slug]
