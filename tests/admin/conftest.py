"""Two tenants who must never see each other."""

import pytest
from django.core.cache import cache
from django.test import Client

from tests.admin.world import World, make_world


@pytest.fixture(autouse=True)
def nothing_cached() -> None:
    """Forget what an earlier test kept of a tenant that had the same id."""
    cache.clear()


@pytest.fixture
def ours(db: None) -> World:
    """The tenant of whoever is logged in."""
    return make_world("ours")


@pytest.fixture
def theirs(db: None) -> World:
    """The tenant that must not be seen."""
    return make_world("theirs")


@pytest.fixture
def as_admin(ours: World) -> Client:
    """A browser in which an administrator of `ours` is logged in."""
    client = Client()
    client.force_login(ours.members["admin"])
    return client
