"""The rows of a file as its preview shows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mappings.exchange.plan import Plan, PlannedRow

SHOWN_ROWS: Final = 100


@dataclass(frozen=True)
class Cell:
    """A cell that changes, or that a row has. before, after: None where there is no row."""

    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ShownRow:
    """A row. name: of what it is about, in a few words."""

    number: int
    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Shown:
    """Rows of one kind: added, changed or removed. more: those that are not among `rows`."""

    kind: str
    tone: str
    count: int
    rows: Sequence[ShownRow]
    more: int


def shown_rows(plan: Plan) -> list[Shown]:
    """Return the rows that change something, by what becomes of them."""
    kinds: dict[str, list[PlannedRow]] = {"removed": [], "changed": [], "added": []}
    for row in plan.rows:
        kinds[_kind(row)].append(row)
    tones = {"removed": "bad", "changed": "busy", "added": "good"}
    return [
        Shown(
            kind,
            tones[kind],
            len(rows),
            [_shown(row, plan.table.naming) for row in rows[:SHOWN_ROWS]],
            max(len(rows) - SHOWN_ROWS, 0),
        )
        for kind, rows in kinds.items()
        if rows
    ]


def _kind(row: PlannedRow) -> str:
    if row.before is None:
        return "added"
    return "removed" if row.after is None else "changed"


def _shown(row: PlannedRow, naming: Sequence[str]) -> ShownRow:
    before, after = row.before, row.after
    cells: Mapping[str, str] = after if after is not None else before or {}
    if before is not None and after is not None:
        changed = [Cell(name, before[name], after[name]) for name in row.differing]
        return ShownRow(row.number, _name(cells, naming), changed)
    rest = _filled(cells, naming)
    is_added = after is not None
    return ShownRow(
        row.number,
        _name(cells, naming),
        [Cell(each, None if is_added else text, text if is_added else None) for each, text in rest],
    )


def _name(cells: Mapping[str, str], naming: Sequence[str]) -> str:
    return " · ".join(
        f"source {name.removeprefix('from ')} {cells[name]}" if _needs_name(name) else cells[name]
        for name in naming
        if cells[name]
    )


def _needs_name(column: str) -> bool:
    return column in ("from level", "from category")


def _filled(cells: Mapping[str, str], naming: Sequence[str]) -> Iterable[tuple[str, str]]:
    return [(name, text) for name, text in cells.items() if text and name not in naming]
