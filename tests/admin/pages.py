"""The table of every page of the admin beside the lists and forms of its models.

A page of yours is one line: its name (without `admin:`) and what it is.

- `tenant(...)`: shows or changes what the tenant in scope has; asked without a row.
- `row(Model, ...)`: the same for one row, whose id is in the address.
- `OPERATOR`: operators only. `SITE`: for all who enter, the same in every tenant. `PUBLIC`: for
  anybody.

`may`: the least role that may ask; everybody below gets `refused`: 403, or 404 where rows are of
one person and others do not see them. `post`: what is posted, for a page
that only takes POST (`{}` where nothing need be said). `query`: of the address. `args`: of the
address, made from the world, where they are not just the id.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import models

from integrations.models import Integration
from jobs.models import Job, JobRun, QueueEntry
from mappings.models import (
    ChangeSet,
    CustomFieldMapping,
    StatusMapping,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from notices.models import Delivery, Endpoint
from tenants.models import ApiToken, Invitation, TenantLogo
from tests.admin.world import World

ROLES: Final = ("viewer", "editor", "admin")


@dataclass(frozen=True)
class Page:
    """How a page is asked, and who may. kind: tenant, row, operator, site or public."""

    kind: str
    model: type[models.Model] | None = None
    may: str = "viewer"
    refused: int = 403
    post: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    args: Callable[[World], tuple[Any, ...]] | None = None

    def allows(self, role: str) -> bool:
        """Say whether a role may ask."""
        return ROLES.index(role) >= ROLES.index(self.may)


def tenant(**how: Any) -> Page:
    """A page of the tenant in scope."""
    return Page("tenant", **how)


def row(model: type[models.Model], **how: Any) -> Page:
    """A page of one row."""
    return Page("row", model, **how)


OPERATOR: Final = Page("operator")
SITE: Final = Page("site")
PUBLIC: Final = Page("public")

PAGES: Final[dict[str, Page]] = {
    # Django's and unfold's own.
    "login": PUBLIC,
    "logout": SITE,
    "password_change": SITE,
    "password_change_done": SITE,
    "jsi18n": SITE,
    "view_on_site": SITE,
    "app_list": tenant(args=lambda _: ("warehouse",)),
    "autocomplete": tenant(
        query={"app_label": "mappings", "model_name": "witmapping", "field_name": "integration"}
    ),
    "search": tenant(query={"s": "canary", "extended": 1}),
    "index": tenant(),
    # Home and people.
    "choose_tenant": SITE,
    "home_jobs": tenant(),
    "preferences": SITE,
    "theme": SITE,
    "roles": SITE,
    "tenant_settings": tenant(may="admin"),
    "tenant_logo": row(TenantLogo, args=lambda world: (world.row(TenantLogo).tenant_id,)),
    "join": PUBLIC,
    "leave_to_join": PUBLIC,
    "tenants_invitation_link": row(Invitation, may="admin"),
    "tenants_apitoken_text": row(ApiToken, may="admin", refused=404),
    "auth_user_password_change": OPERATOR,
    # Integrations.
    "integrations_integration_test_new": tenant(may="admin", post={}),
    "integrations_integration_test": row(Integration, may="admin", post={}),
    "integrations_integration_discover_new": tenant(may="admin", post={}),
    "integrations_integration_discover": row(Integration, may="admin", post={}),
    "integrations_integration_logo": row(Integration),
    "integrations_integration_active": row(Integration, may="admin"),
    # Runs.
    "jobs_run_now": row(Integration, may="editor", post={}),
    **{
        f"jobs_run_{ask}": row(JobRun, may="editor", post={})
        for ask in ("pause", "resume", "cancel", "retry")
    },
    **{
        f"jobs_step_{ask}": row(QueueEntry, may="editor", post={"reason": "canary"})
        for ask in ("skip", "discard", "replay")
    },
    "jobs_queue": tenant(),
    "jobs_queue_dead": tenant(may="editor", post={}),
    "jobs_job_bulk": tenant(may="editor", post={}),
    **{
        f"jobs_job_{name}": row(Job, may="admin", post={})
        for name in ("switch", "preview", "schedule", "limits")
    },
    # Notices.
    "my_notices": tenant(),
    "bell": tenant(),
    "bell_seen": tenant(post={"until": "1"}),
    "notices_endpoint_test": row(Endpoint, may="admin", post={}),
    "notices_endpoint_rotate": row(Endpoint, may="admin", post={}),
    "notices_endpoint_active": row(Endpoint, may="admin", post={}),
    "notices_endpoint_secret": row(Endpoint, may="admin"),
    "notices_delivery_again": row(Delivery, may="admin", post={}),
    # Rules.
    "mappings_inbox": tenant(),
    "mappings_inbox_accept": tenant(may="editor", post={}),
    "mappings_inbox_confirm": tenant(may="editor", post={}),
    "mappings_inbox_apply": tenant(may="editor", post={}),
    "mappings_exchange": tenant(),
    "mappings_export": tenant(args=lambda _: ("wit-mappings",)),
    "mappings_import": tenant(may="editor", post={}, args=lambda _: ("wit-mappings",)),
    "mappings_import_file": tenant(may="editor", args=lambda _: ("nokey",)),
    "mappings_witmapping_preview": tenant(may="editor", post={}),
    "mappings_statusmapping_preview": tenant(may="editor", post={}),
    "mappings_withierarchy_preview": tenant(may="editor", post={}),
    "mappings_workflow_preview": tenant(may="editor", post={}),
    "mappings_witmapping_try": tenant(query={"type": "canary"}),
    "mappings_statusmapping_try": tenant(query={"status": "canary"}),
    "mappings_witmapping_activate": row(WitMapping, may="editor"),
    "mappings_witmapping_deactivate": row(WitMapping, may="editor"),
    "mappings_statusmapping_activate": row(StatusMapping, may="editor"),
    "mappings_statusmapping_deactivate": row(StatusMapping, may="editor"),
    "mappings_withierarchy_activate": row(WitHierarchy, may="editor"),
    "mappings_withierarchy_deactivate": row(WitHierarchy, may="editor"),
    "mappings_workflow_activate": row(Workflow, may="editor"),
    "mappings_workflow_deactivate": row(Workflow, may="editor"),
    "mappings_witmapping_bulk": tenant(may="editor", post={}, args=lambda _: ("edit",)),
    "mappings_statusmapping_bulk": tenant(may="editor", post={}, args=lambda _: ("edit",)),
    "mappings_withierarchy_bulk": tenant(may="editor", post={}, args=lambda _: ("delete",)),
    "mappings_workflow_bulk": tenant(may="editor", post={}, args=lambda _: ("delete",)),
    "mappings_customfieldmapping_preview": tenant(may="editor", post={}),
    "mappings_customfieldmapping_activate": row(CustomFieldMapping, may="editor"),
    "mappings_customfieldmapping_deactivate": row(CustomFieldMapping, may="editor"),
    "mappings_customfieldmapping_bulk": tenant(may="editor", post={}, args=lambda _: ("delete",)),
    "mappings_workflow_delete_step": row(
        Workflow,
        may="editor",
        args=lambda world: (world.row(Workflow).pk, world.row(WorkflowStep).pk),
    ),
    # History of the rules.
    "mappings_changeset_compare": tenant(),
    "mappings_changeset_restore": tenant(may="editor", args=lambda _: (0,)),
    "mappings_changeset_undo": row(ChangeSet, may="editor"),
    "mappings_changeset_abandon": row(ChangeSet, may="editor", post={}),
}
