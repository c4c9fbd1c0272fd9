"""Tenants with rows of everything that the API shows, none of which is deleted at its source."""

from datetime import timedelta
from itertools import count
from uuid import uuid4

from django.db.models import Model
from django.utils import timezone

from integrations.models import Integration, WebhookDelivery
from jobs.models import Job, QueueEntry, RunLog
from mappings.models import Change, Status, StatusResolution, Wit, WitResolution
from tenants.models import ApiToken, Membership, SignIn
from tenants.scope import tenant_scope
from tests.admin.world import World, make_world, tenant_models
from warehouse.models import (
    Changelog,
    Comment,
    Commit,
    Deployment,
    Mention,
    PullRequest,
    Review,
    WorkflowRun,
    WorkItem,
)

_OF_PULL_REQUESTS: tuple[type[Model], ...] = (Commit, Review, Comment)
_OTHERS: tuple[type[Model], ...] = (Deployment, RunLog, WebhookDelivery, WorkflowRun)


def living_world(slug: str, first_id: int) -> World:
    """Make a tenant with a row of everything. Ids of all its rows begin with this one."""
    world = make_world(slug, count(first_id), is_alive=True)
    world.rows[SignIn] = _sign_in(world)
    _be_genuine(world)
    add_pageless(world)
    return world


def grow(world: World) -> None:
    """Make a further row of everything, but for integrations and their jobs."""
    for model in tenant_models():
        if model not in (Integration, Job, Membership):
            world.add(model)
    _sign_in(world)
    _be_genuine(world)
    add_pageless(world)


def _sign_in(world: World) -> SignIn:
    """Let the administrator sign in once more."""
    row: SignIn = world.add(
        SignIn,
        user=world.members["admin"],
        family=uuid4(),
        expires_at=timezone.now() + timedelta(days=1),
        revoked_at=None,
        revoked_because="",
    )
    return row


def _be_genuine(world: World) -> None:
    """Have a provider and a table of rules that there are, a step that can be replayed, and tokens
    that are not revoked."""
    with tenant_scope(world.tenant.pk):
        Integration.objects.update(provider="jira")
        ApiToken.objects.update(revoked_at=None)
        Change.objects.update(table="wit_mappings")
        QueueEntry.objects.update(state=QueueEntry.State.DEAD)
    world.row(Integration).refresh_from_db()


def add_integration(world: World) -> None:
    """Make a further integration with its job."""
    world.add(Job, integration=world.add(Integration))


def add_pageless(world: World) -> None:
    """Make a row of each of what has no page in the admin of its own.

    They are parts of the world's first work item, pull request and run.
    """
    item, pull = world.row(WorkItem), world.row(PullRequest)
    world.add(Changelog, work_item_source_id=item.source_id)
    part = {"repository": pull.repository, "pull_request_number": pull.number}
    for model in _OF_PULL_REQUESTS:
        world.rows[model] = world.add(model, **part)
    world.add(Mention, **part, key=item.key, place="title")
    for model in _OTHERS:
        world.rows[model] = world.add(model)
    _add_unmapped(world)


def _add_unmapped(world: World) -> None:
    """Let a type and a status occur that no rule matches."""
    type_id, status_id = world.add(Wit).source_id, world.add(Status).source_id
    world.add(WitResolution, type_source_id=type_id, mapping=None)
    world.add(StatusResolution, type_source_id=type_id, status_source_id=status_id, mapping=None)
