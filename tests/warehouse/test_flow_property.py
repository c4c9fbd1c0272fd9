"""Random histories, rules and workflows: the SQL and the plain model agree to the microsecond."""

import math
import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mappings.models import StepCategory
from tenants.scope import tenant_scope
from tests.warehouse.flow_model import Change, Item, Meaning, Step, metrics
from tests.warehouse.flow_world import Pair, World

pytestmark = pytest.mark.django_db

STATUSES = tuple("abcdefg")
"""Statuses that a source has; one or the other has no rule."""
PAIRS: tuple[Pair, ...] = (("10", "1"), ("10", "2"), ("20", "1"))
CATEGORIES = tuple(category.value for category in StepCategory)
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def _instant(rng: random.Random) -> datetime:
    """One of few, so that many fall together, some before creation; or any microsecond."""
    if rng.random() < 0.8:
        return NOON + timedelta(minutes=rng.randrange(-3, 9))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=rng.randrange(10**16))


def _workflow(rng: random.Random) -> tuple[Step, ...]:
    """Some steps; perhaps with equal or no numbers, perhaps without a commitment point."""
    size = rng.randrange(1, 8)
    point = rng.choice((None, *range(size)))
    return tuple(
        Step(
            category=rng.choice(CATEGORIES),
            position=rng.choice((number, number, number, rng.randrange(7), None)),
            is_commitment_point=number == point,
        )
        for number in range(size)
    )


def _meanings(rng: random.Random) -> dict[Pair, dict[str, Meaning]]:
    """What each status means in each project and type; absent where it is unmapped."""
    known = [_workflow(rng) for _ in range(3)]
    meanings: dict[Pair, dict[str, Meaning]] = {pair: {} for pair in PAIRS}
    for pair, status in product(PAIRS, STATUSES):
        kind = rng.choice(("unmapped", "category", "step", "step", "step"))
        category = rng.choice(CATEGORIES)
        if kind == "category":
            meanings[pair][status] = Meaning(category)
        elif kind == "step":
            workflow = rng.choice(known)
            meanings[pair][status] = Meaning(category, rng.choice(workflow), workflow)
    return meanings


def _wild_item(rng: random.Random) -> Item:
    """An item whose changes need not follow from each other, in any order and at any time."""
    places = [(str(rng.randrange(1, 120)), rng.randrange(3)) for _ in range(rng.randrange(8))]
    return Item(
        created_at=_instant(rng),
        status=rng.choice(STATUSES),
        changes=tuple(
            Change(
                at=_instant(rng),
                history=history,
                position=position,
                left=rng.choice((None, *STATUSES)),
                entered=rng.choice((None, *STATUSES)),
            )
            for history, position in dict.fromkeys(places)
        ),
        history_complete=rng.random() > 0.05,
    )


def check(meanings: dict[Pair, dict[str, Meaning]], stored: list[tuple[Pair, Item]]) -> None:
    world = World()
    with tenant_scope(world.tenant.pk):
        world.map_statuses(meanings)
        world.store(stored)
        world.recompute()
        for (pair, item), found in zip(stored, world.metrics(), strict=True):
            expected = metrics(item, meanings[pair])
            assert all(map(_same, found, expected)), (found, expected, item, meanings[pair])


def _same(one: object, other: object) -> bool:
    """Whether values are equal; seconds of centuries hold no single microsecond."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-15, abs_tol=1e-6)
    return one == other


@settings(
    max_examples=30,
    deadline=None,
    # A failure names one small item: to shrink the hundreds around it would only cost time.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_the_metrics_of_random_histories_are_those_of_the_model(seed: int) -> None:
    rng = random.Random(seed)
    check(_meanings(rng), [(rng.choice(PAIRS), _wild_item(rng)) for _ in range(100)])


PLAUSIBLE = (
    Step("to_do", 1),
    Step("to_do", 2, is_commitment_point=True),
    Step("in_progress", 3),
    Step("waiting", 4),
    Step("done", 5),
    Step("done", 6),
    Step("discarded", None),
)


@pytest.mark.parametrize("seed", range(3))
def test_the_metrics_of_a_thousand_plausible_histories_are_those_of_the_model(seed: int) -> None:
    rng = random.Random(seed)
    meanings = {
        pair: {
            status: Meaning("to_do", step, PLAUSIBLE)
            for status, step in zip(STATUSES, PLAUSIBLE, strict=True)
            if rng.random() > 0.05
        }
        for pair in PAIRS
    }
    check(meanings, [(rng.choice(PAIRS), _plausible_item(rng)) for _ in range(1000)])


def _plausible_item(rng: random.Random) -> Item:
    """An item that mostly walks forward; sometimes twice at once, sometimes within microseconds."""
    at = created_at = NOON + timedelta(microseconds=rng.randrange(10**12))
    status = rng.choice("aaabc")
    changes = []
    for number in range(rng.randrange(9)):
        at += timedelta(microseconds=rng.choice((0, 1, rng.randrange(10**11))))
        entered = rng.choice(STATUSES[STATUSES.index(status) :] + STATUSES)
        changes.append(Change(at, str(95 + number), 0, status, entered))
        status = entered
    rng.shuffle(changes)
    return Item(created_at, status, tuple(changes), history_complete=rng.random() > 0.05)
