"""Finds the providers: every folder of `integrations/providers` is one."""

import pkgutil
from functools import cache
from importlib import import_module

from common.errors import UsageError
from integrations import providers
from integrations.contract import Connector


@cache
def connectors() -> dict[str, Connector]:
    """Return every provider's connector by slug. A provider that cannot be imported raises."""
    found: dict[str, Connector] = {}
    for module in pkgutil.iter_modules(providers.__path__):
        if module.ispkg:
            connector = import_module(f"{providers.__name__}.{module.name}.connector").connector
            found[connector.slug] = connector
    return found


def connector_for(slug: str) -> Connector:
    """Return the connector of a provider; raise UsageError naming those there are."""
    try:
        return connectors()[slug]
    except KeyError:
        known = ", ".join(sorted(connectors()))
        raise UsageError(f"no provider {slug!r}; there are: {known}") from None
