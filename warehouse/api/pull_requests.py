"""Pull requests with what they have; commits, reviews, comments, deployments, workflow runs."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.etags import tagged
from tenants.api.fields import ModelSerializer
from tenants.api.filters import BooleanFilter, IntegerFilter, TextFilter, TimeFilter
from warehouse.api.exports import ExportMixin, exporting
from warehouse.api.places import described
from warehouse.api.pull_request_rows import (
    PULL_REQUEST,
    CommentShown,
    CommitShown,
    LinkShown,
    PullRequestDetail,
    PullRequestShown,
    ReviewShown,
)
from warehouse.api.reading import LOADED, DetailSet, LoadedFilters, TombstoneFilters
from warehouse.links import links_of_pull_requests
from warehouse.models import Comment, Commit, Deployment, PullRequest, Review, WorkflowRun


class PullRequestFilters(TombstoneFilters):
    """Of pull requests."""

    repository = TextFilter(label="Owner and name, as `acme/shop`.")
    number = IntegerFilter(label="The number in its repository.")
    state = TextFilter(label="`open`, `closed` or `merged`.")
    author = TextFilter("author_login", label="Login of the author.")
    is_draft = BooleanFilter(label="Whether it is a draft.")
    created_from = TimeFilter("created_at", "gte", label="Created then or later.")
    created_before = TimeFilter("created_at", "lt", label="Created before then.")
    updated_from = TimeFilter("updated_at", "gte", label="Updated then or later.")
    updated_before = TimeFilter("updated_at", "lt", label="Updated before then.")
    merged_from = TimeFilter("merged_at", "gte", label="Merged then or later.")
    merged_before = TimeFilter("merged_at", "lt", label="Merged before then.")

    class Meta:
        model = PullRequest
        fields = ()


_EXAMPLE = OpenApiExample("A pull request", value=PULL_REQUEST, response_only=True)


Method = TypeVar("Method", bound=Callable[..., Response])


def _part(of: str, summary: str, serializer: Any) -> Callable[[Method], Method]:
    """Return the decorator of an action that pages through a part of a pull request."""
    schema = extend_schema(
        summary=summary, tags=["pull-requests"], filters=False, responses=serializer(many=True)
    )

    def decorated(method: Method) -> Method:
        made: Any = action(
            detail=True,
            url_path=of,
            serializer_class=serializer,
            orderings={"id": "pk"},
            filterset_class=None,
            extra_parameters=(),
            has_changes=False,
        )
        found: Method = schema(made(method))
        return found

    return decorated


@extend_schema_view(
    list=extend_schema(summary="List pull requests", tags=["pull-requests"], examples=[_EXAMPLE]),
    retrieve=extend_schema(summary="Read a pull request", tags=["pull-requests"]),
    export=exporting("pull requests", "pull-requests"),
)
class PullRequestsViewSet(ExportMixin, DetailSet):
    """Pull requests of the repositories."""

    model = PullRequest
    serializer_class = PullRequestShown
    filterset_class = PullRequestFilters
    orderings = {"changed_seq": "changed_seq", "updated_at": "updated_at"}
    export_table = "pull_requests"

    def get_serializer_class(self) -> Any:
        return PullRequestDetail if self.action == "retrieve" else super().get_serializer_class()

    def rows(self) -> QuerySet[Any]:
        rows = super().rows()
        return rows.defer("body") if self.action == "list" else rows

    def _page_of(self, model: Any) -> Response:
        row = self.get_object()
        rows = model.objects.filter(
            tenant_id=row.tenant_id,
            integration_id=row.integration_id,
            repository=row.repository,
            pull_request_number=row.number,
        )
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @_part("commits", "List the commits of a pull request", CommitShown)
    def commits(self, request: Request, pk: str) -> Response:
        """Its commits."""
        return self._page_of(Commit)

    @_part("reviews", "List the reviews of a pull request", ReviewShown)
    def reviews(self, request: Request, pk: str) -> Response:
        """Its reviews."""
        return self._page_of(Review)

    @_part("comments", "List the comments on a pull request", CommentShown)
    def comments(self, request: Request, pk: str) -> Response:
        """Its comments, of both kinds."""
        return self._page_of(Comment)

    @extend_schema(
        summary="List the work items that a pull request names",
        tags=["pull-requests"],
        filters=False,
        responses=LinkShown(many=True),
    )
    @action(
        detail=True,
        filterset_class=None,
        pagination_class=None,
        extra_parameters=(),
    )
    def links(self, request: Request, pk: str) -> Response:
        """Its links: mentions that name a live work item of the tenant."""
        row = self.get_object()
        found = links_of_pull_requests(
            row.tenant_id, [(row.integration_id, row.repository, row.number)]
        )
        return tagged(request, [link._asdict() for link in found])


class _OfPullRequest(LoadedFilters):
    """What belongs to pull requests can be filtered by."""

    repository = TextFilter(label="Owner and name, as `acme/shop`.")
    pull_request_number = IntegerFilter(label="Number of the pull request in its repository.")
    author = TextFilter("author_login", label="Login of the author.")


class CommitFilters(_OfPullRequest):
    """Of commits."""

    sha = TextFilter(label="The whole SHA.")

    class Meta:
        model = Commit
        fields = ()


@described("a commit", "commits of pull requests", "commits")
class CommitsViewSet(DetailSet):
    """Commits of pull requests; one of several pull requests is told of each."""

    model = Commit
    serializer_class = CommitShown
    filterset_class = CommitFilters


class ReviewFilters(_OfPullRequest):
    """Of reviews."""

    state = TextFilter(label="As `approved`.")

    class Meta:
        model = Review
        fields = ()


@described("a review", "reviews", "reviews")
class ReviewsViewSet(DetailSet):
    """Reviews of pull requests."""

    model = Review
    serializer_class = ReviewShown
    filterset_class = ReviewFilters


class CommentFilters(_OfPullRequest):
    """Of comments."""

    kind = TextFilter(label="`issue` or `review`.")

    class Meta:
        model = Comment
        fields = ()


@described("a comment", "comments", "comments")
class CommentsViewSet(DetailSet):
    """Comments on pull requests."""

    model = Comment
    serializer_class = CommentShown
    filterset_class = CommentFilters


class DeploymentShown(ModelSerializer):
    """A deployment of a commit to an environment."""

    class Meta:
        model = Deployment
        fields = (
            *("id", "integration", "repository", "source_id", "environment", "ref", "sha"),
            *("task", "state", "creator_login", "created_at", "updated_at"),
            *LOADED,
        )


class DeploymentFilters(LoadedFilters):
    """Of deployments."""

    repository = TextFilter(label="Owner and name, as `acme/shop`.")
    environment = TextFilter(label="Name of the environment.")
    state = TextFilter(label="As `success`.")

    class Meta:
        model = Deployment
        fields = ()


@described("a deployment", "deployments", "deployments")
class DeploymentsViewSet(DetailSet):
    """Deployments of commits to environments."""

    model = Deployment
    serializer_class = DeploymentShown
    filterset_class = DeploymentFilters


class WorkflowRunShown(ModelSerializer):
    """A run of a workflow, in its newest attempt."""

    class Meta:
        model = WorkflowRun
        fields = (
            *("id", "integration", "repository", "source_id", "name", "event", "status"),
            *("conclusion", "run_number", "run_attempt", "head_branch", "head_sha"),
            *("actor_login", "created_at", "updated_at", "run_started_at"),
            *LOADED,
        )


class WorkflowRunFilters(LoadedFilters):
    """Of workflow runs."""

    repository = TextFilter(label="Owner and name, as `acme/shop`.")
    conclusion = TextFilter(label="As `success`.")

    class Meta:
        model = WorkflowRun
        fields = ()


@described("a workflow run", "workflow runs", "workflow-runs")
class WorkflowRunsViewSet(DetailSet):
    """Runs of the repositories' workflows."""

    model = WorkflowRun
    serializer_class = WorkflowRunShown
    filterset_class = WorkflowRunFilters
