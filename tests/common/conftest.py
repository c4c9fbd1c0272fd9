"""Tests of the leaf library leave nothing open."""

from collections.abc import Iterator

import pytest

from common.transport import close_pools


@pytest.fixture(autouse=True)
def closed_pools() -> Iterator[None]:
    """Leave no connection to the next test."""
    yield
    close_pools()
