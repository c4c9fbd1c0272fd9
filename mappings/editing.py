"""Edits of the rules: previewed, applied as one change-set, taken back.

An edit is a function that writes rules (`mappings.services`, `mappings.book`). What it did is
found by comparing all rules before and after it, so no edit can forget to be recorded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from common.errors import UsageError
from common.tracing import current_trace
from mappings.book import Book, RowChange, differences, read_book, write_rows
from mappings.checks import RuleError, check
from mappings.effects import Impact, Prepared, effects
from mappings.models import Change, ChangeSet, StatusResolution, WitResolution
from mappings.resolve import point_at
from mappings.shifts import Shifts, integration_ids, shifts_between

Edit: TypeAlias = Callable[[], object]

LARGE: Final = 50_000
"""Above so many touched work items an edit is prepared by a run and then put in effect at once."""

_ROWS_AT_ONCE = 500


class Author(NamedTuple):
    """Who edits. user_id: None for a command."""

    user_id: int | None
    name: str


@dataclass(frozen=True)
class Preview:
    """What an edit would do: to rules, and to work items."""

    changes: tuple[RowChange, ...]
    impact: Impact


class PreparingError(UsageError):
    """An earlier edit is being prepared: rules do not change meanwhile."""

    def __init__(self, change_set: ChangeSet) -> None:
        super().__init__(
            f"“{change_set.summary}” is being prepared (run {change_set.run_id}) and takes "
            "effect when that ends: edit after it, or cancel it"
        )
        self.change_set = change_set


class _Taken(Exception):  # noqa: N818 - a way out of a transaction, no error
    """Carries a result out of a transaction that is rolled back."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


def author_of(user: Any) -> Author:
    """Return a signed-in user as the author of an edit."""
    return Author(user.pk, user.get_full_name() or user.get_username())


def preview(tenant_id: int, edit: Edit, *, example_count: int = 10) -> Preview:
    """Return what an edit would do, and do nothing. In the tenant's scope.

    What it says is what `apply` does, for it is the same code: the rules are edited, effects are
    computed of them as they then stand, and all of it is rolled back. Raises what `edit` raises,
    and RuleError if the rules cannot be.
    """

    def look() -> Preview:
        changes, shifts = _edited(tenant_id, edit)
        return Preview(
            tuple(changes), effects().impact(tenant_id, shifts, example_count=example_count)
        )

    try:
        with transaction.atomic():
            raise _Taken(look())
    except _Taken as taken:
        result: Preview = taken.result
        return result


def apply(
    tenant_id: int,
    edit: Edit,
    *,
    author: Author,
    origin: ChangeSet.Origin,
    summary: str = "",
    undoes: ChangeSet | None = None,
    large: int = LARGE,
) -> ChangeSet | None:
    """Make an edit and bring the work items that it touches in line, in one transaction.

    Returns the change-set, None if nothing was changed. One whose state is PREPARING touches more
    than `large` work items: its rules are put in effect by the run that prepares it, and nothing
    has changed yet. summary: by default what was changed. In the tenant's scope. Raises what
    `edit` raises, RuleError if the rules cannot be, PreparingError while an earlier one is being
    prepared; nothing has changed then.
    """
    made = _Draft(tenant_id, author, origin, summary, undoes)
    with transaction.atomic():
        effects().lock(tenant_id)  # Kept while a large edit is rolled back: nobody edits between.
        refuse_while_preparing(tenant_id)
        try:
            with transaction.atomic():
                return _apply_at_once(made, edit, large)
        except _Taken as taken:
            return _prepare(made, taken.result)


def complete_prepared(change_set: ChangeSet, seen_seq: int) -> int:
    """Put a prepared change-set in effect; return how many work items changed.

    Called by its run, in the transaction of its step. seen_seq: as of `effects.Prepared`.
    """
    assert change_set.state == ChangeSet.State.PREPARING
    tenant_id = change_set.tenant_id
    effects().lock(tenant_id)
    _, shifts = _edited(tenant_id, lambda: write_rows(tenant_id, stored_changes(change_set)))
    _resolve(shifts)
    prepared = Prepared(change_set.pk, seen_seq)
    touched = effects().apply(tenant_id, shifts, prepared=prepared) or 0
    _applied(change_set, touched)
    return touched


def abandon(change_set: ChangeSet) -> None:
    """Give a change-set up that is being prepared: the rules stay as they are."""
    ChangeSet.objects.filter(pk=change_set.pk, state=ChangeSet.State.PREPARING).update(
        state=ChangeSet.State.ABANDONED
    )


@contextmanager
def as_if_in_effect(change_set: ChangeSet) -> Iterator[Shifts]:
    """Have the rules of a stored change-set in their tables, and take them back at the end.

    The body is for reading: what it writes is taken back, too.
    """
    tenant_id = change_set.tenant_id
    try:
        with transaction.atomic():
            yield _edited(tenant_id, lambda: write_rows(tenant_id, stored_changes(change_set)))[1]
            raise _Taken(None)
    except _Taken:
        return


def stored_changes(change_set: ChangeSet) -> list[RowChange]:
    """Return what a change-set changed."""
    return [
        RowChange(change.table, change.row_id, change.before, change.after)
        for change in change_set.changes.order_by("id")
    ]


def current_version(tenant_id: int) -> int:
    """Return the version of the tenant's rules: 0 before the first edit."""
    newest = ChangeSet.objects.filter(tenant_id=tenant_id).aggregate(Max("version"))
    return newest["version__max"] or 0


def refuse_while_preparing(tenant_id: int) -> None:
    """Raise PreparingError while a change-set of the tenant is being prepared."""
    preparing = ChangeSet.objects.filter(tenant_id=tenant_id, state=ChangeSet.State.PREPARING)
    if change_set := preparing.first():
        raise PreparingError(change_set)


@dataclass(frozen=True)
class _Draft:
    tenant_id: int
    author: Author
    origin: ChangeSet.Origin
    summary: str
    undoes: ChangeSet | None

    def store(self, changes: list[RowChange], state: ChangeSet.State) -> ChangeSet:
        change_set: ChangeSet = ChangeSet.objects.create(
            tenant_id=self.tenant_id,
            state=state,
            origin=self.origin,
            summary=(self.summary or _summary(changes))[:300],
            author_id=self.author.user_id,
            author_name=self.author.name[:200],
            undoes=self.undoes,
            trace_id=current_trace() or "",
        )
        Change.objects.bulk_create(
            [
                Change(
                    tenant_id=self.tenant_id,
                    change_set=change_set,
                    table=change.table,
                    row_id=change.row_id,
                    label=change.label,
                    before=change.before,
                    after=change.after,
                )
                for change in changes
            ],
            batch_size=_ROWS_AT_ONCE,
        )
        return change_set


def _edited(tenant_id: int, edit: Edit) -> tuple[list[RowChange], Shifts]:
    """Run an edit, check what it leaves, and return what it changes."""
    before = read_book(tenant_id)
    try:
        with transaction.atomic():
            edit()
    except IntegrityError as error:
        raise _refused(error) from error
    after = read_book(tenant_id)
    changes = differences(before, after)
    own = integration_ids(tenant_id)
    check(after, changes, own)
    return changes, _shifts(tenant_id, before, after, own)


def _shifts(tenant_id: int, before: Book, after: Book, own: list[int]) -> Shifts:
    keys = {each: effects().project_keys(tenant_id, each) for each in own}
    return shifts_between(tenant_id, before, after, keys)


def _refused(error: IntegrityError) -> RuleError:
    text = str(error).lower()
    if "unique" in text:
        return RuleError("there is such a rule already: the same name, place and kind")
    return RuleError("a rule like this cannot be stored: check its fields")


def _resolve(shifts: Shifts) -> None:
    """Point what occurs at the rules that it falls under now."""
    for model, moved in ((WitResolution, shifts.types), (StatusResolution, shifts.statuses)):
        point_at(model, [(each.rule_id, each.resolution_id) for each in moved if each.is_moved])


def _applied(change_set: ChangeSet, touched: int) -> None:
    change_set.state = ChangeSet.State.APPLIED
    change_set.version = current_version(change_set.tenant_id) + 1
    change_set.touched_count = touched
    change_set.applied_at = timezone.now()
    change_set.save(update_fields=["state", "version", "touched_count", "applied_at"])


def _apply_at_once(made: _Draft, edit: Edit, large: int) -> ChangeSet | None:
    """Make an edit; raise _Taken with its changes if it touches too much to be made at once."""
    changes, shifts = _edited(made.tenant_id, edit)
    if not changes:
        return None
    _resolve(shifts)
    touched = effects().apply(made.tenant_id, shifts, at_most=large)
    if touched is None:
        raise _Taken(changes)
    change_set = made.store(changes, ChangeSet.State.APPLIED)
    _applied(change_set, touched)
    return change_set


def _prepare(made: _Draft, changes: list[RowChange]) -> ChangeSet:
    change_set = made.store(changes, ChangeSet.State.PREPARING)
    change_set.run_id = effects().prepare(change_set)
    change_set.save(update_fields=["run_id"])
    return change_set


def _summary(changes: list[RowChange]) -> str:
    if len(changes) == 1:
        return f"{_verb(changes[0])} {changes[0].label}"
    kinds: dict[str, int] = {}
    for change in changes:
        verb = _verb(change).lower()
        kinds[verb] = kinds.get(verb, 0) + 1
    counts = ", ".join(f"{verb} {count}" for verb, count in kinds.items())
    return f"{changes[0].label} and {len(changes) - 1} more ({counts})"


def _verb(change: RowChange) -> str:
    if change.before is None:
        return "Added"
    return "Deleted" if change.after is None else "Changed"
