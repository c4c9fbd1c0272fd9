"""The providers over the API: what each brings and asks for, as declared."""

import pytest
from rest_framework.test import APIClient

from integrations.contract import setting_fields
from integrations.registry import connectors
from tests.admin.world import World
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db


def test_every_provider_is_listed_with_what_it_declares(ours: World) -> None:
    answer = client_of(ours, "viewer").get("/api/v1/providers/").json()
    assert [each["slug"] for each in answer["results"]] == sorted(connectors())
    for each in answer["results"]:
        connector = connectors()[each["slug"]]
        declared = {field.name: field for field in setting_fields(connector.settings_type)}
        properties = each["settings_schema"]["properties"]
        assert list(properties) == list(declared)
        for name, shown in properties.items():
            assert (shown["x-kind"], shown["x-picks"]) == (
                declared[name].kind,
                declared[name].picks,
            )
            assert shown["title"] == declared[name].label
        assert [method["slug"] for method in each["auth_methods"]] == [
            method.slug for method in connector.auth_methods
        ]


def test_a_provider_is_read_by_its_slug_and_not_sent_twice(as_admin: APIClient) -> None:
    first = as_admin.get("/api/v1/providers/jira/")
    assert first.json()["label"] == "Jira"
    again = as_admin.get("/api/v1/providers/jira/", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_a_provider_that_is_none_is_not_found(as_admin: APIClient) -> None:
    assert as_admin.get("/api/v1/providers/nothing/").status_code == 404
