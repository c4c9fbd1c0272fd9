"""A tenant with a row of every model, each text of which is a canary."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import zstandard
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models

from integrations.models import Integration
from jobs.models import Job, JobRun
from mappings.book import TABLES
from mappings.models import Change
from tenants.admin import TenantModelAdmin
from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope
from warehouse.models.base import Tombstone

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def tenant_models() -> list[type[models.Model]]:
    """Every model with an admin over tenant-owned rows: what is registered later is included."""
    return [
        model
        for model, model_admin in admin.site._registry.items()
        if isinstance(model_admin, TenantModelAdmin)
    ]


_OTHERWISE = (
    *("from_level", "from_category", "column_name", "logo_digest", "revoked_at"),
    *("paused_at", "stop_asked_at"),
)
"""What a rule may not match by beside its name; a logo, of which there is none; the end of a token
that was not revoked; the pause of a run that is not paused."""

_OF_TOMBSTONES = [column.name for column in Tombstone._meta.get_fields()]


@dataclass
class World:
    """One tenant, its members by role, and its rows by model. canary: in each of its texts.

    ids: of all its rows, whatever their model; None: those that the database gives. is_alive:
    whether its sources still have all of it.
    """

    tenant: Tenant
    canary: str
    members: dict[str, User]
    rows: dict[type[models.Model], Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    ids: Iterator[int] | None = None
    is_alive: bool = False

    def row(self, model: type[models.Model]) -> Any:
        """The row of this model, made when it is first asked for."""
        if model not in self.rows:
            self.rows[model] = self.add(model)
        return self.rows[model]

    def add(self, model: type[models.Model], **given: Any) -> Any:
        """Make a further row of this model. given: values of columns, others are made up."""
        if model is Membership:
            return self._add_member()
        with tenant_scope(self.tenant.pk):
            values = {
                column.name: self._value(model, column)
                for column in model._meta.concrete_fields
                if not column.auto_created and not isinstance(column, models.AutoField)
            }
            return model._default_manager.create(**self._key(model), **{**values, **given})

    def _key(self, model: type[models.Model]) -> dict[str, int]:
        if self.ids is None or not isinstance(model._meta.pk, models.AutoField):
            return {}
        return {"pk": next(self.ids)}

    def add_user(self, name: str) -> User:
        """Make an account, which is of no tenant yet."""
        user: User = User.objects.create(**self._key(User), username=name)
        return user

    def _add_member(self) -> Membership:
        name = f"{self.canary}-{next(self.numbers)}"
        with tenant_scope(self.tenant.pk):
            member: Membership = Membership.objects.create(
                **self._key(Membership),
                tenant=self.tenant,
                user=self.add_user(name),
                role=Role.VIEWER,
            )
        return member

    def _jobless(self) -> Integration:
        """Return an integration that has no job yet, for each has one at most."""
        free: Integration | None = Integration.objects.filter(job=None).first()
        return free if free is not None else self.add(Integration)

    def _value(self, model: type[models.Model], column: Any) -> Any:
        if column.name in _OTHERWISE or (self.is_alive and column.name in _OF_TOMBSTONES):
            return column.get_default()
        if column.is_relation:
            related = column.related_model
            if model is Job and related is Integration:
                return self._jobless()
            if related is model:
                return None  # a change-set that takes back another
            return self.tenant if related is Tenant else self.row(related)
        if model is JobRun and column.name == "state":
            return JobRun.State.COMPLETED  # an integration has one that goes on at most
        if model is Change and column.name == "table":
            return next(iter(TABLES))
        if column.choices:
            return column.choices[0][0]
        text = f"{self.canary}-{next(self.numbers)}"
        if isinstance(column, models.URLField):
            return f"https://{text}.example"
        if isinstance(column, (models.TextField, models.CharField)):
            return text[: column.max_length] if column.max_length else text
        if isinstance(column, models.BinaryField):
            return zstandard.ZstdCompressor().compress(f'{{"summary": "{text}"}}'.encode())
        if isinstance(column, models.JSONField):
            return column.get_default()
        if isinstance(column, models.DateTimeField):
            return NOW
        if isinstance(column, models.DateField):
            return date(2026, 1, 2)
        if isinstance(column, models.BooleanField):
            return False
        return next(self.numbers)


def make_world(slug: str, ids: Iterator[int] | None = None, *, is_alive: bool = False) -> World:
    """Make a tenant with a member of each role and one row of every registered model.

    ids, is_alive: see `World`. With ids apart from those of another, no id is one of both.
    """
    canary = f"canary{slug}"
    key = {} if ids is None else {"pk": next(ids)}
    tenant = Tenant.objects.create(**key, name=f"{canary} Ltd", slug=slug)
    world = World(tenant, canary, {}, ids=ids, is_alive=is_alive)
    with tenant_scope(tenant.pk):
        for role in Role:
            user = world.add_user(f"{canary}-{role.value}")
            Membership.objects.create(**world._key(Membership), tenant=tenant, user=user, role=role)
            world.members[role.value] = user
    for model in tenant_models():
        world.row(model)
    return world
