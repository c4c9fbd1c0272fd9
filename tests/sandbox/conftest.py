"""A Jira of 200 work items."""

import pytest

from sandbox.generate.world import World
from tests.sandbox.jira_client import Client


@pytest.fixture
def jira() -> Client:
    """A Cloud site that is nobody else's."""
    return Client(World(items=200, seed=4, shape="v3"))
