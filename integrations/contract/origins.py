"""Where in its record each column of a loaded row stands, as a provider declares it."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

Places: TypeAlias = tuple[str, ...]
"""Paths inside a record (`common.jsonplaces`), the best first: the first that is there holds."""

Origins: TypeAlias = Mapping[str, Places]
"""Column → places. A custom field's is under `custom_fields.<its source id>`."""


class DeclaresOrigins(Protocol):
    """The part of a connector that tells where values come from."""

    def origins(self, table: str, row: Mapping[str, Any], settings: Any) -> Origins:
        """Return the places of the columns of a row in the record that it was loaded from.

        row: its columns. Columns that are absent come from no single place; a table that is
        not known has none.
        """
