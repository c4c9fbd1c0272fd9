"""What each role may do, and who may enter at all."""

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from mappings.models import Wit, WitHierarchy, WitMapping, WitResolution
from tenants.models import Membership, Tenant
from tenants.scope import tenant_scope
from tests.admin.world import World
from warehouse.models import WorkItem


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def add_page(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


@pytest.mark.parametrize(
    ("role", "model", "status"),
    [
        ("viewer", WitMapping, 403),
        ("viewer", Integration, 403),
        ("editor", WitMapping, 200),
        ("editor", Integration, 403),
        ("admin", WitMapping, 200),
        ("admin", Integration, 200),
        ("admin", Membership, 403),
        ("admin", WorkItem, 403),
        ("admin", Tenant, 403),
        ("admin", User, 403),
    ],
)
def test_a_role_may_add_what_the_table_says(
    role: str, model: type[models.Model], status: int, ours: World
) -> None:
    assert entered(ours.members[role]).get(add_page(model)).status_code == status


@pytest.mark.parametrize(("role", "is_saved"), [("viewer", False), ("editor", True)])
def test_only_an_editor_saves_a_level(role: str, is_saved: bool, ours: World) -> None:
    entered(ours.members[role]).post(add_page(WitHierarchy), {"level": 7, "name": "Programme"})
    with tenant_scope(ours.tenant.pk):
        assert WitHierarchy.objects.filter(name="Programme").exists() is is_saved


def test_an_administrator_changes_a_role_but_not_who_has_it(ours: World, theirs: World) -> None:
    with tenant_scope(ours.tenant.pk):
        membership = Membership.objects.get(user=ours.members["viewer"])
    page = reverse("admin:tenants_membership_change", args=(membership.pk,))
    stranger = theirs.members["viewer"]
    entered(ours.members["admin"]).post(page, {"role": "editor", "user": stranger.pk})
    membership.refresh_from_db()
    assert (membership.role, membership.user_id) == ("editor", ours.members["viewer"].pk)


def test_nobody_adds_a_row_in_the_scope_of_every_tenant(ours: World) -> None:
    client = entered(User.objects.create(username="operator", is_superuser=True))
    client.post(reverse("admin:choose_tenant"), {"tenant": "every"})
    assert client.get(add_page(WitMapping)).status_code == 403


def test_a_repeated_level_is_refused_with_words(ours: World) -> None:
    level = ours.row(WitHierarchy).level
    page = entered(ours.members["editor"]).post(
        add_page(WitHierarchy), {"level": level, "name": "Twice"}
    )
    assert page.status_code == 200
    assert "already exists" in page.content.decode()


@pytest.mark.django_db
def test_a_stranger_is_sent_to_the_login_and_a_user_without_tenant_is_not_let_in() -> None:
    User.objects.create_user("lonely", password="a long password")
    client = Client()
    assert client.get(reverse("admin:index")).status_code == 302
    page = client.post(
        reverse("admin:login"), {"username": "lonely", "password": "a long password"}
    )
    assert page.status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_member_who_is_no_django_staff_logs_in(ours: World) -> None:
    ours.members["viewer"].set_password("a long password")
    ours.members["viewer"].save()
    client = Client()
    page = client.post(
        reverse("admin:login"),
        {"username": ours.members["viewer"].username, "password": "a long password"},
    )
    assert page.status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_member_of_an_inactive_tenant_is_out(ours: World) -> None:
    client = entered(ours.members["admin"])
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    assert client.get(reverse("admin:index")).status_code == 302


def test_home_offers_a_rule_for_a_type_without_one_to_whoever_may_add_it(ours: World) -> None:
    wit = ours.row(Wit)
    with tenant_scope(ours.tenant.pk):
        WitResolution.objects.create(
            tenant=ours.tenant,
            integration=ours.row(Integration),
            project_source_id="1",
            type_source_id=wit.source_id,
        )
    for role, is_offered in (("viewer", False), ("editor", True)):
        home = entered(ours.members[role]).get(reverse("admin:index")).content.decode()
        assert wit.name in home
        assert (f"from_name={wit.name}" in home) is is_offered
    form = entered(ours.members["editor"]).get(
        add_page(WitMapping), {"from_name": wit.name, "integration": wit.integration_id}
    )
    assert f'value="{wit.name}"' in form.content.decode()


@pytest.mark.django_db
def test_an_operator_makes_a_tenant_that_can_be_worked_in_and_lets_somebody_in() -> None:
    client = entered(User.objects.create(username="operator", is_superuser=True))
    tenant = {"name": "Initech", "slug": "initech", "tier": "basic", "time_zone": "UTC"}
    assert client.post(add_page(Tenant), {**tenant, "is_active": "on"}).status_code == 302
    made = Tenant.objects.get(slug="initech")
    with tenant_scope(made.pk):
        assert WitHierarchy.objects.count() == 6
    person = {"username": "peter", "password1": "red stapler 77", "password2": "red stapler 77"}
    page = client.post(add_page(User), {**person, "usable_password": "true"})
    assert page.status_code == 302
    client.post(reverse("admin:choose_tenant"), {"tenant": made.pk})
    peter = User.objects.get(username="peter")
    assert client.get(add_page(Membership)).status_code == 200
    assert client.post(add_page(Membership), {"user": peter.pk, "role": "admin"}).status_code == 302
    browser = Client()
    login = {"username": "peter", "password": "red stapler 77"}
    assert browser.post(reverse("admin:login"), login).status_code == 302
    assert browser.get(add_page(WitMapping)).status_code == 200
