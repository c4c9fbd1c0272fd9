"""Change-sets: every edit of the rules, as what each row was before and is after it."""

from django.conf import settings
from django.db import models

from tenants.models import TenantOwned


class ChangeSet(TenantOwned):
    """One edit of a tenant's rules: what history shows and undo takes back.

    version: the mapping version that it made, counted by tenant; null until it is in effect.
    author_name: kept, for the account may go. undoes: the change-set that it takes back.
    touched_count: work items of which it changed a mapped or computed value.
    run_id: of the run that prepares or prepared it, where it touches many.
    """

    class Origin(models.TextChoices):
        FORM = "form", "Edited"
        BULK = "bulk", "Edited in bulk"
        IMPORT = "import", "Imported"
        INBOX = "inbox", "Accepted in the inbox"
        STARTER = "starter", "Starter rules"
        UNDO = "undo", "Taken back"
        RESTORE = "restore", "Restored"

    class State(models.TextChoices):
        APPLIED = "applied", "In effect"
        PREPARING = "preparing", "Being prepared"
        ABANDONED = "abandoned", "Given up"

    version = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.APPLIED)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    summary = models.CharField(max_length=300)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=200, blank=True, default="")
    undoes = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="undone_by"
    )
    touched_count = models.PositiveIntegerField(default=0)
    run_id = models.BigIntegerField(null=True)
    trace_id = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "mapping_change_sets"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "version"), name="mapping_version_unique"),
            models.UniqueConstraint(
                fields=("tenant",),
                condition=models.Q(state="preparing"),
                name="one_change_set_in_preparation",
            ),
        )

    def __str__(self) -> str:
        return self.summary


class Change(TenantOwned):
    """What a change-set did to one row of a table of rules.

    table: a key of `mappings.book.TABLES`. before, after: the row's columns, null where there was
    or is no row.
    """

    change_set = models.ForeignKey(ChangeSet, on_delete=models.CASCADE, related_name="changes")
    table = models.CharField(max_length=32)
    row_id = models.BigIntegerField()
    label = models.CharField(max_length=300)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        db_table = "mapping_changes"
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("change_set", "table", "row_id"), name="one_change_a_row"
            ),
        )
        indexes = (models.Index(fields=("tenant", "table", "row_id"), name="changes_of_row"),)

    def __str__(self) -> str:
        return self.label
