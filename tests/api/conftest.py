"""Two tenants, and programs that ask in the name of their members.

No id of a row of one tenant is that of a row of the other, whatever their models: what is told of
a foreign id could else be true of one's own.
"""

from itertools import count

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests.admin.world import World, make_world
from tests.api.worlds import living_world


@pytest.fixture(autouse=True)
def nothing_cached() -> None:
    """Forget what an earlier test kept, counts of requests too."""
    cache.clear()


def _world(request: pytest.FixtureRequest, slug: str, first_id: int) -> World:
    """A world; in modules that set HAS_EVERYTHING, one with a row of everything there is."""
    if getattr(request.module, "HAS_EVERYTHING", False):
        return living_world(slug, first_id)
    return make_world(slug, count(first_id))


@pytest.fixture
def ours(db: None, request: pytest.FixtureRequest) -> World:
    """The tenant of whoever asks."""
    return _world(request, "ours", 1_000_001)


@pytest.fixture
def theirs(db: None, request: pytest.FixtureRequest) -> World:
    """The tenant that must not be seen."""
    return _world(request, "theirs", 2_000_001)


def client_of(world: World, role: str) -> APIClient:
    """A program in which a member of this role is signed in."""
    client = APIClient()
    client.force_login(world.members[role])
    return client


@pytest.fixture
def as_admin(ours: World) -> APIClient:
    """A program in which an administrator of `ours` is signed in."""
    return client_of(ours, "admin")
