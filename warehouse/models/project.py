"""Where work happens and who does it: projects, repositories, sprints, accounts."""

from django.db import models

from warehouse.models.base import LoadedRow, Row, Tombstone, changed_index, natural_key


class Project(LoadedRow, Tombstone):
    """A Jira project."""

    source_id = models.TextField()
    key = models.TextField()
    name = models.TextField(null=True)
    kind = models.TextField(null=True)
    authority = models.SmallIntegerField()

    class Meta:
        db_table = "projects"
        constraints = natural_key("projects", "source_id")
        indexes = changed_index("projects")

    def __str__(self) -> str:
        return self.key


class Repository(LoadedRow, Tombstone):
    """A repository; `full_name` is owner/name."""

    source_id = models.TextField()
    full_name = models.TextField()
    default_branch = models.TextField(null=True)
    is_private = models.BooleanField(null=True)
    is_archived = models.BooleanField(null=True)
    is_fork = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(null=True)
    authority = models.SmallIntegerField()

    class Meta:
        db_table = "repositories"
        verbose_name_plural = "repositories"
        constraints = natural_key("repositories", "source_id")
        indexes = changed_index("repositories")

    def __str__(self) -> str:
        return self.full_name


class RepositoryName(Row):
    """A name that a repository was seen to have; see `warehouse/repository_names.py`.

    One name may have been that of several repositories, and one repository have had several.
    seen_at: when, as ISO 8601, in order.
    """

    full_name = models.TextField()
    repository_source_id = models.TextField()
    seen_at = models.JSONField()

    class Meta:
        db_table = "repository_names"
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "full_name", "repository_source_id"),
                name="repository_name_unique",
            ),
        )

    def __str__(self) -> str:
        return self.full_name


class Sprint(LoadedRow, Tombstone):
    """A sprint of a board."""

    source_id = models.TextField()
    name = models.TextField()
    state = models.TextField(null=True)
    goal = models.TextField(null=True)
    board_source_id = models.TextField(null=True)
    started_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    authority = models.SmallIntegerField()

    class Meta:
        db_table = "sprints"
        constraints = natural_key("sprints", "source_id")
        indexes = changed_index("sprints")

    def __str__(self) -> str:
        return self.name


class Account(LoadedRow):
    """A person's or machine's account at the source."""

    source_id = models.TextField()
    name = models.TextField(null=True)
    login = models.TextField(null=True)
    email = models.TextField(null=True)
    kind = models.TextField(null=True)
    is_active = models.BooleanField(null=True)
    authority = models.SmallIntegerField()

    class Meta:
        db_table = "accounts"
        constraints = natural_key("accounts", "source_id")
        indexes = changed_index("accounts")

    def __str__(self) -> str:
        return self.name or self.login or self.source_id
