"""Work items with the source's values and our metrics, and their changelogs."""

from django.db import models
from django.db.models.functions import Coalesce

from mappings.models import StatusResolution, WitResolution
from warehouse.models.base import LoadedRow, Row, Tombstone, changed_index, natural_key


class WorkItem(LoadedRow, Tombstone):
    """A work item. Mapped values are those of the rules that its two resolutions point at.

    Metrics are defined in `warehouse/flow.py` alone; `*_seconds` are elapsed calendar time.

    history_complete: the row's own record holds all changes. all_changes_loaded: they are all
    here, whichever records brought them; see `warehouse/histories.py`. complete_until: where
    only an older record held all of them, when it was updated. mapped_fields: what the tenant
    makes of custom fields, by target; null where no rule gives anything.

    The indexes of orders and filters begin with what no load looks rows up by alone, so that
    none of them takes one for the key of an item.
    """

    source_id = models.TextField()
    key = models.TextField()
    project_source_id = models.TextField()
    project_key = models.TextField()
    type_source_id = models.TextField()
    source_type = models.TextField()
    status_source_id = models.TextField()
    source_status = models.TextField()
    title = models.TextField()
    description = models.TextField(null=True)
    priority = models.TextField(null=True)
    resolution = models.TextField(null=True)
    assignee_source_id = models.TextField(null=True)
    reporter_source_id = models.TextField(null=True)
    creator_source_id = models.TextField(null=True)
    parent_source_id = models.TextField(null=True)
    parent_key = models.TextField(null=True)
    labels = models.JSONField(default=list)
    sprint_source_ids = models.JSONField(default=list)
    story_points = models.FloatField(null=True)
    due_on = models.DateField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    custom_fields = models.JSONField(default=dict)
    history_complete = models.BooleanField()
    history_total = models.IntegerField(null=True)
    all_changes_loaded = models.BooleanField(db_default=False)
    complete_until = models.DateTimeField(null=True)
    mapped_fields = models.JSONField(null=True)

    wit_resolution = models.ForeignKey(
        WitResolution, null=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    status_resolution = models.ForeignKey(
        StatusResolution, null=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    committed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    lead_time_seconds = models.FloatField(null=True)
    cycle_time_seconds = models.FloatField(null=True)
    active_seconds = models.FloatField(null=True)
    waiting_seconds = models.FloatField(null=True)

    class Meta:
        db_table = "work_items"
        constraints = natural_key("work_items", "source_id")
        indexes = (
            *changed_index("work_items"),
            models.Index(fields=("tenant", "key"), name="work_items_key"),
            models.Index(fields=("updated_at", "tenant", "id"), name="work_items_updated"),
            models.Index(
                fields=("project_key", "tenant", "changed_seq"), name="work_items_project"
            ),
            models.Index(
                fields=("project_key", "tenant", "updated_at", "id"),
                name="work_items_project_updated",
            ),
            models.Index(
                fields=("assignee_source_id", "tenant", "changed_seq"),
                condition=models.Q(assignee_source_id__isnull=False),
                name="work_items_assignee",
            ),
            models.Index(
                fields=("deleted_at", "tenant"),
                condition=models.Q(deleted_at__isnull=False),
                name="work_items_gone",
            ),
            models.Index(
                fields=(
                    "tenant",
                    "done_at",
                    "lead_time_seconds",
                    "cycle_time_seconds",
                    "id",
                    "source_id",
                ),
                condition=models.Q(done_at__isnull=False, deleted_at=None),
                name="work_items_done",
            ),
        )

    def __str__(self) -> str:
        return self.key


class Changelog(Row):
    """One item of one history of a work item: what changed from what to what, when, by whom.

    raw_page_id, raw_position: its own source. The composite key is the natural one: this is the
    largest table, and a surrogate key's index would cost a third of the load. The indexes of
    statuses are small, for only some changes are of the status; an edit of rules finds by them
    which items were ever in one. They begin with an expression, so that no load takes one of them
    for the key of an item and reads all changes there are.
    """

    pk = models.CompositePrimaryKey(
        "work_item_source_id", "integration_id", "tenant_id", "source_id", "position"
    )
    work_item_source_id = models.TextField()
    source_id = models.TextField()
    position = models.IntegerField()
    field = models.TextField(null=True)
    field_id = models.TextField(null=True)
    is_status = models.BooleanField()
    from_value = models.TextField(null=True)
    to_value = models.TextField(null=True)
    from_text = models.TextField(null=True)
    to_text = models.TextField(null=True)
    author_source_id = models.TextField(null=True)
    changed_at = models.DateTimeField()
    raw_page_id = models.BigIntegerField()
    raw_position = models.IntegerField()
    changed_seq = models.BigIntegerField()

    class Meta:
        db_table = "work_item_changelogs"
        indexes = (
            *changed_index("changelogs"),
            *(
                models.Index(
                    Coalesce(column, models.Value("")),
                    "integration",
                    condition=models.Q(is_status=True),
                    name=f"changelogs_{column}",
                )
                for column in ("from_value", "to_value")
            ),
        )
