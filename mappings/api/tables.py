"""The tables of rules as the API writes them: many rows at once, checked row by row."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Final

from django.db.models import QuerySet

from mappings.api.edits import Edits, RowEdit, refuse
from mappings.api.removal import NEXT, refuse_occurring, refuse_used, target_of
from mappings.api.rows import (
    CustomFieldMappingRow,
    RuleRow,
    StatusMappingRow,
    WitHierarchyRow,
    WitMappingRow,
)
from mappings.book import Row, RowChange, columns_of, delete_rows, write_rows
from mappings.dependants import Use, rules_on_levels, use_of_status_rules, use_of_type_rules
from mappings.exchange import rules as files
from mappings.exchange.table import Table as FileTable
from mappings.field_targets import ready_field_rule
from mappings.models import CustomFieldMapping, StatusMapping, WitHierarchy, WitMapping
from mappings.services import (
    make_status_rules_like,
    make_type_rules_like,
    move_to_level,
    ready_status_rule,
    ready_type_rule,
)
from tenants.api.problems import ProblemError
from tenants.models import TenantOwned

_ROWS_AT_ONCE: Final = 500


class RuleTable:
    """A table of rules.

    slug: as addresses name it. file_table: says when two rows are about the same. naming: the
    member that is told to be so, in the words of `alike`. related: what is read along with a row.
    """

    slug: ClassVar[str]
    model: ClassVar[type[TenantOwned]]
    row_class: ClassVar[type[RuleRow]]
    file_table: ClassVar[FileTable]
    naming: ClassVar[str]
    alike: ClassVar[str] = (
        "There is a rule for this already ({}). Capitals, spaces and signs that are not seen make "
        "no difference."
    )
    related: ClassVar[tuple[str, ...]] = ()

    def rows(self) -> QuerySet[Any]:
        """Return the rows of the scope with what is shown of them."""
        return self.model._default_manager.select_related(*self.related)

    def ready(self, row: Any) -> None:
        """Make a row what is stored of it."""

    def written(self, edits: Edits, edit: RowEdit, row_id: int) -> None:
        """Do what is left to do when a row is stored."""

    def remove(self, edits: Edits, edit: RowEdit) -> None:
        """Delete a row, after what depends on it went where the edit says."""
        row = self.stored_row(edits, edit)
        if not self.let_go(edits, edit, row):
            delete_rows(self.model, edits.tenant_id, [row.pk])

    def let_go(self, edits: Edits, edit: RowEdit, row: Any) -> bool:
        """Let go what depends on a row; return whether the row stays for that."""
        return False

    def stored_row(self, edits: Edits, edit: RowEdit) -> Any:
        """Return the row that an edit names; raise Problem or Http404 if there is none."""
        row = self.rows().filter(tenant_id=edits.tenant_id, pk=edit.row_id).first()
        if row is None:
            refuse([edit.refuse_missing()])
        if edit.check is not None:
            edit.check(row)
        return row

    def write(self, edits: Edits, numbered: Sequence[tuple[int, RowEdit]]) -> None:
        """Store rows; raise Problem with all that is wrong with any of them."""
        errors: list[ProblemError] = []
        stored = self._stored(edits, [edit for _, edit in numbered], errors)
        wanted: list[tuple[int, RowEdit, Any]] = []
        for number, edit in numbered:
            old = stored.get(edit.row_id) if edit.row_id is not None else None
            if edit.row_id is not None and old is None:
                continue
            values = edits.validated(edit, old, errors)
            if values is not None:
                wanted.append((number, edit, self._made(edits.tenant_id, old, values)))
        refuse(errors)
        refuse(list(self._alike(edits.tenant_id, wanted)))
        self._store(edits, stored, wanted)
        for number, edit, row in wanted:
            edits.wrote(number, edit, self.model._meta.db_table, row.pk)
            self.written(edits, edit, row.pk)

    def _stored(
        self, edits: Edits, some: Sequence[RowEdit], errors: list[ProblemError]
    ) -> dict[int, Any]:
        """Return the rows that are edited, by id; note those that are not there, or twice."""
        ids = [edit.row_id for edit in some if edit.row_id is not None]
        found: dict[int, Any] = {}
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            rows = self.rows().filter(
                tenant_id=edits.tenant_id, pk__in=ids[start : start + _ROWS_AT_ONCE]
            )
            found.update({row.pk: row for row in rows})
        seen: set[int] = set()
        for edit in some:
            if edit.row_id is None:
                continue
            if edit.row_id not in found:
                errors.append(edit.refuse_missing())
            elif edit.row_id in seen:
                errors.append(
                    ProblemError(
                        pointer=f"{edit.pointer}/id",
                        detail=f"{edit.row_id} is edited more than once.",
                        code="unique",
                    )
                )
            elif edit.check is not None:
                edit.check(found[edit.row_id])
            seen.add(edit.row_id)
        return found

    def _made(self, tenant_id: int, old: Any, values: Mapping[str, Any]) -> Any:
        row: Any = copy(old) if old is not None else self.model(tenant_id=tenant_id)
        for name, value in values.items():
            setattr(row, name, value)
        self.ready(row)
        return row

    def _alike(
        self, tenant_id: int, wanted: Sequence[tuple[int, RowEdit, Any]]
    ) -> Iterable[ProblemError]:
        """Give the rows that say something about what another row is about, however written."""
        key = self.file_table.key
        mine = {row.pk for _, _, row in wanted if row.pk is not None}
        rows = self.model._default_manager.filter(tenant_id=tenant_id)
        old: dict[int, Any] = {}
        seen: dict[Any, str] = {}
        for pk, *values in rows.values_list("pk", *columns_of(self.model)):
            row = dict(zip(columns_of(self.model), values, strict=True))
            old[pk] = key(row)
            if pk not in mine:
                seen.setdefault(old[pk], f"id {pk}")
        for _, edit, row in wanted:
            own = key(_columns(row))
            if own in seen and old.get(row.pk) != own:
                yield edit.error(self.naming, self.alike.format(seen[own]), "unique")
            seen.setdefault(own, edit.pointer.strip("/") or "this one")

    def _store(
        self,
        edits: Edits,
        stored: Mapping[int, Any],
        wanted: Sequence[tuple[int, RowEdit, Any]],
    ) -> None:
        table = self.model._meta.db_table
        old = [row for _, _, row in wanted if row.pk is not None]
        write_rows(
            edits.tenant_id,
            [RowChange(table, row.pk, _columns(stored[row.pk]), _columns(row)) for row in old],
        )
        new = [row for _, _, row in wanted if row.pk is None]
        self.model._default_manager.bulk_create(new, batch_size=_ROWS_AT_ONCE)


def _columns(row: TenantOwned) -> Row:
    return {name: getattr(row, name) for name in columns_of(type(row))}


class WitHierarchies(RuleTable):
    """Levels. move_to: the level that the rules on a level are given."""

    slug = "wit-hierarchies"
    model = WitHierarchy
    row_class = WitHierarchyRow
    file_table = files.Hierarchies()
    naming = "level"
    alike = "There is a level of this number already ({})."

    def written(self, edits: Edits, edit: RowEdit, row_id: int) -> None:
        if edit.move_to is not None:
            move_to_level(edits.tenant_id, row_id, self._target(edits, edit, row_id))

    def let_go(self, edits: Edits, edit: RowEdit, row: WitHierarchy) -> bool:
        uses = rules_on_levels(edits.tenant_id, [row.pk])
        if edit.move_to is not None:
            move_to_level(edits.tenant_id, row.pk, self._target(edits, edit, row.pk))
        elif uses:
            refuse_used(
                f"Level {row}", list(uses.values()), "say by move_to which level they are given"
            )
        return False

    def _target(self, edits: Edits, edit: RowEdit, row_id: int) -> WitHierarchy:
        others = WitHierarchy.objects.filter(tenant_id=edits.tenant_id, is_active=True)
        found: WitHierarchy = target_of(edit, others.exclude(pk=row_id), {})
        return found


class _MatchingTable(RuleTable):
    """Rules under which work items fall."""

    naming = "from_name"

    def use_of(self, tenant_id: int, row_id: int) -> Use:
        """Return what falls under a rule."""
        raise NotImplementedError

    def make_like(self, rows: QuerySet[Any], like: Any) -> None:
        """Let rules give what another gives."""
        raise NotImplementedError

    def let_go(self, edits: Edits, edit: RowEdit, row: Any) -> bool:
        if edit.move_to is None:
            use = self.use_of(edits.tenant_id, row.pk)
            if use.occurrences:
                refuse_occurring(str(row), use)
            return False
        others = self.rows().filter(tenant_id=edits.tenant_id).exclude(pk=row.pk)
        like = target_of(edit, others, {NEXT: None})
        if like is not None:
            own = self.model._default_manager.filter(tenant_id=edits.tenant_id, pk=row.pk)
            self.make_like(own, like)
        return like is not None


class WitMappings(_MatchingTable):
    """Rules for types."""

    slug = "wit-mappings"
    model = WitMapping
    row_class = WitMappingRow
    file_table = files.WitMappings()
    related = ("integration", "hierarchy")

    def ready(self, row: WitMapping) -> None:
        ready_type_rule(row)

    def use_of(self, tenant_id: int, row_id: int) -> Use:
        return use_of_type_rules(tenant_id, [row_id]).get(row_id, Use())

    def make_like(self, rows: QuerySet[Any], like: WitMapping) -> None:
        make_type_rules_like(rows, like)


class StatusMappings(_MatchingTable):
    """Rules for statuses."""

    slug = "status-mappings"
    model = StatusMapping
    row_class = StatusMappingRow
    file_table = files.StatusMappings()
    related = ("integration", "step__workflow")

    def ready(self, row: StatusMapping) -> None:
        ready_status_rule(row)

    def use_of(self, tenant_id: int, row_id: int) -> Use:
        return use_of_status_rules(tenant_id, [row_id]).get(row_id, Use())

    def make_like(self, rows: QuerySet[Any], like: StatusMapping) -> None:
        make_status_rules_like(rows, like)


class CustomFieldMappings(RuleTable):
    """Rules for custom fields."""

    slug = "custom-field-mappings"
    model = CustomFieldMapping
    row_class = CustomFieldMappingRow
    file_table = files.CustomFields()
    naming = "field_source_id"
    alike = "There is a rule for this field already ({})."
    related = ("integration",)

    def ready(self, row: CustomFieldMapping) -> None:
        ready_field_rule(row)
