"""What a file would do to a table of rules, row by row, and the edit that does it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from common.errors import UsageError
from mappings.book import Row
from mappings.exchange.names import Names
from mappings.exchange.reading import Problem, Sheet, read_sheet
from mappings.exchange.table import Edits, Existing, Key, RowReader, Table

SHOWN_PROBLEMS: Final = 200
_GIVE_UP_AT: Final = 2_000
_SHOWN_NOTES = 20


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row of the file, or one that is removed. number: of the file's row, 0 for a removed one.

    before, after: cells by column; None where there was or will be no row.
    """

    number: int
    before: Mapping[str, str] | None
    after: Mapping[str, str] | None

    @property
    def differing(self) -> list[str]:
        """The columns whose cell changes."""
        if self.before is None or self.after is None:
            return []
        return [name for name, cell in self.after.items() if self.before[name] != cell]


@dataclass
class Plan:
    """What a file would do. problems: the first SHOWN_PROBLEMS of them; with any nothing is done.

    unchanged_count: rows of the file that are as the rules are already.
    """

    table: Table
    names: Names
    edits: Edits = field(default_factory=lambda: Edits((), (), ()))
    rows: list[PlannedRow] = field(default_factory=list)
    unchanged_count: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are added, changed, removed and unchanged."""
        return {
            "added": len(self.edits.added),
            "changed": len(self.edits.changed),
            "removed": len(self.edits.removed),
            "unchanged": self.unchanged_count,
        }

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.edits.added or self.edits.changed or self.edits.removed)

    @property
    def summary(self) -> str:
        """What the change-set is called."""
        changing = list(self.counts.items())[:3]
        done = ", ".join(f"{count:,} {what}" for what, count in changing if count)
        return f"Imported {self.table.title}: {done or 'nothing new'}"

    def edit(self) -> None:
        """Write it; to be called by `editing.apply` or `preview`."""
        if self.problem_count:
            raise UsageError(f"{self.problem_count} cells are wrong: nothing was written")
        self.table.write(self.names, self.edits)


def plan_import(table: Table, tenant_id: int, data: bytes, *, is_replacing: bool = False) -> Plan:
    """Return what a file would do; raise SheetError if it is no file of the table.

    is_replacing: rows that are not in the file are removed. In the tenant's scope.
    """
    return _Planner(table, Names(tenant_id)).plan(
        read_sheet(data, table.columns, table.optional), is_replacing
    )


class _Planner:
    def __init__(self, table: Table, names: Names) -> None:
        self._table = table
        self._names = names
        self._plan = Plan(table, names)

    def plan(self, sheet: Sheet, is_replacing: bool) -> Plan:
        plan = self._plan
        self._complain(sheet.problems)
        wanted = list(self._wanted(sheet))
        stored = list(self._table.existing(self._names))
        matched = self._matched(wanted, stored)
        self._complain(self._duplicates(wanted, matched))
        gone = self._table.gone(_left_over(stored, matched), wanted)
        kept: Iterable[Row] = () if is_replacing else (each.row for each in gone)
        if not plan.problem_count:
            self._complain(self._table.check(wanted, kept))
        plan.notes = [*sheet.notes, *plan.notes]
        if not plan.problem_count:
            self._compare(wanted, matched, gone if is_replacing else [])
        return plan

    def _complain(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self._plan.problem_count += 1
            if len(self._plan.problems) < SHOWN_PROBLEMS:
                self._plan.problems.append(problem)

    def _wanted(self, sheet: Sheet) -> Iterator[tuple[int, Row]]:
        notes = self._plan.notes
        for row in sheet.rows:
            reader = RowReader(row.number, row.cells)
            meant = self._table.read(reader, self._names)
            self._complain(reader.problems)
            if len(notes) < _SHOWN_NOTES:
                notes.extend(reader.notes)
            if not reader.problems:
                yield row.number, meant
            if self._plan.problem_count >= _GIVE_UP_AT:
                notes.append(f"Rows after {row.number} were not looked at: too much is wrong.")
                return

    def _matched(
        self, wanted: list[tuple[int, Row]], stored: list[Existing]
    ) -> dict[int, Existing]:
        """Return the stored row that each row of the file is about, by the row's number."""
        exact: dict[Key, Existing] = {}
        alike: dict[Key, Existing] = {}
        for existing in stored:
            exact.setdefault(self._table.exact_key(existing.row), existing)
            alike.setdefault(self._table.key(existing.row), existing)
        found = {}
        for number, row in wanted:
            match = exact.get(self._table.exact_key(row)) or alike.get(self._table.key(row))
            if match is not None:
                found[number] = match
        return found

    def _duplicates(
        self, wanted: list[tuple[int, Row]], matched: Mapping[int, Existing]
    ) -> Iterator[Problem]:
        """Give the rows that say something about what an earlier row is about, however written."""
        seen: dict[Key, int] = {}
        own: set[Key] = set()
        for number, row in wanted:
            key, exact = self._table.key(row), self._table.exact_key(row)
            stored = matched.get(number)
            is_own = stored is not None and self._table.exact_key(stored.row) == exact
            if is_own and exact not in own:
                own.add(exact)  # Two stored rows may differ only in how they are written.
                seen.setdefault(key, number)
                continue
            if key in seen:
                yield Problem(
                    number,
                    "",
                    f"is about the same as row {seen[key]} (capitals, accents' spelling and spaces "
                    "make no difference): keep one of them",
                )
            seen.setdefault(key, number)

    def _compare(
        self,
        wanted: list[tuple[int, Row]],
        matched: Mapping[int, Existing],
        gone: list[Existing],
    ) -> None:
        plan, table, names = self._plan, self._table, self._names
        added: list[Row] = []
        changed: list[tuple[Existing, Row]] = []
        for number, row in wanted:
            existing = matched.get(number)
            after = table.cells(row, names)
            if existing is None:
                added.append(row)
                plan.rows.append(PlannedRow(number, None, after))
                continue
            meant = {**existing.row, **_kept_spelling(existing.row, row)}
            if meant == existing.row:
                plan.unchanged_count += 1
                continue
            changed.append((existing, meant))
            before = table.cells(existing.row, names)
            plan.rows.append(PlannedRow(number, before, table.cells(meant, names)))
        plan.rows.extend(PlannedRow(0, table.cells(each.row, names), None) for each in gone)
        plan.edits = Edits(added, changed, gone)


def _kept_spelling(stored: Row, meant: Row) -> Row:
    """Return what is meant, as it is stored where only white space around it differs."""
    return {name: _kept(stored.get(name), value) for name, value in meant.items()}


def _kept(stored: Any, meant: Any) -> Any:
    is_text = isinstance(stored, str) and isinstance(meant, str)
    return stored if is_text and stored.strip() == meant else meant


def _left_over(stored: list[Existing], matched: Mapping[int, Existing]) -> list[Existing]:
    used = {id(existing) for existing in matched.values()}
    return [existing for existing in stored if id(existing) not in used]
