"""No page of the admin shows, accepts or reveals anything of another tenant."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from jobs.models import JobRun
from mappings.models import WitHierarchy, WitMapping, Workflow, WorkflowStep
from tenants.admin import OperatorModelAdmin, TenantModelAdmin
from tenants.models import ApiToken
from tenants.permissions import CHOICE_KEY
from tenants.scope import every_tenant
from tests.admin.world import World, tenant_models

MISSING = 987_654_321
OF_ONE_PERSON = (ApiToken,)
"""Rows that the administrator and one member see; in the world that is none of the others."""
MODELS = [pytest.param(model, id=model.__name__) for model in tenant_models()]


def address(model: type[models.Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def seen(response: Any, key: object = None) -> tuple[int, str]:
    """What a browser gets, but for tokens, for the id that it asked for itself, and for the
    request's own."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    content = b"".join(response) if response.streaming else response.content
    text = content.decode(errors="replace") + str(sorted(headers.items()))
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    return response.status_code, text if key is None else text.replace(f"/{key}/", "/ID/")


def everything(model: type[models.Model]) -> list[dict[str, Any]]:
    with every_tenant("the test compares whole tables"):
        return list(model._default_manager.order_by("pk").values())


def test_every_admin_is_behind_the_wall_or_for_operators_only() -> None:
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, (TenantModelAdmin, OperatorModelAdmin)), model


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", ["admin", "editor", "viewer"])
def test_pages_of_a_tenant_show_its_own_rows_only(
    model: type[models.Model], role: str, ours: World, theirs: World
) -> None:
    client = Client()
    client.force_login(ours.members[role])
    key = ours.row(model).pk
    for page, args in (("changelist", ()), ("change", (key,)), ("history", (key,))):
        response = client.get(address(model, page, *args))
        is_seen = role == "admin" or model not in OF_ONE_PERSON or not args
        assert response.status_code == (200 if is_seen else 404), page
        assert theirs.canary not in seen(response)[1], page
    assert ours.canary in seen(client.get(address(model, "changelist")))[1]
    for page, args in (("add", ()), ("delete", (key,))):
        response = client.get(address(model, page, *args))
        assert response.status_code in (200, 403, *((404,) if model in OF_ONE_PERSON else ())), page
        assert theirs.canary not in seen(response)[1], page


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("view", ["change", "history", "delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_foreign_row_is_answered_like_a_missing_one(
    model: type[models.Model],
    view: str,
    method: str,
    ours: World,
    theirs: World,
    as_admin: Client,
) -> None:
    before = everything(model)
    key = theirs.row(model).pk
    foreign = getattr(as_admin, method)(address(model, view, key), {"post": "yes"})
    missing = getattr(as_admin, method)(address(model, view, MISSING), {"post": "yes"})
    assert seen(foreign, key) == seen(missing, MISSING)
    assert foreign.status_code in (403, 404)
    assert everything(model) == before


@pytest.mark.parametrize("model", MODELS)
def test_filters_offer_and_find_nothing_foreign(
    model: type[models.Model], ours: World, theirs: World, as_admin: Client
) -> None:
    model_admin = admin.site._registry[model]
    for entry in (*model_admin.list_filter, "integration", "tenant", "run"):
        name = str(entry[0] if isinstance(entry, tuple) else entry)
        for lookup in (name, f"{name}__exact", f"{name}__id__exact"):
            for value in (theirs.tenant.pk, theirs.row(Integration).pk, theirs.canary[:-1]):
                response = as_admin.get(address(model, "changelist"), {lookup: value})
                assert response.status_code in (200, 302, 400), lookup
                assert theirs.canary not in seen(response)[1], lookup


@pytest.mark.parametrize("model", MODELS)
def test_columns_that_are_no_filter_cannot_be_probed_through_the_address(
    model: type[models.Model], ours: World, as_admin: Client
) -> None:
    for column in model._meta.concrete_fields:
        if column.is_relation:
            continue
        lookup = f"{column.name}__startswith"
        response = as_admin.get(address(model, "changelist"), {lookup: "a"})
        assert response.status_code == 400, lookup


@pytest.mark.parametrize("model", MODELS)
def test_a_search_finds_nothing_foreign(
    model: type[models.Model], ours: World, theirs: World, as_admin: Client
) -> None:
    # A prefix, for the page repeats the term itself.
    response = as_admin.get(address(model, "changelist"), {"q": theirs.canary[:-1]})
    assert response.status_code == 200
    assert theirs.canary not in seen(response)[1]


@pytest.mark.parametrize("model", MODELS)
def test_autocomplete_reveals_nothing_foreign(
    model: type[models.Model], ours: World, theirs: World, as_admin: Client
) -> None:
    for column in model._meta.concrete_fields:
        if not column.is_relation:
            continue
        asked = {
            "app_label": model._meta.app_label,
            "model_name": str(model._meta.model_name),
            "field_name": column.name,
            "term": "",
        }
        response = as_admin.get(reverse("admin:autocomplete"), asked)
        assert theirs.canary not in seen(response)[1], column


@pytest.mark.parametrize("model", MODELS)
def test_a_bulk_action_leaves_foreign_rows_alone(
    model: type[models.Model], ours: World, theirs: World, as_admin: Client
) -> None:
    before = [row for row in everything(model) if row["tenant_id"] == theirs.tenant.pk]
    as_admin.post(
        address(model, "changelist"),
        {
            "action": "delete_selected",
            "_selected_action": [theirs.row(model).pk],
            "select_across": "1",
            "post": "yes",
        },
    )
    after = [row for row in everything(model) if row["tenant_id"] == theirs.tenant.pk]
    assert after == before


@pytest.mark.parametrize("model", MODELS)
def test_a_list_asks_as_many_queries_for_many_rows_as_for_few(
    model: type[models.Model],
    ours: World,
    as_admin: Client,
    django_assert_max_num_queries: Any,
) -> None:
    page = address(model, "changelist")
    ours.add(model) if model is not WitHierarchy else None
    as_admin.get(page)
    with django_assert_max_num_queries(40) as few:
        as_admin.get(page)
    for _ in range(6):
        ours.rows.pop(WitMapping, None)
        ours.add(model)
    with django_assert_max_num_queries(len(few)):
        as_admin.get(page)


def test_a_foreign_key_that_is_posted_is_refused(
    ours: World, theirs: World, as_admin: Client
) -> None:
    before = everything(WitMapping)
    for field, value in (
        ("integration", theirs.row(Integration).pk),
        ("hierarchy", theirs.row(WitHierarchy).pk),
    ):
        posted = {
            "from_name": "bug",
            "from_level": "",
            "integration": ours.row(Integration).pk,
            "project_key": "",
            "target": "Bug",
            "hierarchy": ours.row(WitHierarchy).pk,
            "is_active": "on",
            field: value,
        }
        response = as_admin.post(address(WitMapping, "add"), posted)
        assert response.status_code == 200, field
        assert theirs.canary not in seen(response)[1]
    assert everything(WitMapping) == before


def test_a_posted_tenant_is_ignored(ours: World, theirs: World, as_admin: Client) -> None:
    posted = {"level": 9, "name": "Company", "tenant": theirs.tenant.pk}
    assert as_admin.post(address(WitHierarchy, "add"), posted).status_code == 302
    with every_tenant("the test looks for the new row"):
        assert WitHierarchy.objects.get(name="Company").tenant_id == ours.tenant.pk


def test_a_forged_inline_changes_no_foreign_step(
    ours: World, theirs: World, as_admin: Client
) -> None:
    foreign = theirs.row(WorkflowStep)
    before = everything(WorkflowStep)
    workflow = ours.row(Workflow)
    posted = {
        "name": workflow.name,
        "steps-TOTAL_FORMS": 1,
        "steps-INITIAL_FORMS": 1,
        "steps-0-id": foreign.pk,
        "steps-0-workflow": workflow.pk,
        "steps-0-name": "taken over",
        "steps-0-position": 1,
        "steps-0-category": "done",
        "steps-0-DELETE": "",
    }
    as_admin.post(address(Workflow, "change", workflow.pk), posted)
    assert [row for row in everything(WorkflowStep) if row["id"] == foreign.pk] == [
        row for row in before if row["id"] == foreign.pk
    ]


def test_a_foreign_tenant_cannot_be_chosen(ours: World, theirs: World, as_admin: Client) -> None:
    choose = reverse("admin:choose_tenant")
    foreign = as_admin.post(choose, {"tenant": theirs.tenant.pk})
    missing = as_admin.post(choose, {"tenant": MISSING})
    every = as_admin.post(choose, {"tenant": "every"})
    assert seen(foreign) == seen(missing) == seen(every)
    assert foreign.status_code == 404


def test_a_choice_kept_in_the_session_ends_with_the_membership(
    ours: World, theirs: World, as_admin: Client
) -> None:
    session = as_admin.session
    session[CHOICE_KEY] = theirs.tenant.pk
    session.save()
    assert theirs.canary not in seen(as_admin.get(reverse("admin:index")))[1]


@pytest.mark.parametrize("kind", ["run", "job", "tenant"])
def test_the_state_of_a_foreign_topic_is_answered_like_that_of_none(
    ours: World, theirs: World, as_admin: Client, kind: str
) -> None:
    def key_in(world: World) -> int:
        run = world.row(JobRun)
        return int({"run": run.pk, "job": run.job_id, "tenant": run.tenant_id}[kind])

    with every_tenant("the test has a run of each tenant go on"):
        JobRun.objects.update(state=JobRun.State.RUNNING)
    foreign = as_admin.get(reverse("live_state", args=(kind, key_in(theirs))))
    missing = as_admin.get(reverse("live_state", args=(kind, MISSING)))
    assert seen(foreign) == seen(missing)
    assert foreign.status_code == 404
    own = as_admin.get(reverse("live_state", args=(kind, key_in(ours))))
    state = own.json()
    assert ours.row(JobRun).pk in [run["id"] for run in state.get("runs", [state])]
    assert theirs.canary not in seen(own)[1]


def test_a_kind_of_topic_that_there_is_not_is_answered_like_a_missing_one(
    ours: World, as_admin: Client
) -> None:
    for kind, key in (("integration", ours.row(JobRun).pk), ("run", 0)):
        assert as_admin.get(reverse("live_state", args=(kind, key))).status_code == 404


def test_home_counts_and_names_own_rows_only(ours: World, theirs: World, as_admin: Client) -> None:
    text = seen(as_admin.get(reverse("admin:index")))[1]
    assert theirs.canary not in text
    assert ours.canary in text


def test_an_operator_sees_every_tenant_or_the_chosen_one(ours: World, theirs: World) -> None:
    client = Client()
    client.force_login(User.objects.create(username="operator", is_superuser=True))
    page = address(Integration, "changelist")
    text = seen(client.get(page))[1]
    assert ours.canary in text
    assert theirs.canary in text
    client.post(reverse("admin:choose_tenant"), {"tenant": ours.tenant.pk})
    text = seen(client.get(page))[1]
    assert ours.row(Integration).name in text
    assert theirs.row(Integration).name not in text


def test_an_operators_form_offers_rows_of_the_rows_tenant_only(ours: World, theirs: World) -> None:
    client = Client()
    client.force_login(User.objects.create(username="operator", is_superuser=True))
    page = client.get(address(WitMapping, "change", ours.row(WitMapping).pk))
    assert ours.row(Integration).name in page.content.decode()
    assert theirs.row(Integration).name not in page.content.decode()
