"""Pull requests with their commits, reviews, comments and mentions; deployments, workflow runs."""

from django.db import models

from warehouse.models.base import (
    InRepository,
    LoadedRow,
    Row,
    Tombstone,
    changed_index,
    natural_key,
)


class PullRequest(LoadedRow, InRepository, Tombstone):
    """A pull request. Its size (`PullRequestSize`) is apart: only the detail shape has it."""

    source_id = models.TextField()
    repository = models.TextField()
    repository_source_id = models.TextField(null=True)
    number = models.IntegerField()
    title = models.TextField()
    body = models.TextField(null=True)
    state = models.TextField()
    is_draft = models.BooleanField()
    author_source_id = models.TextField(null=True)
    author_login = models.TextField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    merged_at = models.DateTimeField(null=True)
    head_repository = models.TextField(null=True)
    head_ref = models.TextField(null=True)
    head_sha = models.TextField(null=True)
    base_ref = models.TextField(null=True)
    base_sha = models.TextField(null=True)
    merge_commit_sha = models.TextField(null=True)
    labels = models.JSONField(default=list)

    class Meta:
        db_table = "pull_requests"
        constraints = natural_key("pull_requests", "source_id")
        indexes = (
            *changed_index("pull_requests"),
            models.Index(
                fields=("tenant", "repository", "number"),
                name="pull_requests_number",
            ),
            models.Index(fields=("updated_at", "tenant", "id"), name="pull_requests_updated"),
        )

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


class PullRequestSize(LoadedRow):
    """What only the detail shape of a pull request says.

    It has a version and a source of its own, so that a later listing never wipes it.
    """

    source_id = models.TextField()
    updated_at = models.DateTimeField()
    additions = models.IntegerField(null=True)
    deletions = models.IntegerField(null=True)
    changed_files = models.IntegerField(null=True)
    commit_count = models.IntegerField(null=True)
    review_count = models.IntegerField(null=True)
    comment_count = models.IntegerField(null=True)
    review_comment_count = models.IntegerField(null=True)

    class Meta:
        db_table = "pull_request_sizes"
        constraints = natural_key("pull_request_sizes", "source_id")


class Commit(LoadedRow, InRepository):
    """A commit of a pull request. position: from 0, parents before children."""

    repository = models.TextField()
    pull_request_number = models.IntegerField()
    position = models.IntegerField(null=True)
    sha = models.TextField()
    message = models.TextField()
    author_login = models.TextField(null=True)
    author_name = models.TextField(null=True)
    author_email = models.TextField(null=True)
    authored_at = models.DateTimeField(null=True)
    committer_name = models.TextField(null=True)
    committer_email = models.TextField(null=True)
    committed_at = models.DateTimeField(null=True)
    parent_shas = models.JSONField(default=list)

    class Meta:
        db_table = "pull_request_commits"
        constraints = natural_key("commits", "repository", "pull_request_number", "sha")
        indexes = changed_index("commits")

    def __str__(self) -> str:
        return self.sha[:12]


class Review(LoadedRow, InRepository):
    """A review of a pull request."""

    source_id = models.TextField()
    repository = models.TextField()
    pull_request_number = models.IntegerField()
    author_source_id = models.TextField(null=True)
    author_login = models.TextField(null=True)
    state = models.TextField()
    body = models.TextField(null=True)
    submitted_at = models.DateTimeField(null=True)
    commit_sha = models.TextField(null=True)

    class Meta:
        db_table = "reviews"
        constraints = natural_key("reviews", "source_id")
        indexes = (
            *changed_index("reviews"),
            models.Index(
                fields=("tenant", "repository", "pull_request_number"),
                name="reviews_pull_request",
            ),
        )


class Comment(LoadedRow, InRepository):
    """A comment on a pull request; the two kinds number their ids apart.

    Where `is_on_pull_request` is null, it may be one on something else that has numbers.
    """

    kind = models.TextField()
    source_id = models.TextField()
    repository = models.TextField()
    pull_request_number = models.IntegerField()
    author_source_id = models.TextField(null=True)
    author_login = models.TextField(null=True)
    body = models.TextField(null=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    path = models.TextField(null=True)
    line = models.IntegerField(null=True)
    review_source_id = models.TextField(null=True)
    is_on_pull_request = models.BooleanField(null=True)

    class Meta:
        db_table = "comments"
        constraints = natural_key("comments", "kind", "source_id")
        indexes = (
            *changed_index("comments"),
            models.Index(
                fields=("tenant", "repository", "pull_request_number"),
                name="comments_pull_request",
            ),
        )


class Mention(Row, InRepository):
    """Text in a pull request that looks like a work item key.

    It is a link as soon as such a work item exists, whichever comes first: links are read as
    the join of this table with the keys (`warehouse/links.py`).
    """

    repository = models.TextField()
    pull_request_number = models.IntegerField()
    place = models.TextField()
    reference = models.TextField()
    position = models.IntegerField()
    key = models.TextField()
    matched_text = models.TextField()
    raw_page_id = models.BigIntegerField()
    raw_position = models.IntegerField()
    changed_seq = models.BigIntegerField()

    class Meta:
        db_table = "pull_request_mentions"
        constraints = natural_key(
            "mentions",
            "repository",
            "pull_request_number",
            "place",
            "reference",
            "position",
            "key",
        )
        indexes = (models.Index(fields=("tenant", "key"), name="mentions_key"),)


class Deployment(LoadedRow, InRepository):
    """A deployment of a commit to an environment."""

    source_id = models.TextField()
    repository = models.TextField()
    environment = models.TextField(null=True)
    ref = models.TextField(null=True)
    sha = models.TextField(null=True)
    task = models.TextField(null=True)
    state = models.TextField(null=True)
    creator_login = models.TextField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "deployments"
        constraints = natural_key("deployments", "source_id")
        indexes = changed_index("deployments")


class WorkflowRun(LoadedRow, InRepository):
    """A run of a workflow, in its newest attempt."""

    source_id = models.TextField()
    repository = models.TextField()
    name = models.TextField(null=True)
    event = models.TextField(null=True)
    status = models.TextField(null=True)
    conclusion = models.TextField(null=True)
    run_number = models.IntegerField(null=True)
    run_attempt = models.IntegerField()
    head_branch = models.TextField(null=True)
    head_sha = models.TextField(null=True)
    actor_login = models.TextField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    run_started_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workflow_runs"
        constraints = natural_key("workflow_runs", "source_id")
        indexes = changed_index("workflow_runs")
