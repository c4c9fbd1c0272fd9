"""What every test of live sources relies on: the sandbox may be reached, and nothing waits long."""

from ipaddress import ip_network

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def near_sources(settings: Settings) -> None:
    """Let integrations reach loopback, and try again soon."""
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = (ip_network("127.0.0.0/8"),)
    settings.STEP_BACKOFF_SECONDS = 0.05
    settings.LOAD_LINGER_SECONDS = 0.05
