"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from warehouse.api.exports import LinksExportView
from warehouse.api.flow_metrics import FlowMetricsView
from warehouse.api.places import (
    PeopleViewSet,
    ProjectsViewSet,
    RepositoriesViewSet,
    SprintsViewSet,
)
from warehouse.api.pull_requests import (
    CommentsViewSet,
    CommitsViewSet,
    DeploymentsViewSet,
    PullRequestsViewSet,
    ReviewsViewSet,
    WorkflowRunsViewSet,
)
from warehouse.api.work_items import ChangelogsViewSet, WorkItemsViewSet

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("work-items", WorkItemsViewSet, "work-item"),
    ("changelogs", ChangelogsViewSet, "changelog"),
    ("projects", ProjectsViewSet, "project"),
    ("sprints", SprintsViewSet, "sprint"),
    ("people", PeopleViewSet, "person"),
    ("repositories", RepositoriesViewSet, "repository"),
    ("pull-requests", PullRequestsViewSet, "pull-request"),
    ("commits", CommitsViewSet, "commit"),
    ("reviews", ReviewsViewSet, "review"),
    ("comments", CommentsViewSet, "comment"),
    ("deployments", DeploymentsViewSet, "deployment"),
    ("workflow-runs", WorkflowRunsViewSet, "workflow-run"),
]
PATHS: Final[list[URLPattern]] = [
    path("links/export/", LinksExportView.as_view(), name="link-export"),
    path("flow-metrics/", FlowMetricsView.as_view(), name="flow-metrics"),
]
