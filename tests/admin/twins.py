"""Two tenants that are called the same in everything, and every page that one of them can ask.

What is another's cannot be told by its name then. So all pages are asked before there is
another tenant, and again after: whatever of them is another byte for byte shows the other one.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from jobs.models import Job
from jobs.pages.job_filters import make_missing_jobs
from mappings.editing import Author, apply
from mappings.exchange.tables import TABLES
from mappings.models import (
    ChangeSet,
    CustomField,
    CustomFieldMapping,
    StatusMapping,
    WitHierarchy,
    WitMapping,
    Workflow,
)
from mappings.services import save_type_rule
from tenants.models import Membership, Role
from tests.admin.pages import PAGES, Page
from tests.admin.rules_world import Editor
from tests.admin.world import World, tenant_models
from warehouse.models import WorkItem

NAME: Final = "Twin"
POINTS: Final = "customfield_1"
CRAWLED: Final = 100
"""So many links of lists and of the pages of the mappings are followed."""

_VOLATILE: Final = (
    (re.compile(r'name="csrfmiddlewaretoken" value="\w+"'), "TOKEN"),
    (re.compile(r"/import/[\w-]{16,}/"), "/import/KEY/"),
    (re.compile(r"/changeset/\d+/"), "/changeset/ID/"),
    (re.compile(r'"version": [\d.]+'), '"version": NOW'),
    (re.compile(r"in \d+\.\d+ seconds"), "in a moment"),
    (re.compile(r"whsec_[\w+/=]+"), "SECRET"),
    (re.compile(r"msg_[0-9a-f]{32}"), "MESSAGE"),
    (re.compile(r"/delivery/\d+/"), "/delivery/ID/"),
    (re.compile(r"delivery \d+"), "delivery ID"),
    (re.compile(r", \d\d:\d\d:\d\d"), ", NOW"),
    (re.compile(r"as of \d\d:\d\d:\d\d"), "as of NOW"),
    (re.compile(f"{datetime.now(UTC):%-d %b %Y}, " + r"\d\d:\d\d"), "today"),
    (re.compile(r"is good until [^:]+:\d\d"), "is good until THEN"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "NOW"),
)
"""What is another each time: tokens, ids of what is made by a request, and times."""

_OF_EACH: Final = ("X-Request-ID", "Expires", "Last-Modified", "Date", "Content-Length")
"""Headers that are another each time; the length is that of the text, which is compared."""
_NOT_FOLLOWED: Final = ("/logout", "/login", "/password", "/tenant/", "/jsi18n")


class Ask(NamedTuple):
    """A request. data: what is posted; None for a GET."""

    path: str
    data: dict[str, Any] | None = None


class Alike(World):
    """A world whose texts another one has, too, but for what must differ in all of the site."""

    def _value(self, model: type[models.Model], column: Any) -> Any:
        value = super()._value(model, column)
        return f"{self.tenant.slug}-{value}" if column.unique and isinstance(value, str) else value


class Twin:
    """A tenant with loaded items under rules, and a row of every model beside them.

    is_other: with the same names it has more items, more rules, other targets and more history.
    """

    def __init__(self, slug: str, *, is_other: bool = False) -> None:
        self.editor = Editor(slug)
        self.tenant = self.editor.tenant
        self.tenant.name = NAME
        self.tenant.save()
        with self.editor.scope():
            self.editor.integration.name = NAME
            self.editor.integration.save()
            self._have_fields()
            self._edit(is_other)
        self.client = self.editor.entered(Role.ADMIN)
        self.workflow_form = self.editor.workflow_form()
        self.world = Alike(self.tenant, "twin", {}, numbers=count(1000))
        with self.editor.scope():  # users have names of their own in all the site
            member = Membership.objects.select_related("user").get(role=Role.ADMIN)
            self.world.rows |= {Membership: member, User: member.user}
        for model in tenant_models():
            self.world.row(model)
        with self.editor.scope():  # not by the first look, which gives other ids each time
            make_missing_jobs()

    def grow(self) -> None:
        """Have a further row of every model that there may be many of.

        A tenant has few integrations: names of projects take a query for each of them. And as
        few jobs, for each has one.
        """
        for model in tenant_models():
            if model not in (Membership, Integration, Job):
                self.world.add(model)

    def _have_fields(self) -> None:
        owner = {"tenant": self.tenant, "integration": self.editor.integration}
        for number, row in enumerate(WorkItem.objects.order_by("pk")):
            row.custom_fields = {POINTS: number % 5, "customfield_2": {"value": f"Team {number}"}}
            row.save()
        for source_id, name in ((POINTS, "Story points"), ("customfield_2", "Team")):
            CustomField.objects.create(
                **owner,
                source_id=source_id,
                name=name,
                authority=1,
                raw_page_id=1,
                raw_position=0,
                fetched_at="2026-03-02T12:00:00Z",
                digest=1,
                fingerprint=1,
                changed_seq=1,
            )

    def _edit(self, is_other: bool) -> None:
        """Edit rules, each edit a change-set: of the other tenant more, and to other values."""
        owner = {"tenant": self.tenant, "integration": self.editor.integration}
        target = "Other" if is_other else "Defect"

        def field() -> None:
            kind = "column" if is_other else "story_points"
            name = "points" if is_other else ""
            CustomFieldMapping.objects.create(
                **owner, field_source_id=POINTS, target=kind, column_name=name
            )

        def bug() -> None:
            WitMapping.objects.filter(from_name="bug").update(target=target)

        def unmapped() -> None:
            StatusMapping.objects.filter(from_name="open" if is_other else "doing").delete()

        def narrow() -> None:
            level = WitHierarchy.objects.get(level=1)
            save_type_rule(WitMapping(**owner, from_name="story", target="Narrow", hierarchy=level))

        edits = [field, bug, unmapped] + ([narrow] if is_other else [])
        for edit in edits:
            apply(
                self.tenant.pk,
                edit,
                author=Author(None, NAME),
                origin=ChangeSet.Origin.FORM,
            )


def address(model: type[models.Model], page: str, *args: Any) -> str:
    """Return the address of a page of a model."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def asks(twin: Twin) -> Iterator[Ask]:
    """Give all that is asked: pages of every model, all of the table, and edits not saved."""
    for model in tenant_models():
        key = twin.world.row(model).pk
        yield Ask(address(model, "changelist"))
        yield Ask(f"{address(model, 'changelist')}?q=twin")
        yield Ask(f"{address(model, 'changelist')}?q=Bug")
        yield Ask(address(model, "add"))
        for page in ("change", "history", "delete"):
            yield Ask(address(model, page, key))
    for name, what in PAGES.items():
        if what.kind in ("tenant", "row"):
            yield Ask(*_of_table(twin, name, what))
    yield from _of_rules(twin)
    yield from _of_inbox()
    for slug in TABLES:
        yield Ask(reverse("admin:mappings_export", args=(slug,)))
    yield from _of_files(twin)


def _of_table(twin: Twin, name: str, page: Page) -> tuple[str, dict[str, Any] | None]:
    if page.args is not None:
        args = page.args(twin.world)
    else:
        args = () if page.model is None else (twin.world.row(page.model).pk,)
    path = reverse(f"admin:{name}", args=args)
    if page.post is not None:
        return path, page.post
    query = "&".join(f"{key}={value}" for key, value in page.query.items())
    return (f"{path}?{query}" if query else path), None


def _of_rules(twin: Twin) -> Iterator[Ask]:
    """Give previews and refused edits of every kind of rule, and questions about many rules."""
    editor = twin.editor
    bug = editor.get(WitMapping, from_name="bug")
    closed = editor.get(StatusMapping, from_name="closed")
    workflow = editor.get(Workflow, name="Default")
    form = editor.type_form(from_name="story", project_key="SHOP")
    yield Ask(address(WitMapping, "preview"), form)
    yield Ask(address(WitMapping, "preview", bug.pk), editor.type_form(from_name="bug"))
    yield Ask(address(WitMapping, "add"), editor.type_form(from_name="BUG "))
    yield Ask(address(WitMapping, "preview"), editor.type_form(from_name="", from_level="77"))
    for changed in ({"step": "", "category": "waiting"}, {"from_name": "doing"}, {"step": "999"}):
        data = editor.status_form(closed, **changed)
        yield Ask(address(StatusMapping, "preview", closed.pk), data)
        yield Ask(address(StatusMapping, "change", closed.pk), data)
    yield Ask(address(WitHierarchy, "preview"), {"level": "1", "name": "Epic"})
    yield Ask(address(WitHierarchy, "add"), {"level": "1", "name": "Epic"})
    yield Ask(address(Workflow, "preview", workflow.pk), {**twin.workflow_form, "name": "Renamed"})
    yield Ask(address(Workflow, "add"), twin.workflow_form)
    for model, keys in ((WitMapping, [bug.pk]), (StatusMapping, [closed.pk])):
        for verb in ("delete", "deactivate"):
            path = address(model, "bulk", verb)
            yield Ask(path, {"ids": ",".join(map(str, keys))})
            yield Ask(path, {"ids": ",".join(map(str, keys)), "_preview": "1"})
    yield from _of_fields(twin)
    for query in ("from_name=Bug", "name=Open&category=new"):
        yield Ask(f"{address(WitMapping, 'add')}?{query}")
    for what, model in (("type=Story", WitMapping), ("status=Open", StatusMapping)):
        page = address(model, "try")
        yield Ask(f"{page}?integration={editor.integration.pk}&{what}&project=SHOP")


def _of_fields(twin: Twin) -> Iterator[Ask]:
    field = twin.editor.get(CustomField, source_id="customfield_2")
    rule = twin.editor.get(CustomFieldMapping, field_source_id=POINTS)
    data = {"field": field.pk, "target": "team", "position": 0, "is_active": "on"}
    yield Ask(address(CustomField, "change", field.pk))
    yield Ask(f"{address(CustomFieldMapping, 'add')}?field={field.pk}")
    yield Ask(address(CustomFieldMapping, "preview"), data)
    yield Ask(address(CustomFieldMapping, "add"), {**data, "target": "column", "column_name": "?"})
    yield Ask(address(CustomFieldMapping, "change", rule.pk))
    yield Ask(address(CustomFieldMapping, "deactivate", rule.pk), {"_preview": "1"})
    for query in ("is=mapped", "is=team", "values=yes", "values=no"):
        yield Ask(f"{address(CustomField, 'changelist')}?{query}")


def _of_inbox() -> Iterator[Ask]:
    inbox = reverse("admin:mappings_inbox")
    for query in ("kind=type", "kind=status", "show=unused", "integration=987654321"):
        yield Ask(f"{inbox}?{query}")
    for at_least in ("50", "70", "80", "90", "95"):
        yield Ask(reverse("admin:mappings_inbox_confirm"), {"at_least": at_least})
    yield Ask(reverse("admin:mappings_inbox_apply"), {"version": "1", "decisions": "[]"})


def _of_files(twin: Twin) -> Iterator[Ask]:
    """Give imports of each table: of what is there already, and of what cannot be."""
    for slug in TABLES:
        exported = twin.client.get(reverse("admin:mappings_export", args=(slug,)))
        text = b"".join(exported.streaming_content)  # type: ignore[attr-defined]
        wrong = text + b"Twin,no,such,row\r\n"
        for body, mode in ((text, "replace"), (wrong, "add"), (b"a,b\r\n1,2\r\n", "add")):
            yield Ask(
                reverse("admin:mappings_import", args=(slug,)),
                {"mode": mode, "file": ("rules.csv", body)},
            )


def answer(client: Client, ask: Ask) -> str:
    """Return what a request is answered, followed to its page, and leave nothing behind."""
    client.cookies.pop("messages", None)
    with transaction.atomic():
        if ask.data is None:
            response: Any = client.get(ask.path, follow=True)
        else:
            data = {
                name: SimpleUploadedFile(*value) if isinstance(value, tuple) else value
                for name, value in ask.data.items()
            }
            response = client.post(ask.path, data, follow=True)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    headers = sorted(item for item in response.headers.items() if item[0] not in _OF_EACH)
    text = f"{response.status_code} {response.request['PATH_INFO']} {headers}\n"
    text += body.decode(errors="replace")
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


def links(text: str) -> Iterator[str]:
    """Give the addresses of the admin that a page leads to."""
    for found in re.findall(r'href="(/admin/[^"]*|\?[^"]*)"', text):
        if not any(part in found for part in _NOT_FOLLOWED):
            yield found.replace("&amp;", "&")


def everything(twin: Twin, found: list[Ask]) -> list[str]:
    """Return the answers to all asks, in their order."""
    return [answer(twin.client, ask) for ask in found]


def crawled(twin: Twin) -> list[Ask]:
    """Return the links of lists and of pages of the mappings beside the asks: filters, orders."""
    known = {each.path for each in asks(twin)}
    more: list[Ask] = []
    for ask in asks(twin):
        is_list = any(ask.path == address(model, "changelist") for model in tenant_models())
        if ask.data is not None or not (is_list or "/mappings/" in ask.path):
            continue
        base = urlsplit(ask.path).path
        for link in links(answer(twin.client, ask)):
            path = f"{base}{link}" if link.startswith("?") else link
            if path not in known and len(more) < CRAWLED:
                known.add(path)
                more.append(Ask(path))
    return more
