"""Lists ask no more of the database for more rows."""

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.world import World, tenant_models

MODELS = [pytest.param(model, id=model.__name__) for model in tenant_models()]
MOST = 22
"""Queries of a list, whatever it lists: session, user, access, filters, badges, the rows."""


def asked(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("model", MODELS)
def test_a_list_of_more_rows_takes_as_many_queries(
    model: type[models.Model], ours: World, as_admin: Client
) -> None:
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    counts = []
    for _ in range(2):
        for _ in range(4):
            # Everything that a row points at is new too, so that nothing is read just once.
            for related in {field.related_model for field in model._meta.concrete_fields}:
                if related in tenant_models():
                    ours.rows.pop(related, None)
            ours.rows[model] = ours.add(model)
        counts.append(asked(as_admin, path))
    assert counts[0] == counts[1]
    assert counts[0] <= MOST
