"""The address of the API itself tells where everything is."""

import pytest
from rest_framework.test import APIClient

from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.operations import operations

pytestmark = pytest.mark.django_db


def test_the_root_names_every_list_and_each_answers(ours: World) -> None:
    client = client_of(ours, "admin")
    found = client.get("/api/v1/").json()
    lists = {
        each.path.removeprefix("/api/v1/").strip("/")
        for each in operations()
        if each.method == "GET" and each.path.count("/") == 4
    }
    assert set(found) == lists
    for name, address in found.items():
        assert address == f"http://testserver/api/v1/{name}/"
        asked = client.get(address).status_code  # some need a parameter, or an operator
        assert asked in (200, 400, 403), name


def test_nobody_is_told_without_an_account() -> None:
    assert APIClient().get("/api/v1/").status_code == 401
