"""A tenant whose notices may go to this machine."""

import pytest
from pytest_django import Settings

from common.egress import parse_networks
from tenants.models import Tenant
from tests.notices.world import new_tenant


@pytest.fixture(autouse=True)
def reachable(settings: Settings) -> None:
    """Let receivers of this machine be reached, as an operator would."""
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = parse_networks(["127.0.0.0/8"])


@pytest.fixture
def tenant(db: None) -> Tenant:
    """The tenant acme."""
    return new_tenant()
