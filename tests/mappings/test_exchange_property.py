"""Whatever rules a tenant has come back from a file exactly."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.exchange.plan import Plan
from mappings.models import WitHierarchy, WitMapping
from mappings.rules import fold
from tests.mappings.exchange_world import Ruled, complaints

pytestmark = pytest.mark.django_db

HOSTILE = ["=1+1", "'=x", " @a", "\tTab", "-1", "عطل", "🐛" * 20, 'say "x", y', "a\nb"]


@pytest.fixture
def acme() -> Ruled:
    return Ruled("acme")


NAMES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
    ),
)


@given(
    rows=st.lists(st.tuples(NAMES, NAMES, st.booleans(), st.sampled_from([4, 0, -1])), max_size=8)
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_rules_come_back_exactly(acme: Ruled, rows: list[tuple[str, str, bool, int]]) -> None:
    with acme.scope():
        WitMapping.objects.all().delete()
        levels = {row.level: row for row in WitHierarchy.objects.all()}
        seen: set[Any] = set()
        for number, (name, target, is_active, level) in enumerate(rows):
            if not fold(name) or fold(name) in seen or not target.strip():
                continue
            seen.add(fold(name))
            WitMapping.objects.create(
                tenant=acme.tenant,
                project_key=name.strip() if number % 2 else "",
                from_name=fold(name),
                target=target,
                hierarchy=levels[level],
                is_active=is_active,
            )
    text = acme.export("wit-mappings")
    before = acme.book()["wit_mappings"]
    plan: Plan = acme.plan("wit-mappings", text, is_replacing=True)
    assert complaints(plan) == []
    assert plan.is_empty
    with acme.scope():
        WitMapping.objects.all().delete()
    acme.bring_in("wit-mappings", text)
    after = acme.book()["wit_mappings"]
    assert [{**row, "target": row["target"].strip()} for row in before.values()] == list(
        after.values()
    )
