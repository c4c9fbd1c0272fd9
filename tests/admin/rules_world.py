"""A tenant with loaded work items under a few rules, and a person who edits them in a browser."""

from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import count, pairwise
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from mappings.book import Book, read_book
from mappings.models import (
    ChangeSet,
    Status,
    StatusMapping,
    StatusResolution,
    Wit,
    WitHierarchy,
    WitMapping,
    WitResolution,
    Workflow,
    WorkflowStep,
)
from mappings.resolve import resolve
from mappings.seeds import seed_tenant
from mappings.services import save_status_rule, save_type_rule
from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope
from warehouse.flow import recompute
from warehouse.models import Changelog, Project, WorkItem

NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROJECTS: Final = {"10": "SHOP", "20": "OPS"}
TYPES: Final = {"1": "Bug", "2": "Story"}
STATUSES: Final = {"a": "Open", "b": "Doing", "c": "Closed"}
_LOADED: Final[dict[str, Any]] = {
    "raw_page_id": 1,
    "raw_position": 0,
    "fetched_at": NOON,
    "digest": 1,
    "fingerprint": 1,
    "changed_seq": 1,
}
_numbers = count(1)


class Editor:
    """An editor of a tenant of their own: two projects, two types, three statuses, 24 items.

    Types and statuses have a rule each, under their names. Half of the items are closed.
    """

    def __init__(self, slug: str = "") -> None:
        name = slug or f"rules-{next(_numbers)}"
        self.tenant = Tenant.objects.create(name=name, slug=name)
        with self.scope():
            seed_tenant(self.tenant.pk)
            self.integration = Integration.objects.create(
                tenant=self.tenant, provider="jira", name=f"{name} jira"
            )
            self._describe()
            for number in range(24):
                self._item(number)
            self._rules()
            resolve(self.tenant.pk, self.integration.pk, PROJECTS)
            recompute(self.tenant.pk, self.integration.pk, "1 = 1", (), 1)
        self.client = self.entered(Role.EDITOR)

    def scope(self) -> Any:
        return tenant_scope(self.tenant.pk)

    def entered(self, role: Role) -> Client:
        """A browser of a member with this role."""
        user = User.objects.create(username=f"{self.tenant.slug}-{role.value}")
        with self.scope():
            Membership.objects.create(tenant=self.tenant, user=user, role=role)
        client = Client()
        client.force_login(user)
        return client

    # ---- what is there

    def _describe(self) -> None:
        owner = {"tenant": self.tenant, "integration": self.integration, "authority": 2, **_LOADED}
        for key, name in PROJECTS.items():
            Project.objects.create(**owner, source_id=key, key=name)
        for key, name in TYPES.items():
            Wit.objects.create(**owner, source_id=key, name=name, level=0)
        for key, name in STATUSES.items():
            Status.objects.create(**owner, source_id=key, name=name, category="new")

    def _item(self, number: int) -> None:
        owner = {"tenant": self.tenant, "integration": self.integration}
        project, type_ = list(PROJECTS)[number % 2], list(TYPES)[number // 2 % 2]
        status = "c" if number % 4 < 2 else "ab"[number // 4 % 2]
        place = {**owner, "project_source_id": project, "type_source_id": type_}
        wit, _ = WitResolution.objects.get_or_create(**place)
        state, _ = StatusResolution.objects.get_or_create(**place, status_source_id=status)
        for other in "ab":
            StatusResolution.objects.get_or_create(**place, status_source_id=other)
        created = NOON + timedelta(hours=number)
        WorkItem.objects.create(
            **place,
            **_LOADED,
            source_id=str(number),
            key=f"{PROJECTS[project]}-{number}",
            project_key=PROJECTS[project],
            source_type=TYPES[type_],
            status_source_id=status,
            source_status=STATUSES[status],
            title=f"Title {number}",
            created_at=created,
            updated_at=created,
            history_complete=True,
            all_changes_loaded=True,
            wit_resolution=wit,
            status_resolution=state,
        )
        path = {"a": "a", "b": "ab", "c": "abc"}[status]
        for step, (left, entered) in enumerate(pairwise(path)):
            Changelog.objects.create(
                **owner,
                raw_page_id=1,
                raw_position=0,
                changed_seq=1,
                work_item_source_id=str(number),
                source_id=str(step),
                position=0,
                is_status=True,
                from_value=left,
                to_value=entered,
                changed_at=created + timedelta(days=step + 1),
            )

    def _rules(self) -> None:
        story = WitHierarchy.objects.get(level=0)
        for name in TYPES.values():
            save_type_rule(
                WitMapping(tenant=self.tenant, from_name=name, target=name, hierarchy=story)
            )
        for name, step in (("Open", "To Do"), ("Doing", "In Progress"), ("Closed", "Done")):
            row = WorkflowStep.objects.get(name=step)
            save_status_rule(
                StatusMapping(
                    tenant=self.tenant,
                    from_name=name,
                    target=name,
                    step=row,
                    category=row.category,
                )
            )

    # ---- looking

    def get(self, model: type[models.Model], **wanted: Any) -> Any:
        with self.scope():
            return model._default_manager.get(**wanted)

    def book(self) -> Book:
        with self.scope():
            return read_book(self.tenant.pk)

    def newest(self) -> ChangeSet:
        with self.scope():
            found: ChangeSet = ChangeSet.objects.order_by("-pk")[0]
            return found

    def changed_rows(self) -> int:
        """How many rows the newest change-set changed."""
        with self.scope():
            return self.newest().changes.count()

    def versions(self) -> list[int]:
        """The versions that the rules have had."""
        with self.scope():
            rows = ChangeSet.objects.exclude(version=None).order_by("version")
            return list(rows.values_list("version", flat=True))

    def mapped(self) -> dict[str, tuple[str | None, str | None]]:
        """What the rules make of each item: its type and its step."""
        with self.scope():
            rows = WorkItem.objects.values_list(
                "key",
                "wit_resolution__mapping__target",
                "status_resolution__mapping__step__name",
            )
            return {key: (type_, step) for key, type_, step in rows}

    # ---- doing

    def url(self, model: type[models.Model], page: str, *args: Any) -> str:
        return reverse(f"admin:mappings_{model._meta.model_name}_{page}", args=args)

    def post(self, url: str, data: dict[str, Any], **more: Any) -> str:
        """Post as the editor, follow to the page that comes, return its text."""
        answer = self.client.post(url, data, follow=True, **more)
        assert answer.status_code == 200, answer.status_code
        return unescape(answer.content.decode())

    def preview(self, model: type[models.Model], data: dict[str, Any], row: Any = None) -> str:
        """What the panel says of a form."""
        return self.post(self.url(model, "preview", *([row.pk] if row else [])), data)

    def status_form(self, row: StatusMapping, **changed: Any) -> dict[str, Any]:
        """The fields of the form of a status rule, some of them changed."""
        return {
            "from_name": row.from_name,
            "from_category": row.from_category,
            "integration": row.integration_id or "",
            "project_key": row.project_key,
            "type_name": row.type_name,
            "target": row.target,
            "category": row.category,
            "step": row.step_id or "",
            "is_active": "on" if row.is_active else "",
            **changed,
        }

    def type_form(self, **changed: Any) -> dict[str, Any]:
        """The fields of the form of a type rule."""
        story = self.get(WitHierarchy, level=0)
        return {
            "from_name": "",
            "from_level": "",
            "integration": "",
            "project_key": "",
            "target": "Thing",
            "hierarchy": story.pk,
            "is_active": "on",
            **changed,
        }

    def workflow_form(self, **changed: Any) -> dict[str, Any]:
        """The fields of the form of the one workflow, as it is drawn, some of them changed."""
        with self.scope():
            workflow = Workflow.objects.get()
            steps = list(workflow.steps.all())
        data: dict[str, Any] = {
            "name": workflow.name,
            "steps-TOTAL_FORMS": len(steps),
            "steps-INITIAL_FORMS": len(steps),
        }
        for number, step in enumerate(steps):
            data |= {
                f"steps-{number}-id": step.pk,
                f"steps-{number}-workflow": workflow.pk,
                f"steps-{number}-name": step.name,
                f"steps-{number}-position": "" if step.position is None else step.position,
                f"steps-{number}-category": step.category,
                f"steps-{number}-DELETE": "",
            }
            if step.is_commitment_point:
                data["steps-commitment"] = f"steps-{number}"
        return {**data, **changed}
