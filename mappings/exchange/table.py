"""What a table of rules is to files: its columns, and what a row of cells means."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from mappings.book import Row, RowChange, columns_of, write_rows
from mappings.exchange.names import Names
from mappings.exchange.reading import Problem
from mappings.models import StepCategory
from mappings.rules import fold
from tenants.models import TenantOwned

Key = tuple[Any, ...]
T = TypeVar("T")

YES: Final = frozenset({"yes", "true", "1", "y", "x"})
NO: Final = frozenset({"no", "false", "0", "n"})
_WHOLE: Final = re.compile(r"[+-]?\d{1,9}(?:[.,]0+)?", re.ASCII)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Existing:
    """A row of rules as it is stored. row_id: None for a workflow that has no step."""

    row_id: int | None
    row: Row


@dataclass(frozen=True, slots=True)
class Edits:
    """What an import writes. changed: existing rows with what they become."""

    added: Sequence[Row]
    changed: Sequence[tuple[Existing, Row]]
    removed: Sequence[Existing]


class RowReader:
    """Takes a row's cells apart. What is wrong is kept with its column; what is read goes on."""

    def __init__(self, number: int, cells: Mapping[str, str]) -> None:
        self.number = number
        self._cells = cells
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def complain(self, column: str, message: str) -> None:
        """Note what is wrong with a cell."""
        self.problems.append(Problem(self.number, column, message))

    def text(self, column: str, longest: int, *, is_needed: bool = False) -> str:
        """Return a cell without the white space around it."""
        value = self._cells[column].strip()
        if is_needed and not value:
            self.complain(column, "is empty; it must say something")
        if len(value) > longest:
            self.complain(column, f"has {len(value)} characters; {longest} are possible")
        return value

    def whole(self, column: str, least: int, most: int, *, is_needed: bool = False) -> int | None:
        """Return a cell as a whole number, None for an empty one."""
        value = self._cells[column].strip()
        if not value:
            if is_needed:
                self.complain(column, "is empty; it must be a whole number")
            return None
        if not _WHOLE.fullmatch(value):
            self.complain(column, f"“{value[:40]}” is no whole number")
            return None
        number = int(re.split("[.,]", value)[0])
        if not least <= number <= most:
            self.complain(column, f"{number} is not between {least} and {most}")
            return None
        return number

    def flag(self, column: str, *, empty: bool) -> bool:
        """Return a cell as yes or no. empty: what an empty one means."""
        value = fold(self._cells[column])
        if value in YES or value in NO:
            return value in YES
        if value:
            self.complain(column, f"“{self._cells[column].strip()[:40]}” is neither yes nor no")
        return empty

    def choice(self, column: str, choices: Sequence[tuple[str, Any]], *, is_needed: bool) -> str:
        """Return the value of a choice that is given by its value or its label."""
        wanted = fold(self._cells[column].replace("_", " "))
        if not wanted:
            if is_needed:
                self.complain(column, f"is empty; one of {_labels(choices)}")
            return ""
        for value, label in choices:
            if wanted in (fold(value.replace("_", " ")), fold(str(label))):
                return value
        self.complain(
            column, f"“{self._cells[column].strip()[:40]}” is not one of {_labels(choices)}"
        )
        return ""

    def found(self, column: str, look: Callable[[], T]) -> T | None:
        """Return what a look-up gives, None with a complaint where it finds nothing."""
        try:
            return look()
        except LookupError as error:
            self.complain(column, str(error.args[0]))
            return None


class Table:
    """A table of rules. One row of a file is one row of `model`, unless a subclass says else.

    columns: of a file, in their order. optional: those that a file may leave out. naming: those
    that say what a row is about.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    model: ClassVar[type[TenantOwned]]
    columns: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    naming: ClassVar[tuple[str, ...]]
    page: ClassVar[str]
    """Of the list in the admin: app_model."""

    def existing(self, names: Names) -> Iterator[Existing]:
        """Give the rows that there are, in the order of files."""
        columns = columns_of(self.model)
        rows = self.model.objects.filter(tenant_id=names.tenant_id).order_by("pk")
        for values in rows.values_list("pk", *columns).iterator(chunk_size=2_000):
            yield Existing(values[0], dict(zip(columns, values[1:], strict=True)))

    def key(self, row: Row) -> Key:
        """Return what two rows may not have in common, folded."""
        raise NotImplementedError

    def exact_key(self, row: Row) -> Key:
        """Return the same as it is stored."""
        raise NotImplementedError

    def cells(self, row: Row, names: Names) -> dict[str, str]:
        """Return a row as the cells of a file, by column."""
        raise NotImplementedError

    def read(self, reader: RowReader, names: Names) -> Row:
        """Return the row that cells mean; where the reader complained it means nothing."""
        raise NotImplementedError

    def check(self, wanted: Sequence[tuple[int, Row]], kept: Iterable[Row]) -> Iterator[Problem]:
        """Give what is wrong with rows beside each other: (number, row) of the file, and the
        stored rows that stay."""
        return iter(())

    def gone(self, left_over: list[Existing], wanted: Sequence[tuple[int, Row]]) -> list[Existing]:
        """Return which of the stored rows that no row of the file is about are not in the file."""
        return left_over

    def write(self, names: Names, edits: Edits) -> None:
        """Write rows; to be called inside an edit."""
        table = self.model._meta.db_table
        changes = [
            RowChange(table, existing.row_id, existing.row, row)
            for existing, row in edits.changed
            if existing.row_id is not None
        ]
        changes += [
            RowChange(table, existing.row_id, existing.row, None)
            for existing in edits.removed
            if existing.row_id is not None
        ]
        write_rows(names.tenant_id, changes)
        added: list[Any] = [self.model(tenant_id=names.tenant_id, **row) for row in edits.added]
        self.model.objects.bulk_create(added, batch_size=_AT_ONCE)


def yes_or_no(value: bool) -> str:
    """Return a flag as a cell."""
    return "yes" if value else "no"


def category_label(value: str) -> str:
    """Return a category as a cell."""
    return str(StepCategory(value).label) if value in StepCategory.values else value


def _labels(choices: Sequence[tuple[str, Any]]) -> str:
    return ", ".join(str(label) for _, label in choices)
