"""OPTIONS is answered everywhere, and tells nothing of what there is."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.operations import nothing_of, operations, values_of

pytestmark = pytest.mark.django_db


def test_options_tell_the_same_of_rows_that_are_there_and_that_are_not(ours: World) -> None:
    operator = APIClient()
    operator.force_login(User.objects.create_superuser("operator"))
    found: dict[Any, dict[str, Any]] = {}
    for client in (client_of(ours, "admin"), operator):
        for operation in operations():
            values = values_of(operation, ours)
            for path in (operation.at(values), operation.at(nothing_of(operation, values))):
                answer = client.options(path)
                assert answer.status_code < 500, path
                seen = found.setdefault((client, operation.path), answer.json())
                assert answer.json().get("name") == seen.get("name"), path
