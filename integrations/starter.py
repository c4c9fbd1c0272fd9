"""Starter mappings of a new integration: the room of mappings makes them, which is above this."""

from typing import Protocol

from integrations.models import Integration


class StarterMappings(Protocol):
    """Adds what the provider proposes and the tenant lacks; in the tenant's scope."""

    def __call__(self, integration: Integration) -> int:
        """Return how many rules were added."""


_registered: list[StarterMappings] = []


def register(starter: StarterMappings) -> None:
    """Say what makes starter mappings; `etl_project` does when it starts."""
    _registered[:] = [starter]


def add_starter_mappings(integration: Integration) -> int:
    """Add the starter mappings of an integration's provider; return how many rules were added."""
    (starter,) = _registered
    return starter(integration)
