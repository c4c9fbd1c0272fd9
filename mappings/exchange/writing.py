"""Tables of rules as CSV, row by row as they are read."""

import csv
from collections.abc import Iterator
from typing import Any, Final

from mappings.exchange.cells import guarded
from mappings.exchange.names import Names
from mappings.exchange.table import Table

MARK: Final = "\ufeff"
_ROWS_A_PIECE = 500


class _Line:
    """A file for csv.writer that gives back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_of(table: Table, tenant_id: int, *, has_mark: bool = False) -> Iterator[str]:
    """Give the rules of a tenant as text of CSV, some hundred rows at once. In its scope.

    has_mark: begins with a byte order mark, by which Excel knows UTF-8.
    """
    writer: Any = csv.writer(_Line(), lineterminator="\r\n")
    names = Names(tenant_id)
    piece = [MARK if has_mark else "", writer.writerow(table.columns)]
    for existing in table.existing(names):
        cells = table.cells(existing.row, names)
        piece.append(writer.writerow([guarded(cells[name]) for name in table.columns]))
        if len(piece) > _ROWS_A_PIECE:
            yield "".join(piece)
            piece = []
    yield "".join(piece)
