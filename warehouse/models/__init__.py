"""What is loaded: projects, repositories, accounts, work items, pull requests and what they have.

Rows refer to each other by the source's ids, not by foreign keys, so that pages may be loaded in
any order and a child may come before its parent. The load proves tenant and integration once a
batch by locking the integration's row, so these two carry no database constraint.
"""

from warehouse.models.counter import TenantCounter
from warehouse.models.gone_row import GoneRow
from warehouse.models.prepared import PreparedMetrics
from warehouse.models.project import Account, Project, Repository, RepositoryName, Sprint
from warehouse.models.pull_request import (
    Comment,
    Commit,
    Deployment,
    Mention,
    PullRequest,
    PullRequestSize,
    Review,
    WorkflowRun,
)
from warehouse.models.removed_row import RemovedRow
from warehouse.models.staging import StagedPage
from warehouse.models.work_item import Changelog, WorkItem

__all__ = (
    "Account",
    "Changelog",
    "Comment",
    "Commit",
    "Deployment",
    "GoneRow",
    "Mention",
    "PreparedMetrics",
    "Project",
    "PullRequest",
    "PullRequestSize",
    "RemovedRow",
    "Repository",
    "RepositoryName",
    "Review",
    "Sprint",
    "StagedPage",
    "TenantCounter",
    "WorkItem",
    "WorkflowRun",
)
