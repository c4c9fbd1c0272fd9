"""Taking change-sets back, and going back to an earlier version of the rules."""

from collections.abc import Iterable

from common.errors import UsageError
from mappings.book import TABLES, RowChange, read_book, write_rows
from mappings.editing import Author, Preview, apply, current_version, preview, stored_changes
from mappings.models import Change, ChangeSet


class EditedSinceError(UsageError):
    """What is to be taken back has been changed since. later: the change-sets that did it."""

    def __init__(self, change_set: ChangeSet, later: list[ChangeSet]) -> None:
        named = "; ".join(f"version {each.version}, {each.summary}" for each in later[:3])
        super().__init__(
            f"“{change_set.summary}” cannot be taken back alone, for some of it has been changed "
            f"since ({named}): take these back first, or restore version "
            f"{(change_set.version or 1) - 1}"
        )
        self.later = later


def undo(change_set: ChangeSet, author: Author) -> ChangeSet | None:
    """Take a change-set back exactly; taking that back brings it into effect again.

    Raises EditedSinceError if one of its rows is not as it left it.
    """
    return apply(
        change_set.tenant_id,
        lambda: write_rows(change_set.tenant_id, _reversed(change_set)),
        author=author,
        origin=ChangeSet.Origin.UNDO,
        summary=f"Taken back: {change_set.summary}",
        undoes=change_set,
    )


def preview_undo(change_set: ChangeSet) -> Preview:
    """Return what taking a change-set back would do."""
    tenant_id = change_set.tenant_id
    return preview(tenant_id, lambda: write_rows(tenant_id, _reversed(change_set)))


def restore(tenant_id: int, version: int, author: Author) -> ChangeSet | None:
    """Make the rules what they were at a version; None if they are."""
    return apply(
        tenant_id,
        lambda: write_rows(tenant_id, since(tenant_id, version)),
        author=author,
        origin=ChangeSet.Origin.RESTORE,
        summary=f"Restored version {version}",
    )


def preview_restore(tenant_id: int, version: int) -> Preview:
    """Return what restoring a version would do."""
    return preview(tenant_id, lambda: write_rows(tenant_id, since(tenant_id, version)))


def since(tenant_id: int, version: int) -> list[RowChange]:
    """Return the changes that lead from the rules as they are back to a version."""
    if not 0 <= version <= current_version(tenant_id):
        raise UsageError(f"there is no version {version} of the rules")
    return [change.reverse for change in between(tenant_id, version, None)]


def between(tenant_id: int, older: int, newer: int | None) -> list[RowChange]:
    """Return how the rules of two versions differ. newer: None for the rules as they are."""
    rows = Change.objects.filter(tenant_id=tenant_id, change_set__version__gt=older)
    if newer is not None:
        rows = rows.filter(change_set__version__lte=newer)
    return _merged(rows.order_by("change_set__version", "id"))


def _merged(rows: Iterable[Change]) -> list[RowChange]:
    first: dict[tuple[str, int], Change] = {}
    last: dict[tuple[str, int], Change] = {}
    for row in rows:
        first.setdefault((row.table, row.row_id), row)
        last[row.table, row.row_id] = row
    merged = [
        RowChange(*key, before=change.before, after=last[key].after)
        for key, change in first.items()
        if change.before != last[key].after
    ]
    order = {name: number for number, name in enumerate(TABLES)}
    return sorted(merged, key=lambda change: (order[change.table], change.row_id))


def _reversed(change_set: ChangeSet) -> list[RowChange]:
    if change_set.state != ChangeSet.State.APPLIED:
        raise UsageError(f"“{change_set.summary}” is not in effect")
    changes = stored_changes(change_set)
    book = read_book(change_set.tenant_id)
    if any(book.rows[change.table].get(change.row_id) != change.after for change in changes):
        raise EditedSinceError(change_set, _later(change_set, changes))
    return [change.reverse for change in changes]


def _later(change_set: ChangeSet, changes: Iterable[RowChange]) -> list[ChangeSet]:
    rows = {(change.table, change.row_id) for change in changes}
    later = Change.objects.filter(
        tenant_id=change_set.tenant_id, change_set__version__gt=change_set.version
    ).select_related("change_set")
    found = {
        change.change_set_id: change.change_set
        for change in later
        if (change.table, change.row_id) in rows
    }
    return sorted(found.values(), key=lambda each: -(each.version or 0))
