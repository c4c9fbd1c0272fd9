"""Every page of the admin is classified, behind the wall, and open to whom the table says."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from tests.admin.pages import PAGES, ROLES, Page
from tests.admin.test_isolation import MISSING, seen
from tests.admin.world import World

_OF_MODELS = ("changelist", "add", "history", "delete", "change")


def patterns(found: Any) -> Iterator[URLPattern]:
    for each in found:
        if isinstance(each, URLResolver):
            yield from patterns(each.url_patterns)
        else:
            yield each


def names_of_models() -> set[str]:
    """The pages that every admin of a model has; tests/admin/test_isolation.py asks them all."""
    return {
        f"{model._meta.app_label}_{model._meta.model_name}_{page}"
        for model in admin.site._registry
        for page in _OF_MODELS
    }


def own_names() -> list[str]:
    names = {each.name for each in patterns(admin.site.get_urls()) if each.name}
    return sorted(names - names_of_models())


def asked(client: Client, name: str, what: Page, args: tuple[Any, ...]) -> Any:
    address = reverse(f"admin:{name}", args=args)
    if what.post is not None:
        return client.post(address, what.post)
    return client.get(address, what.query)


def args_of(what: Page, world: World) -> tuple[Any, ...]:
    if what.args is not None:
        return what.args(world)
    return () if what.model is None else (world.row(what.model).pk,)


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def pages_of(*kinds: str) -> list[Any]:
    known = set(own_names())
    return [
        pytest.param(name, page, id=name)
        for name, page in PAGES.items()
        if page.kind in kinds and name in known
    ]


def test_every_page_is_classified() -> None:
    missing = [name for name in own_names() if name not in PAGES]
    assert missing == [], f"give {missing} a line in tests/admin/pages.py"


def test_no_address_without_a_name_but_the_redirects_of_django() -> None:
    nameless = [str(each.pattern) for each in patterns(admin.site.get_urls()) if not each.name]
    assert set(nameless) <= {"<path:object_id>/", "(?P<url>.*)$"}


@pytest.mark.parametrize(("name", "what"), pages_of("tenant", "row"))
@pytest.mark.parametrize("role", ROLES)
def test_a_page_of_a_tenant_is_open_to_whom_the_table_says_and_shows_nobody_elses(
    name: str, what: Page, role: str, ours: World, theirs: World
) -> None:
    response = asked(entered(ours.members[role]), name, what, args_of(what, ours))
    if what.allows(role):
        assert response.status_code not in (403, 405), response.status_code
        assert response.status_code < 500
    else:
        assert response.status_code == what.refused
    assert theirs.canary not in seen(response)[1]


@pytest.mark.parametrize(("name", "what"), pages_of("row"))
def test_a_foreign_row_of_a_page_is_answered_like_a_missing_one(
    name: str, what: Page, ours: World, theirs: World, as_admin: Client
) -> None:
    args = args_of(what, theirs)
    foreign = asked(as_admin, name, what, args)
    missing = asked(as_admin, name, what, (MISSING, *args[1:]))
    assert foreign.status_code in (403, 404)
    assert seen(foreign, args[0]) == seen(missing, MISSING)


@pytest.mark.parametrize(("name", "what"), pages_of("operator"))
def test_a_page_of_operators_is_closed_to_an_administrator(
    name: str, what: Page, ours: World, as_admin: Client
) -> None:
    user = User.objects.create(username="someone")
    response = as_admin.get(reverse(f"admin:{name}", args=(user.pk,)))
    assert response.status_code == 403


@pytest.mark.parametrize(("name", "what"), pages_of("tenant", "row", "site", "operator"))
def test_a_stranger_is_sent_to_the_login(name: str, what: Page, ours: World) -> None:
    args = args_of(what, ours) if what.kind != "operator" else (1,)
    if name == "view_on_site":
        args = (1, 1)
    response = asked(Client(), name, what, args)
    assert response.status_code in (302, 403, 405), response.status_code
    assert ours.canary not in seen(response)[1]


@pytest.mark.parametrize(("name", "what"), pages_of("public"))
def test_a_public_page_tells_a_stranger_nothing(name: str, what: Page, ours: World) -> None:
    response = Client().get(reverse(f"admin:{name}"))
    assert response.status_code in (200, 404, 405)
    assert ours.canary not in seen(response)[1]
