"""How pull requests look, and what they have: commits, reviews, comments."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.fields import ModelSerializer, Serializer
from warehouse.api.reading import BURIED, LOADED
from warehouse.models import Comment, Commit, PullRequest, PullRequestSize, Review

_OF: Final = ("id", "integration", "repository", "pull_request_number")


class SizeShown(ModelSerializer):
    """What only the detail of a pull request at the source says."""

    class Meta:
        model = PullRequestSize
        fields = (
            *("additions", "deletions", "changed_files", "commit_count", "review_count"),
            *("comment_count", "review_comment_count"),
        )


class PullRequestShown(ModelSerializer):
    """A pull request. body is told of one alone, and in exports."""

    labels = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = PullRequest
        fields: tuple[str, ...] = (
            *("id", "integration", "source_id", "repository", "number", "title", "state"),
            *("is_draft", "author_source_id", "author_login", "created_at", "updated_at"),
            *("closed_at", "merged_at", "head_repository", "head_ref", "head_sha", "base_ref"),
            *("base_sha", "merge_commit_sha", "labels"),
            *BURIED,
            *LOADED,
        )


class PullRequestDetail(PullRequestShown):
    """A pull request with its text and its size, null where that was not loaded."""

    size = serializers.SerializerMethodField()

    class Meta(PullRequestShown.Meta):
        fields = (*PullRequestShown.Meta.fields, "body", "size")

    @extend_schema_field(SizeShown(allow_null=True))
    def get_size(self, row: PullRequest) -> Any:
        """Return the size."""
        sizes = PullRequestSize.objects.filter(
            tenant_id=row.tenant_id, integration_id=row.integration_id, source_id=row.source_id
        )
        found = sizes.first()
        return None if found is None else SizeShown(found).data


class CommitShown(ModelSerializer):
    """A commit of a pull request. position: from 0, parents before children."""

    parent_shas = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Commit
        fields = (
            *_OF,
            *("position", "sha", "message", "author_login", "author_name", "author_email"),
            *("authored_at", "committer_name", "committer_email", "committed_at", "parent_shas"),
            *LOADED,
        )


class ReviewShown(ModelSerializer):
    """A review of a pull request."""

    class Meta:
        model = Review
        fields = (
            *_OF,
            *("source_id", "author_source_id", "author_login", "state", "body", "submitted_at"),
            "commit_sha",
            *LOADED,
        )


class CommentShown(ModelSerializer):
    """A comment on a pull request. kind: `issue` in the conversation, `review` in the diff."""

    class Meta:
        model = Comment
        fields = (
            *_OF,
            *("kind", "source_id", "author_source_id", "author_login", "body", "created_at"),
            *("updated_at", "path", "line", "review_source_id"),
            *LOADED,
        )


class LinkShown(Serializer):
    """A link between a pull request and a work item: the one names the other.

    source: where it stands: branch, title, commit or body. reference: the commit's sha, else
    empty. matched_text: as it stands there. confidence: how likely the pull request does the work.
    """

    integration = serializers.CharField(help_text="Name of the pull request's integration.")
    repository = serializers.CharField()
    pull_request_number = serializers.IntegerField()
    work_item_key = serializers.CharField()
    work_item_source_id = serializers.CharField()
    work_item_integration = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    reference = serializers.CharField(allow_blank=True)
    matched_text = serializers.CharField()
    confidence = serializers.FloatField()


PULL_REQUEST: Final[dict[str, Any]] = {
    "id": 812,
    "integration": 2,
    "source_id": "1892345671",
    "repository": "acme/shop",
    "number": 57,
    "title": "ACME-12 Keep the basket over a sign-in",
    "state": "merged",
    "is_draft": False,
    "author_source_id": "583231",
    "author_login": "octo",
    "created_at": "2026-02-02T09:14:05Z",
    "updated_at": "2026-02-03T15:01:44Z",
    "closed_at": "2026-02-03T15:01:44Z",
    "merged_at": "2026-02-03T15:01:44Z",
    "head_repository": "acme/shop",
    "head_ref": "acme-12-basket",
    "head_sha": "f5b9a3c0c1e6d8f1a2b3c4d5e6f708192a3b4c5d",
    "base_ref": "main",
    "base_sha": "0d1c2b3a495867768594a3b2c1d0e0f1a2b3c4d5",
    "merge_commit_sha": "9e8d7c6b5a49382716059483726150493827160f",
    "labels": ["checkout"],
    "deleted_at": None,
    "deleted_reason": None,
    "fetched_at": "2026-02-03T16:00:00Z",
    "changed_seq": 20817,
}
